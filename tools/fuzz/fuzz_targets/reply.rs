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
    wire::{self, Created, Method, TaskStatus},
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
    assert_eq!(created(status, &body), expected_created(&reply), "createTask");
    assert_eq!(task_status(status, &body), expected_task_status(&reply), "getTaskResult");
    assert_eq!(balance(status, &body), expected_balance(&reply), "getBalance");
});

/// What a reply comes to, as far as a second reading can tell.
#[derive(Debug, PartialEq)]
enum Read {
    NoEnvelope,
    Refused { error_code: String, error_description: String, reason: Reason },
    Broken,
    TaskId(TaskId),
    Processing,
    Ready(String),
    Balance(f64),
}

fn fault(fault: RequestError) -> Read {
    match fault {
        RequestError::Http { .. } | RequestError::Decode { .. } => Read::NoEnvelope,
        RequestError::Protocol { .. } | RequestError::Solution(_) => Read::Broken,
        RequestError::Provider(refusal) => Read::Refused {
            error_code: refusal.error_code,
            error_description: refusal.error_description,
            reason: refusal.reason,
        },
        other => panic!("a decoder reached for the network: {other:?}"),
    }
}

fn created(status: u16, body: &[u8]) -> Read {
    match wire::created(status, body) {
        Ok(Created::Pending(id)) => Read::TaskId(id),
        Ok(Created::Ready { solution, .. }) => Read::Ready(solution.token),
        Err(problem) => fault(problem),
    }
}

fn task_status(status: u16, body: &[u8]) -> Read {
    match wire::task_status(status, body) {
        Ok(TaskStatus::Processing) => Read::Processing,
        Ok(TaskStatus::Ready(solution)) => Read::Ready(solution.token),
        Err(problem) => fault(problem),
    }
}

fn balance(status: u16, body: &[u8]) -> Read {
    wire::balance(status, body).map_or_else(fault, |balance| Read::Balance(balance.balance))
}

fn expected_created(reply: &Map<String, Value>) -> Read {
    let (id, word) = (id_of(reply), word_of(reply));
    let token = if word.is_none_or(|word| word == "ready") { token_of(reply) } else { None };
    match judged(reply, id.is_some() || token.is_some()) {
        Some(failed) => failed,
        None => match (token, id) {
            (Some(token), _) => Read::Ready(token),
            (None, Some(id)) => Read::TaskId(id),
            (None, None) => Read::Broken,
        },
    }
}

fn expected_task_status(reply: &Map<String, Value>) -> Read {
    let (word, token, error_id) = (word_of(reply), token_of(reply), error_id(reply));
    if let ErrorId::Odd = error_id {
        return Read::NoEnvelope;
    }
    let code = text(reply, "errorCode");
    let not_ready = ["CAPTCHA_NOT_READY", "ERROR_CAPTCHA_NOT_READY", "CAPCHA_NOT_READY"];
    if error_id != ErrorId::Is(0) && not_ready.contains(&code.trim()) {
        return Read::Processing;
    }
    let word = word.as_deref();
    let says_why = error_id != ErrorId::Absent || !code.trim().is_empty();
    if matches!(word, Some("error" | "failed")) && says_why {
        return match refused(reply) {
            Read::Refused { error_code, error_description, reason: Reason::Unknown } => {
                Read::Refused { error_code, error_description, reason: Reason::Unsolvable }
            }
            refused => refused,
        };
    }
    let pending = matches!(word, Some("processing" | "idle" | "pending" | "queued"));
    let solution = reply.get("solution").is_some_and(|solution| !solution.is_null());
    if let Some(failed) = judged(reply, pending || token.is_some() || (word == Some("ready") && solution)) {
        return failed;
    }
    match token {
        _ if pending => Read::Processing,
        Some(token) => Read::Ready(token),
        None => Read::Broken,
    }
}

fn expected_balance(reply: &Map<String, Value>) -> Read {
    let balance = match reply.get("balance") {
        Some(Value::Number(points)) => points.as_f64(),
        Some(Value::String(points)) => points.trim().parse().ok(),
        _ => None,
    };
    let balance = balance.filter(|points| points.is_finite());
    judged(reply, balance.is_some()).unwrap_or_else(|| balance.map_or(Read::Broken, Read::Balance))
}

