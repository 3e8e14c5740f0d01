//! What the functions deliver, as users see it in the types.

use std::collections::HashMap;

use napi::{
    Env, JsValue,
    bindgen_prelude::{Result, ToNapiValue},
    sys,
};
use napi_derive::napi;
use serde_json::value::RawValue;

use super::js_call::call_global;
use crate::{
    call::{self, Event, Phase, milliseconds},
    wire,
};

/// For how long after `ready` a token may be taken as good, in milliseconds: what the providers promise.
const TOKEN_LIFETIME_MS: f64 = 120_000.0;

/// A task that exists at the provider.
#[napi(object, object_from_js = false)]
pub struct Task {
    /// The provider's id of the task; `getTaskResult` and `waitForTask` take it.
    pub task_id: String,
    /// The `provider` option.
    #[napi(ts_type = "Provider")]
    pub provider: String,
    /// When the task was created, in milliseconds since the epoch.
    pub created_at: f64,
}

impl From<call::Task> for Task {
    fn from(task: call::Task) -> Self {
        Task { task_id: task.id.to_string(), provider: task.provider.into(), created_at: milliseconds(task.created_at) }
    }
}

/// A task's status.
#[napi(discriminant = "status", discriminant_case = "lowercase", object_from_js = false)]
#[expect(clippy::large_enum_variant, reason = "napi converts no boxes, and one is made per call only")]
pub enum TaskResult {
    /// Not ready yet: poll again in three seconds.
    Processing,
    /// The token is available.
    Ready { solution: Solution },
}

impl From<Option<call::Solution>> for TaskResult {
    fn from(solution: Option<call::Solution>) -> Self {
        match solution {
            None => TaskResult::Processing,
            Some(solution) => TaskResult::Ready { solution: solution.into() },
        }
    }
}

/// A token and where it came from.
#[napi(object, object_from_js = false)]
pub struct Solution {
    /// The token: single use; it goes into the form field `cf-turnstile-response`.
    pub token: String,
    /// The user agent that the token was made with, if the provider returns it.
    pub user_agent: Option<String>,
    /// Request headers that belong to the token, if the provider returns them.
    pub headers: Option<HashMap<String, String>>,
    /// The `provider` option.
    #[napi(ts_type = "Provider")]
    pub provider: String,
    /// The `label` option.
    pub label: Option<String>,
    /// The provider's id of the task.
    pub task_id: String,
    /// When the task was created, in milliseconds since the epoch. Absent if another call created it.
    pub created_at: Option<f64>,
    /// When the token arrived, in milliseconds since the epoch.
    pub ready_at: f64,
    /// Until when the token can be considered valid, in milliseconds since the epoch: `readyAt` plus 120 000.
    pub expires_at: f64,
    /// How long the call took, in milliseconds.
    pub elapsed_ms: f64,
    /// How many polls were sent.
    pub polls: u32,
    /// How many requests were repeated after a temporary failure.
    pub retries: u32,
    /// The provider's `solution` as it came; what is nested more than 100 levels deep is `null`.
    #[napi(ts_type = "Record<string, unknown>")]
    pub raw: Json,
}

impl From<call::Solution> for Solution {
    fn from(solution: call::Solution) -> Self {
        let ready_at = milliseconds(solution.ready_at);
        Solution {
            token: solution.provided.token,
            user_agent: solution.provided.user_agent,
            headers: solution.provided.headers.map(HashMap::from_iter),
            provider: solution.provider.into(),
            label: solution.label.as_deref().map(str::to_owned),
            task_id: solution.task_id,
            created_at: solution.created_at.map(milliseconds),
            ready_at,
            expires_at: ready_at + TOKEN_LIFETIME_MS,
            elapsed_ms: solution.elapsed.as_millis() as f64,
            polls: solution.polls,
            retries: solution.retries,
            raw: Json(solution.provided.raw),
        }
    }
}

/// The balance of an account.
#[napi(object, object_from_js = false)]
pub struct Balance {
    /// The balance in the provider's points. The price of a point differs by provider.
    pub balance: f64,
    /// The provider's whole reply as it came; what is nested more than 100 levels deep is `null`.
    #[napi(ts_type = "Record<string, unknown>")]
    pub raw: Json,
}

impl From<wire::Balance> for Balance {
    fn from(balance: wire::Balance) -> Self {
        Balance { balance: balance.balance, raw: Json(balance.raw) }
    }
}

/// What `onProgress` is called with.
#[napi(object, object_from_js = false)]
pub struct Progress {
    /// `created`: the task exists, and is paid for. `processing`: a poll found the task not ready yet. `retrying`: a request
    /// failed temporarily and will be sent again. `ready`: the token is available.
    #[napi(ts_type = "'created' | 'processing' | 'retrying' | 'ready'")]
    pub phase: &'static str,
    /// The `provider` option.
    #[napi(ts_type = "Provider")]
    pub provider: &'static str,
    /// The `label` option.
    pub label: Option<String>,
    /// The provider's id of the task; absent until it is created.
    pub task_id: Option<String>,
    /// How many polls were sent so far.
    pub polls: u32,
    /// How many requests were repeated so far.
    pub retries: u32,
    /// How long the call has taken so far, in milliseconds.
    pub elapsed_ms: f64,
    /// With `retrying`: the time until the request is sent again, in milliseconds.
    pub retry_delay_ms: Option<f64>,
    /// With `retrying`: the `code` that the failure would have as an error.
    #[napi(ts_type = "TurnstileErrorCode")]
    pub code: Option<&'static str>,
    /// With `retrying`: a description of what failed.
    pub message: Option<String>,
}

impl From<Event> for Progress {
    fn from(event: Event) -> Self {
        let (phase, retry) = match event.phase {
            Phase::Created => ("created", None),
            Phase::Processing => ("processing", None),
            Phase::Retrying { delay, code, message } => ("retrying", Some((delay, code, message))),
            Phase::Ready => ("ready", None),
            Phase::Ended => ("ended", None),
        };
        let (retry_delay_ms, code, message) = match retry {
            Some((delay, code, message)) => (Some(delay.as_millis() as f64), Some(code), Some(message)),
            None => (None, None, None),
        };
        Progress {
            phase,
            provider: event.provider,
            label: event.label.as_deref().map(str::to_owned),
            task_id: event.task_id,
            polls: event.polls,
            retries: event.retries,
            elapsed_ms: event.elapsed.as_millis() as f64,
            retry_delay_ms,
            code,
            message,
        }
    }
}

/// JSON that JavaScript itself parses, so that numbers and names mean what they always mean there.
#[derive(Clone)]
pub struct Json(pub Box<RawValue>);

impl ToNapiValue for Json {
    unsafe fn to_napi_value(env: sys::napi_env, json: Self) -> Result<sys::napi_value> {
        let env = Env::from_raw(env);
        let text = env.create_string(json.0.get())?.to_unknown();
        let value = call_global(&env, "JSON", "parse", text)?.map_err(napi::Error::from_reason)?;
        Ok(value.raw())
    }
}
