//! The options of a call, read and parsed: what they become, and what its events may show of them.

use std::sync::Arc;

use napi::{
    Env,
    bindgen_prelude::{Object, Result, ToNapiValue, Unknown},
    sys,
};

use super::{
    outcome::Outcome,
    read_options::{self, Reading},
    start::{Started, started},
};
use crate::{
    error::Error,
    options::{RawOptions, Request},
};

pub struct Parsed<'env, Input> {
    pub request: std::result::Result<Input, Error>,
    pub signal: Option<Object<'env>>,
    pub on_progress: Option<Unknown<'env>>,
}

pub fn parse_options<'env, Input>(
    env: &'env Env,
    options: Unknown<'env>,
    parse: impl FnOnce(RawOptions) -> std::result::Result<Input, Error>,
) -> Result<Parsed<'env, Input>> {
    Ok(match read_options::read(env, options)? {
        Ok(Reading { options, signal, on_progress }) => Parsed { request: parse(options), signal, on_progress },
        Err(error) => Parsed { request: Err(error), signal: None, on_progress: None },
    })
}

/// A call that has ended as soon as its options are parsed.
pub fn validate<'env, Input: Request>(
    env: &'env Env,
    options: Unknown<'env>,
    parse: impl FnOnce(RawOptions) -> std::result::Result<Input, Error>,
) -> Result<Started<'env>> {
    let request = parse_options(env, options, parse)?.request;
    let shown = Shown::of(&request);
    started(env, Outcome::from(request.map(|_| ())), None, None, Some(shown))
}

/// What the events of a call may show of its options: what is right, and never the key.
pub struct Shown {
    provider: Option<&'static str>,
    label: Option<Arc<str>>,
    task_id: Option<String>,
}

impl Shown {
    pub fn of<Input: Request>(request: &std::result::Result<Input, Error>) -> Self {
        match request {
            Ok(request) => Shown {
                provider: Some(request.account().provider.name),
                label: request.account().label.clone(),
                task_id: request.task_id().map(ToString::to_string),
            },
            Err(error) => {
                Shown { provider: error.provider, label: error.label.clone(), task_id: error.task_id.clone() }
            }
        }
    }
}

impl ToNapiValue for Shown {
    unsafe fn to_napi_value(env: sys::napi_env, shown: Self) -> Result<sys::napi_value> {
        let mut object = Object::new(&Env::from_raw(env))?;
        if let Some(provider) = shown.provider {
            object.set("provider", provider)?;
        }
        if let Some(label) = shown.label {
            object.set("label", &*label)?;
        }
        if let Some(task_id) = shown.task_id {
            object.set("taskId", task_id)?;
        }
        unsafe { ToNapiValue::to_napi_value(env, object) }
    }
}
