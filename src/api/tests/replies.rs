//! What a provider replies, and how requests fail.

use serde_json::json;

use super::support::{
    CallKind::{self, CreateTask, GetBalance, GetTaskResult, Solve, WaitForTask},
    TASK, TOKEN,
};
use crate::{error::RequestError, transport::scripted::Step};

pub fn created() -> Step {
    Step::json(&json!({ "errorId": 0, "taskId": TASK }))
}

pub fn processing() -> Step {
    Step::json(&json!({ "errorId": 0, "status": "processing" }))
}

pub fn ready() -> Step {
    Step::json(&json!({ "errorId": 0, "status": "ready", "solution": { "token": TOKEN } }))
}

pub fn balance() -> Step {
    Step::json(&json!({ "errorId": 0, "balance": 12.5 }))
}

/// The reply that lets a call of this kind succeed.
pub fn success(kind: CallKind) -> Step {
    match kind {
        Solve | CreateTask => created(),
        GetTaskResult | WaitForTask => ready(),
        GetBalance => balance(),
    }
}

pub fn refusal(error_code: &str) -> Step {
    refusal_with(200, error_code, "")
}

pub fn refusal_with(status: u16, error_code: &str, description: &str) -> Step {
    let body = json!({ "errorId": 1, "errorCode": error_code, "errorDescription": description });
    Step::reply(status, body.to_string())
}

pub fn zero_balance() -> Step {
    refusal("ERROR_ZERO_BALANCE")
}

pub fn banned() -> Step {
    refusal("ERROR_REQUEST_BANNED")
}

pub fn busy() -> Step {
    refusal("ERROR_NO_SLOT_AVAILABLE")
}

/// A gateway's page.
pub fn gateway(status: u16) -> Step {
    Step::reply(status, "<html>gateway</html>")
}

pub fn connect_failed() -> Step {
    Step::error(RequestError::Connect { detail: "connection refused".into() })
}

pub fn not_processed() -> Step {
    Step::error(RequestError::NotProcessed { detail: "GOAWAY".into() })
}

pub fn interrupted() -> Step {
    Step::error(RequestError::Interrupted { detail: "connection reset".into() })
}

pub fn certificate_refused() -> Step {
    Step::error(RequestError::Certificate { detail: "UnknownIssuer".into() })
}
