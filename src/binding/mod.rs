//! The boundary to JavaScript: options in, one promise out. It moves plain data and decides nothing.
//!
//! Each function reads and parses its options at once, so that bad ones are known before anything is sent, and returns a
//! [`Started`] call. `lib/client.js` listens to the signal, waits for the outcome and turns a failed one into a
//! `TurnstileError`.

mod js_call;
pub mod options;
mod outcome;
mod provider_info;
mod read_options;
mod results;
mod settle;
mod start;
mod validate;

use napi::{
    Env, Result,
    bindgen_prelude::{Object, Unknown},
};
use napi_derive::napi;

use crate::{
    api,
    options::{CreateTaskRequest, GetBalanceRequest, GetTaskResultRequest, SolveRequest, WaitForTaskRequest},
    provider::PROVIDERS,
};
use provider_info::ProviderInfo;
use results::{Balance, Solution, Task, TaskResult};
use start::{Started, start};

#[napi(module_exports)]
pub fn exports(mut exports: Object, env: Env) -> Result<()> {
    start::keep_exec_argv(&env);
    exports.set("version", env!("CARGO_PKG_VERSION"))?;
    exports.set("providers", PROVIDERS.iter().map(ProviderInfo::from).collect::<Vec<_>>())
}

/// Creates a task, polls it, and returns its token.
///
/// The provider bills the creation of the task. Every temporary failure after which a request can safely be repeated is
/// retried until `timeoutMs` has passed. If the call fails after its task was created, the error has the `taskId`, and
/// `waitForTask` can resume the task.
///
/// @throws {TurnstileError} always as a rejection, never synchronously
#[napi(catch_unwind, ts_args_type = "options: SolveOptions", ts_return_type = "Promise<Solution>")]
pub fn solve_turnstile<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    helpers: Object<'env>,
    tracer: Option<Unknown<'env>>,
) -> Result<Started<'env>> {
    start(env, options, helpers, tracer, SolveRequest::parse, Solution::from, |registry, request, hooks| {
        api::solve(registry, request, hooks.listener, hooks.cancel)
    })
}

/// Creates a task and returns its id: the call that the provider bills.
///
/// The request is sent again only if the first one certainly did not arrive, or was refused as busy or throttled.
///
/// @throws {TurnstileError} always as a rejection, never synchronously
#[napi(catch_unwind, ts_args_type = "options: CreateTaskOptions", ts_return_type = "Promise<Task>")]
pub fn create_task<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    helpers: Object<'env>,
    tracer: Option<Unknown<'env>>,
) -> Result<Started<'env>> {
    start(env, options, helpers, tracer, CreateTaskRequest::parse, Task::from, |registry, request, hooks| {
        api::create_task(registry, request, hooks.listener, hooks.cancel)
    })
}

/// Polls a task once. Polls are free, and safe to repeat.
///
/// @throws {TurnstileError} always as a rejection, never synchronously
#[napi(catch_unwind, ts_args_type = "options: GetTaskResultOptions", ts_return_type = "Promise<TaskResult>")]
pub fn get_task_result<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    helpers: Object<'env>,
    tracer: Option<Unknown<'env>>,
) -> Result<Started<'env>> {
    start(env, options, helpers, tracer, GetTaskResultRequest::parse, TaskResult::from, |registry, request, hooks| {
        api::get_task_result(registry, request, hooks.listener, hooks.cancel)
    })
}

/// Polls an existing task until its token is available. Use it to resume after a crash, a `TIMEOUT` or an abort.
///
/// @throws {TurnstileError} always as a rejection, never synchronously
#[napi(catch_unwind, ts_args_type = "options: WaitForTaskOptions", ts_return_type = "Promise<Solution>")]
pub fn wait_for_task<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    helpers: Object<'env>,
    tracer: Option<Unknown<'env>>,
) -> Result<Started<'env>> {
    start(env, options, helpers, tracer, WaitForTaskRequest::parse, Solution::from, |registry, request, hooks| {
        api::wait_for_task(registry, request, hooks.listener, hooks.cancel)
    })
}

/// Gets the account's balance, in the provider's points.
///
/// @throws {TurnstileError} always as a rejection, never synchronously
#[napi(catch_unwind, ts_args_type = "options: AccountOptions", ts_return_type = "Promise<Balance>")]
pub fn get_balance<'env>(
    env: &'env Env,
    options: Unknown<'env>,
    helpers: Object<'env>,
    tracer: Option<Unknown<'env>>,
) -> Result<Started<'env>> {
    start(env, options, helpers, tracer, GetBalanceRequest::parse, Balance::from, |registry, request, hooks| {
        api::get_balance(registry, request, hooks.listener, hooks.cancel)
    })
}

/// Validates the options of a call and returns `{ outcome, shown }`, as a call does. Starts and sends nothing. Internal.
#[napi(catch_unwind, skip_typescript)]
pub fn validate<'env>(env: &'env Env, call: String, options: Unknown<'env>) -> Result<Started<'env>> {
    match call.as_str() {
        "solveTurnstile" => validate::validate(env, options, SolveRequest::parse),
        "createTask" => validate::validate(env, options, CreateTaskRequest::parse),
        "getTaskResult" => validate::validate(env, options, GetTaskResultRequest::parse),
        "waitForTask" => validate::validate(env, options, WaitForTaskRequest::parse),
        "getBalance" => validate::validate(env, options, GetBalanceRequest::parse),
        _ => Err(napi::Error::from_reason(format!("there is no call {call}"))),
    }
}
