//! A finished call as JavaScript sees it: `{ type: 'ready', value }` or `{ type: 'failed', errors, causeMessage? }`.

use std::collections::BTreeMap;

use napi::{
    Env,
    bindgen_prelude::{Either, Object, Result, ToNapiValue},
    sys,
};
use napi_derive::napi;
use serde_json::value::RawValue;

use super::results::Json;
use crate::error::{Error, ErrorKind, RequestError};

pub enum Outcome<T> {
    Ready(T),
    Failed {
        /// The error, then what caused it, each caused by the next.
        errors: Vec<ErrorData>,
        /// The cause of the last of them, in the words of the system or of what was thrown.
        cause_message: Option<String>,
    },
}

impl<T> From<std::result::Result<T, Error>> for Outcome<T> {
    fn from(result: std::result::Result<T, Error>) -> Self {
        match result {
            Ok(value) => Outcome::Ready(value),
            Err(error) => failed(error),
        }
    }
}

impl<T: ToNapiValue> ToNapiValue for Outcome<T> {
    unsafe fn to_napi_value(env: sys::napi_env, outcome: Self) -> Result<sys::napi_value> {
        let mut object = Object::new(&Env::from_raw(env))?;
        match outcome {
            Outcome::Ready(value) => {
                object.set("type", "ready")?;
                object.set("value", value)?;
            }
            Outcome::Failed { errors, cause_message } => {
                object.set("type", "failed")?;
                object.set("errors", errors)?;
                object.set("causeMessage", cause_message.map_or(Either::B(()), Either::A))?;
            }
        }
        unsafe { ToNapiValue::to_napi_value(env, object) }
    }
}

/// What a `TurnstileError` is made of.
pub struct ErrorData {
    /// What failed and what to do next, for people.
    message: String,
    fields: TurnstileErrorFields,
}

impl ToNapiValue for ErrorData {
    unsafe fn to_napi_value(env: sys::napi_env, error: Self) -> Result<sys::napi_value> {
        let mut object = Object::new(&Env::from_raw(env))?;
        object.set("message", error.message)?;
        object.set("fields", error.fields)?;
        unsafe { ToNapiValue::to_napi_value(env, object) }
    }
}

/// The fields of a `TurnstileError` besides its message, stack and `cause`.
#[napi(object, object_from_js = false)]
#[derive(Clone)]
pub struct TurnstileErrorFields {
    /// The kind of failure.
    #[napi(ts_type = "TurnstileErrorCode")]
    pub code: &'static str,
    /// The `provider` option. Absent only where that option was wrong.
    #[napi(ts_type = "Provider")]
    pub provider: Option<&'static str>,
    /// The `label` option.
    pub label: Option<String>,
    /// The provider's id of the task, as soon as the task exists.
    pub task_id: Option<String>,
    /// Whether money may have been spent although there is no token.
    pub may_be_charged: bool,
    /// `INVALID_OPTIONS`: the path of the offending option.
    pub option: Option<String>,
    /// `HTTP_ERROR`, `INVALID_RESPONSE`, `PROVIDER_ERROR`: the HTTP status of the reply.
    pub status: Option<u16>,
    /// `PROVIDER_ERROR`: the reply's `errorId`, which is 0 on success.
    pub error_id: Option<i64>,
    /// `PROVIDER_ERROR`: the provider's code, unchanged. Empty if it sent none.
    pub error_code: Option<String>,
    /// `PROVIDER_ERROR`: the provider's text, unchanged except that secrets are removed. Empty if it sent none.
    pub error_description: Option<String>,
    /// `PROVIDER_ERROR`: what can be done about it.
    #[napi(ts_type = "ProviderErrorReason")]
    pub reason: Option<&'static str>,
    /// `PROVIDER_ERROR`: how long nothing is sent for this account, in milliseconds. Present with `banned`, and with
    /// `account` after so many refusals within a minute that the provider would soon ban the key.
    pub retry_after_ms: Option<f64>,
    /// `PROVIDER_ERROR`: `true` if the request was not sent, because the provider refused an earlier one and would refuse
    /// again; `retryAfterMs` says for how long. Absent if the provider itself replied.
    pub not_sent: Option<bool>,
    /// `PROVIDER_ERROR`: the provider's id of the request, if it sent one.
    pub request_id: Option<String>,
    /// `PROVIDER_ERROR`: the problem with each wrong field, by the field's path, if the provider sent them.
    pub field_errors: Option<BTreeMap<String, String>>,
    /// `INVALID_RESPONSE` of a task that is ready: the provider's `solution`, which could not be read, or its whole reply
    /// where it had none.
    #[napi(ts_type = "unknown")]
    pub raw: Option<Json>,
    /// `TIMEOUT`: how long the call ran, in milliseconds.
    pub elapsed_ms: Option<f64>,
    /// `TIMEOUT`: how many polls were sent.
    pub polls: Option<u32>,
}

fn failed<T>(error: Error) -> Outcome<T> {
    let message = error.to_string();
    let fields = TurnstileErrorFields {
        code: error.code(),
        provider: error.provider,
        label: error.label.as_deref().map(str::to_owned),
        task_id: error.task_id,
        may_be_charged: error.may_be_charged,
        option: None,
        status: None,
        error_id: None,
        error_code: None,
        error_description: None,
        reason: None,
        retry_after_ms: None,
        not_sent: None,
        request_id: None,
        field_errors: None,
        raw: None,
        elapsed_ms: None,
        polls: None,
    };
    let (fields, cause, cause_message) = match error.kind {
        ErrorKind::InvalidOptions(bad) => {
            (TurnstileErrorFields { option: Some(bad.option), ..fields }, None, bad.thrown)
        }
        ErrorKind::Aborted => (fields, None, None),
        ErrorKind::Request { error, .. } => {
            let cause_message = error.detail().map(str::to_owned);
            (fields.of(error), None, cause_message)
        }
        ErrorKind::Timeout { elapsed, polls, .. } => {
            let cause_message = error.cause.as_deref().and_then(RequestError::detail).map(str::to_owned);
            let cause = error.cause.map(|cause| ErrorData {
                message: cause.to_string(),
                fields: TurnstileErrorFields { code: cause.code(), ..fields.clone() }.of(*cause),
            });
            let elapsed_ms = Some(elapsed.as_millis() as f64);
            (TurnstileErrorFields { elapsed_ms, polls: Some(polls), ..fields }, cause, cause_message)
        }
    };
    let errors = [ErrorData { message, fields }].into_iter().chain(cause).collect();
    Outcome::Failed { errors, cause_message }
}

impl TurnstileErrorFields {
    /// The same with what the error of its request says.
    fn of(self, error: RequestError) -> Self {
        let fields = TurnstileErrorFields { status: error.status(), ..self };
        match error {
            RequestError::Provider(error) => TurnstileErrorFields {
                error_id: Some(error.error_id),
                error_code: Some(error.error_code),
                error_description: Some(error.error_description),
                reason: Some(error.reason.name()),
                retry_after_ms: error.retry_after.map(|wait| wait.as_millis() as f64),
                not_sent: error.remembered.map(|_| true),
                request_id: error.request_id,
                field_errors: Some(error.field_errors).filter(|errors| !errors.is_empty()),
                ..fields
            },
            RequestError::Solution(solution) => {
                TurnstileErrorFields { raw: RawValue::from_string(solution.raw).ok().map(Json), ..fields }
            }
            _ => fields,
        }
    }
}
