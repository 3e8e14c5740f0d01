//! A status and the bytes of a body through all three decoders, beside a second reading of the protocol that knows nothing
//! of the first.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use turnstile_solver::{
    error::RequestError,
    options::TaskId,
    provider::Reason,
    retry::{Retry, retry_policy},
    wire::{self, Method, TaskStatus},
};

fuzz_target!(|input: &[u8]| {
    let Some((head, body)) = input.split_first_chunk::<2>() else { return };
    let status = 100 + u16::from_le_bytes(*head) % 500;
    holds_together(status, body);
    // Written anew, no name is given twice: then the second reading is exact. It reads what was written, since a number may
    // have moved by its last bit.
    let Ok(reply) = serde_json::from_slice::<Map<String, Value>>(body) else { return };
    let body = serde_json::to_vec(&reply).unwrap();
    let Ok(reply) = serde_json::from_slice(&body) else { return };
    holds_together(status, &body);
    assert_eq!(task_id(status, &body), expected_task_id(&reply), "createTask");
    assert_eq!(task_status(status, &body), expected_task_status(&reply), "getTaskResult");
    assert_eq!(balance(status, &body), expected_balance(&reply), "getBalance");
});

/// What a reply comes to, as far as a second reading can tell.
#[derive(Debug, PartialEq)]
enum Read {
    NoEnvelope,
    Refused { error_id: i64, error_code: String, error_description: String, reason: Reason },
    Broken,
    TaskId(TaskId),
    Processing,
    Ready(String),
    Balance(f64),
}

fn fault(fault: RequestError) -> Read {
    match fault {
        RequestError::Http { .. } | RequestError::Decode { .. } => Read::NoEnvelope,
        RequestError::Protocol { .. } => Read::Broken,
        RequestError::Provider(refusal) => Read::Refused {
            error_id: refusal.error_id,
            error_code: refusal.error_code,
            error_description: refusal.error_description,
            reason: refusal.reason,
        },
        other => panic!("a decoder reached for the network: {other:?}"),
    }
}

fn task_id(status: u16, body: &[u8]) -> Read {
    wire::task_id(status, body).map_or_else(fault, Read::TaskId)
}

fn task_status(status: u16, body: &[u8]) -> Read {
    match wire::task_status(status, body) {
        Ok(TaskStatus::Processing) => Read::Processing,
        Ok(TaskStatus::Ready(answer)) => Read::Ready(answer.token),
        Err(problem) => fault(problem),
    }
}

fn balance(status: u16, body: &[u8]) -> Read {
    wire::balance(status, body).map_or_else(fault, |balance| Read::Balance(balance.balance))
}

fn expected_task_id(reply: &Map<String, Value>) -> Read {
    if let Some(failed) = failed(reply) {
        return failed;
    }
    match reply.get("taskId") {
        Some(Value::String(id)) if !id.trim().is_empty() => Read::TaskId(TaskId::Text(id.as_str().into())),
        Some(Value::Number(id)) => id.as_u64().map_or(Read::Broken, |id| Read::TaskId(TaskId::Number(id))),
        _ => Read::Broken,
    }
}

fn expected_task_status(reply: &Map<String, Value>) -> Read {
    let word = reply.get("status").and_then(Value::as_str);
    match (error_id(reply), word) {
        (None, _) => return Read::NoEnvelope,
        (Some(error_id), _) if error_id != 0 && text(reply, "errorCode") == "CAPTCHA_NOT_READY" => {
            return Read::Processing;
        }
        (Some(error_id), Some("error" | "failed")) => {
            return match refused(reply, error_id) {
                Read::Refused { error_id, error_code, error_description, .. } if error_code.is_empty() => {
                    Read::Refused { error_id, error_code, error_description, reason: Reason::Unsolvable }
                }
                refused => refused,
            };
        }
        _ => {}
    }
    if let Some(failed) = failed(reply) {
        return failed;
    }
    match word {
        Some("processing" | "idle") => Read::Processing,
        Some("ready") => {
            let field =
                |name| reply.get("solution")?.as_object()?.get(name)?.as_str().filter(|token| !token.is_empty());
            let token = field("token").or_else(|| field("gRecaptchaResponse"));
            token.map_or(Read::Broken, |token| Read::Ready(token.to_owned()))
        }
        _ => Read::Broken,
    }
}

