//! The JSON of the methods: request bodies out, replies in. Pure, and strict about everything that a decision depends on.
//!
//! A reply is read in two steps. First the envelope ([`envelope`]): only where there is none does the HTTP status say what
//! happened, since providers send business errors with any status. Then the part that the method asked for, which must be
//! there and be usable. Reading is strict about what decides about money, and liberal about everything beside it: no oddity
//! there may cost a paid token.

mod depth;
mod envelope;

use std::{collections::BTreeMap, io};

use bytes::Bytes;

use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};
use zeroize::Zeroizing;

use crate::{
    error::{RequestError, UnusableSolution},
    options::TaskId,
};
use envelope::{Envelope, FAILED, PENDING, READY, excerpt, is_one_of, reply_text};

/// The methods of the task API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    CreateTask,
    GetTaskResult,
    GetBalance,
}

impl Method {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Method::CreateTask => "createTask",
            Method::GetTaskResult => "getTaskResult",
            Method::GetBalance => "getBalance",
        }
    }
}

/// What createTask delivered.
#[derive(Debug)]
pub enum Created {
    /// A task that has to be polled for.
    Pending(TaskId),
    /// Some services answer at once, with or without an id.
    Ready { id: Option<TaskId>, solution: ProviderSolution },
}

#[derive(Debug)]
pub enum TaskStatus {
    Processing,
    Ready(ProviderSolution),
}

/// The solution of a task as the provider delivered it.
#[derive(Debug)]
pub struct ProviderSolution {
    pub token: String,
    pub user_agent: Option<String>,
    pub headers: Option<BTreeMap<String, String>>,
    /// The `solution` as it came, to a depth of [`depth::MAX_DEPTH`].
    pub raw: Box<RawValue>,
}

#[derive(Debug)]
pub struct Balance {
    pub balance: f64,
    /// The whole reply as it came, to the same depth.
    pub raw: Box<RawValue>,
}

/// The body of createTask. `beside` goes beside the task.
pub fn create_task_body(client_key: &str, task: &Map<String, Value>, beside: &Map<String, Value>) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(rename = "clientKey")]
        client_key: &'a str,
        task: &'a Map<String, Value>,
        #[serde(flatten)]
        beside: &'a Map<String, Value>,
    }
    encode(&Body { client_key, task, beside })
}

/// The body of getTaskResult.
pub fn get_task_result_body(client_key: &str, task_id: &TaskId) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        client_key: &'a str,
        task_id: &'a TaskId,
    }
    encode(&Body { client_key, task_id })
}

/// The body of getBalance.
pub fn get_balance_body(client_key: &str) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        client_key: &'a str,
    }
    encode(&Body { client_key })
}

/// The JSON in memory that is wiped when the last of it is dropped.
fn encode(body: &impl Serialize) -> Bytes {
    // Its length comes first: a buffer that grows would leave copies behind.
    let mut length = Length(0);
    serde_json::to_writer(&mut length, body).expect(ALWAYS_SERIALIZES);
    let mut json = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *json, body).expect(ALWAYS_SERIALIZES);
    Bytes::from_owner(json)
}

const ALWAYS_SERIALIZES: &str = "strings, numbers and JSON values always serialize";

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the reply to createTask.
pub fn created(status: u16, body: &[u8]) -> Result<Created, RequestError> {
    let text = reply_text(body);
    let envelope = Envelope::read(status, &text)?;
    let id = envelope.task_id();
    // A task that has to be polled for has no solution yet, whatever stands there.
    let solution = match envelope.status() {
        Some(word) if !is_one_of(&word, READY) => None,
        _ => envelope.solution().ok(),
    };
    envelope.require_success(status, id.is_ok() || solution.is_some())?;
    match (id, solution) {
        (id, Some(solution)) => Ok(Created::Ready { id: id.ok(), solution }),
        (Ok(id), None) => Ok(Created::Pending(id)),
        (Err(problem), None) => {
            let problem = format!("the reply to createTask has {problem}");
            Err(RequestError::Protocol { status, problem })
        }
    }
}

/// Reads the reply to getTaskResult.
pub fn task_status(status: u16, body: &[u8]) -> Result<TaskStatus, RequestError> {
    let text = reply_text(body);
    let envelope = Envelope::read(status, &text)?;
    if envelope.says_not_ready() {
        return Ok(TaskStatus::Processing);
    }
    let word = envelope.status();
    let is = |words: &[&str]| word.as_ref().is_some_and(|word| is_one_of(word, words));
    let solution = envelope.solution();
    let (pending, ready) = (is(PENDING), is(READY) && envelope.has_solution());
    if is(FAILED) && envelope.says_why() {
        return Err(envelope.failed_task(status));
    }
    envelope.require_success(status, pending || ready || solution.is_ok())?;
    match (&word, solution) {
        (Some(_), _) if pending => Ok(TaskStatus::Processing),
        // Whatever the word for it: the token is there.
        (_, Ok(solution)) => Ok(TaskStatus::Ready(solution)),
        (Some(_), Err(problem)) if is(READY) => {
            let raw = envelope.raw_solution(&text);
            Err(RequestError::Solution(Box::new(UnusableSolution { status, problem, raw })))
        }
        (Some(word), _) => {
            let problem = format!("unknown task status '{}'", excerpt(word.trim()));
            Err(RequestError::Protocol { status, problem })
        }
        (None, _) => {
            let problem =
                format!("the reply to getTaskResult has no status: {}", excerpt(&String::from_utf8_lossy(body)));
            Err(RequestError::Protocol { status, problem })
        }
    }
}

/// Reads the reply to getBalance.
pub fn balance(status: u16, body: &[u8]) -> Result<Balance, RequestError> {
    let text = reply_text(body);
    let envelope = Envelope::read(status, &text)?;
    let balance = envelope.balance();
    envelope.require_success(status, balance.is_some())?;
    match (balance, serde_json::from_str::<Box<RawValue>>(text.trim())) {
        (Some(balance), Ok(raw)) => Ok(Balance { balance, raw: depth::bounded(&raw) }),
        _ => {
            let shown = excerpt(&String::from_utf8_lossy(body));
            let problem = format!("the reply to getBalance has no usable balance: {shown}");
            Err(RequestError::Protocol { status, problem })
        }
    }
}

#[cfg(test)]
mod tests;