#[derive(Clone, Copy, PartialEq)]
enum ErrorId {
    Absent,
    Is(i64),
    /// There, and no number.
    Odd,
}

fn error_id(reply: &Map<String, Value>) -> ErrorId {
    let number = match reply.get("errorId") {
        None | Some(Value::Null) => return ErrorId::Absent,
        Some(Value::Bool(failed)) => return ErrorId::Is(i64::from(*failed)),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) if text.trim().is_empty() => return ErrorId::Absent,
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    match number {
        Some(number) if number.fract() == 0.0 => ErrorId::Is(number as i64),
        _ => ErrorId::Odd,
    }
}

/// What ends the reading, where what was asked for stands in for an errorId.
fn judged(reply: &Map<String, Value>, has_result: bool) -> Option<Read> {
    match error_id(reply) {
        ErrorId::Odd => Some(Read::NoEnvelope),
        ErrorId::Is(0) => None,
        ErrorId::Is(_) => Some(refused(reply)),
        ErrorId::Absent if has_result => None,
        ErrorId::Absent if text(reply, "errorCode").trim().is_empty() => Some(Read::NoEnvelope),
        ErrorId::Absent => Some(refused(reply)),
    }
}

fn id_of(reply: &Map<String, Value>) -> Option<TaskId> {
    match reply.get("taskId")? {
        Value::String(id) if ["", "0"].contains(&id.trim()) || id.len() > 1024 || id.contains('\u{fffd}') => None,
        Value::String(id) => Some(TaskId::Text(id.as_str().into())),
        Value::Number(id) => {
            let written_as_a_fraction = || {
                let value = id.as_f64()?;
                (value.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&value)).then_some(value as u64)
            };
            id.as_u64().or_else(written_as_a_fraction).filter(|id| *id != 0).map(TaskId::Number)
        }
        _ => None,
    }
}

fn word_of(reply: &Map<String, Value>) -> Option<String> {
    let word = reply.get("status")?.as_str()?.trim().to_lowercase();
    (!word.is_empty()).then_some(word)
}

fn token_of(reply: &Map<String, Value>) -> Option<String> {
    let solution = reply.get("solution")?.as_object()?;
    ["token", "gRecaptchaResponse"].iter().find_map(|name| {
        let token = solution.get(*name)?.as_str()?;
        let token = token.trim_matches(|c: char| c.is_whitespace() || "\u{200b}\u{feff}\0".contains(c));
        (!token.is_empty()).then(|| token.to_owned())
    })
}

fn refused(reply: &Map<String, Value>) -> Read {
    let error_code = text(reply, "errorCode");
    let reason = Reason::of(&error_code);
    Read::Refused { error_code, error_description: text(reply, "errorDescription"), reason }
}

fn text(reply: &Map<String, Value>, name: &str) -> String {
    match reply.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string().trim_matches('"').to_owned(),
    }
}

/// What is true of any reply, however it is spelt.
fn holds_together(status: u16, body: &[u8]) {
    match wire::created(status, body) {
        Ok(Created::Ready { solution, .. }) => assert!(!solution.token.is_empty(), "ready without a token"),
        Ok(Created::Pending(id)) => {
            assert!(!id.to_string().trim().is_empty(), "an empty task id");
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
            let words = ["processing", "idle", "pending", "queued", "NOT_READY"];
            let lower = body.to_ascii_lowercase();
            let said = |word: &str| lower.windows(word.len()).any(|part| part == word.as_bytes());
            // Other letters have these as their lower case.
            assert!(
                words.into_iter().any(says) || words.into_iter().any(said) || !body.is_ascii(),
                "it waits for nothing"
            );
        }
        Ok(TaskStatus::Ready(answer)) => {
            assert!(!answer.token.is_empty(), "ready without a token");
            assert_ne!(answer.user_agent.as_deref(), Some(""));
            assert!(answer.raw.get().starts_with('{'), "no object");
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
        RequestError::Solution(solution) => solution.problem,
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