fn expected_balance(reply: &Map<String, Value>) -> Read {
    if let Some(failed) = failed(reply) {
        return failed;
    }
    let balance = match reply.get("balance") {
        Some(Value::Number(points)) => points.as_f64(),
        Some(Value::String(points)) => points.parse().ok(),
        _ => None,
    };
    balance.filter(|points| points.is_finite()).map_or(Read::Broken, Read::Balance)
}

fn error_id(reply: &Map<String, Value>) -> Option<i64> {
    reply.get("errorId")?.as_i64()
}

fn failed(reply: &Map<String, Value>) -> Option<Read> {
    match error_id(reply) {
        None => Some(Read::NoEnvelope),
        Some(0) => None,
        Some(error_id) => Some(refused(reply, error_id)),
    }
}

fn refused(reply: &Map<String, Value>, error_id: i64) -> Read {
    let error_code = text(reply, "errorCode");
    let reason = Reason::of(&error_code);
    Read::Refused { error_id, error_code, error_description: text(reply, "errorDescription"), reason }
}

fn text(reply: &Map<String, Value>, name: &str) -> String {
    match reply.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// What is true of any reply, however it is spelt.
fn holds_together(status: u16, body: &[u8]) {
    match wire::task_id(status, body) {
        Ok(id) => {
            assert!(!id.to_string().trim().is_empty(), "an id that nobody can ask for");
            let sent: Value = serde_json::from_slice(&wire::get_task_result_body("k", &id)).unwrap();
            match id {
                TaskId::Text(id) => assert_eq!(sent["taskId"], *id),
                TaskId::Number(id) => assert_eq!(sent["taskId"], id),
            }
        }
        Err(fault) => tells(status, &fault),
    }
    match wire::task_status(status, body) {
        Ok(TaskStatus::Processing) => {
            let says =
                |word: &str| body.windows(word.len()).any(|part| part == word.as_bytes()) || body.contains(&b'\\');
            assert!(["processing", "idle", "CAPTCHA_NOT_READY"].into_iter().any(says), "it waits for nothing");
        }
        Ok(TaskStatus::Ready(answer)) => {
            assert!(!answer.token.is_empty(), "ready without a token");
            assert_ne!(answer.user_agent.as_deref(), Some(""));
            let raw = answer.raw.get().as_bytes();
            assert!(raw.first() == Some(&b'{') && body.windows(raw.len()).any(|part| part == raw), "not as it came");
        }
        Err(fault) => tells(status, &fault),
    }
    match wire::balance(status, body) {
        Ok(balance) => assert!(balance.balance.is_finite()),
        Err(fault) => tells(status, &fault),
    }
}

/// An error says what happened, with the status, in a line that can be read.
fn tells(status: u16, fault: &RequestError) {
    let fault = &fault.clone().redact(|text| text);
    assert_eq!(fault.status(), Some(status), "the status is lost: {fault:?}");
    let outside = match fault {
        RequestError::Http { excerpt, .. } => {
            assert!(!(200..300).contains(&status), "{fault:?}");
            excerpt
        }
        RequestError::Decode { problem, .. } | RequestError::Protocol { problem, .. } => problem,
        RequestError::Provider(refusal) => {
            assert!(refusal.error_id != 0 || refusal.reason != Reason::Busy || !refusal.error_code.is_empty());
            ""
        }
        other => panic!("a decoder reached for the network: {other:?}"),
    };
    assert!(outside.chars().count() <= 1100 && !outside.contains(char::is_control), "{outside:?}");
    assert!(!fault.to_string().is_empty());
    if retry_policy(Method::CreateTask, fault) != Retry::Never {
        assert!(!fault.may_have_been_accepted(), "it would be bought twice: {fault:?}");
    }
}
