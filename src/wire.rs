//! The JSON of the methods: request bodies out, replies in. Pure, and strict about everything that a decision depends on.
//!
//! A reply is read in two steps. First the envelope: a JSON object with an integer `errorId`. Only where there is none
//! does the HTTP status say what happened, since providers send business errors with any status. Then the part that the
//! method asked for, which must be there and be usable.

mod depth;

use std::{borrow::Cow, collections::BTreeMap, io};

use bytes::Bytes;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use zeroize::Zeroizing;

use crate::{
    error::{ProviderError, RequestError},
    options::{MAX_TASK_ID_LENGTH, TaskId},
    provider::{NOT_READY, Reason},
};

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

/// The body of createTask. `developer_id` goes beside the task, under its own name.
pub fn create_task_body(client_key: &str, task: &Map<String, Value>, developer_id: Option<(&str, u64)>) -> Bytes {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(rename = "clientKey")]
        client_key: &'a str,
        task: &'a Map<String, Value>,
        #[serde(flatten)]
        developer_id: BTreeMap<&'a str, u64>,
    }
    encode(&Body { client_key, task, developer_id: developer_id.into_iter().collect() })
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
pub fn task_id(status: u16, body: &[u8]) -> Result<TaskId, RequestError> {
    let envelope = Envelope::read(status, body)?;
    envelope.success(status)?;
    let broken = |problem: &str| RequestError::Protocol { status, problem: problem.into() };
    match envelope.task_id.map(parse) {
        None | Some(Value::Null) => Err(broken("the reply to createTask has no taskId")),
        Some(Value::String(id)) if id.trim().is_empty() => Err(broken("the reply to createTask has an empty taskId")),
        Some(Value::String(id)) if id.len() > MAX_TASK_ID_LENGTH => {
            Err(broken("the reply to createTask has a taskId that is too long"))
        }
        Some(Value::String(id)) => Ok(TaskId::Text(id.into())),
        Some(Value::Number(id)) if id.is_u64() => Ok(TaskId::Number(id.as_u64().unwrap_or_default())),
        Some(_) => Err(broken("the reply to createTask has a taskId that is neither text nor a whole number")),
    }
}

/// Reads the reply to getTaskResult.
pub fn task_status(status: u16, body: &[u8]) -> Result<TaskStatus, RequestError> {
    let envelope = Envelope::read(status, body)?;
    if envelope.error_id != 0 && text(envelope.error_code) == NOT_READY {
        return Ok(TaskStatus::Processing);
    }
    let word = envelope.status.map(parse);
    if let Some("error" | "failed") = word.as_ref().and_then(Value::as_str) {
        let refusal = envelope.refusal(status);
        let reason = if refusal.error_code.is_empty() { Reason::Unsolvable } else { refusal.reason };
        return Err(RequestError::Provider(Box::new(ProviderError { reason, ..refusal })));
    }
    envelope.success(status)?;
    match word {
        Some(Value::String(word)) => match word.as_str() {
            "processing" | "idle" => Ok(TaskStatus::Processing),
            "ready" => envelope.solution(status).map(TaskStatus::Ready),
            _ => Err(RequestError::Protocol {
                status,
                problem: format!("unknown task status '{}'", excerpt(word.as_bytes())),
            }),
        },
        _ => Err(RequestError::Protocol { status, problem: "the reply to getTaskResult has no status".into() }),
    }
}

/// Reads the reply to getBalance.
pub fn balance(status: u16, body: &[u8]) -> Result<Balance, RequestError> {
    let envelope = Envelope::read(status, body)?;
    envelope.success(status)?;
    let balance = match envelope.balance.map(parse) {
        Some(Value::Number(points)) => points.as_f64(),
        Some(Value::String(points)) => points.parse().ok().filter(|points: &f64| points.is_finite()),
        _ => None,
    };
    match (balance, serde_json::from_slice::<Box<RawValue>>(body)) {
        (Some(balance), Ok(raw)) => Ok(Balance { balance, raw: depth::bounded(&raw) }),
        _ => Err(RequestError::Protocol { status, problem: "the reply to getBalance has no usable balance".into() }),
    }
}

/// The frame of every reply. Fields stay unread text until a call asks for one, so that an odd type in a field that
/// nobody needs breaks nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    error_id: i64,
    #[serde(borrow)]
    error_code: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
    #[serde(borrow)]
    task_id: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    solution: Option<&'a RawValue>,
    #[serde(borrow)]
    balance: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    fn read(status: u16, body: &'a [u8]) -> Result<Self, RequestError> {
        match serde_json::from_slice(body) {
            Ok(envelope) if starts_an_object(body) => Ok(envelope),
            _ if (200..300).contains(&status) => {
                let problem = match body {
                    [] => "the reply is empty".into(),
                    _ => format!("the reply is no answer of the task API: {}", excerpt(body)),
                };
                Err(RequestError::Decode { status, problem })
            }
            _ => Err(RequestError::Http { status, excerpt: excerpt(body) }),
        }
    }

    /// Success is `errorId == 0` and nothing else.
    fn success(&self, status: u16) -> Result<(), RequestError> {
        match self.error_id {
            0 => Ok(()),
            _ => Err(RequestError::Provider(Box::new(self.refusal(status)))),
        }
    }

    fn refusal(&self, status: u16) -> ProviderError {
        let error_code = text(self.error_code);
        ProviderError {
            status,
            error_id: self.error_id,
            reason: Reason::of(&error_code),
            error_code,
            error_description: text(self.error_description),
            retry_after: None,
        }
    }

    fn solution(&self, status: u16) -> Result<ProviderSolution, RequestError> {
        let broken = |problem: &str| RequestError::Protocol { status, problem: problem.into() };
        let raw = self.solution.ok_or_else(|| broken("the task is ready but the reply has no solution"))?;
        if !starts_an_object(raw.get().as_bytes()) {
            return Err(broken("the task is ready but its solution is no object"));
        }
        let ambiguous =
            |problem| RequestError::Decode { status, problem: format!("the solution is ambiguous: {problem}") };
        let solution: RawSolution = serde_json::from_str(raw.get()).map_err(ambiguous)?;
        let usable = |field: Option<&RawValue>| match field.map(parse) {
            Some(Value::String(value)) if !value.is_empty() => Some(value),
            _ => None,
        };
        let token = usable(solution.token).or_else(|| usable(solution.g_recaptcha_response));
        let token = token.ok_or_else(|| broken("the task is ready but its solution has no token"))?;
        let headers = [solution.headers, solution.header].into_iter().flatten().find_map(|field| match parse(field) {
            Value::Object(headers) => Some(headers),
            _ => None,
        });
        Ok(ProviderSolution {
            token,
            user_agent: usable(solution.user_agent),
            headers: headers.map(|headers| {
                let texts = headers.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
                texts.collect()
            }),
            raw: depth::bounded(raw),
        })
    }
}

/// The parts of a solution that have a meaning here, unread for the same reason: the token is paid for, and no oddity
/// beside it may cost it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSolution<'a> {
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    g_recaptcha_response: Option<&'a RawValue>,
    #[serde(borrow)]
    user_agent: Option<&'a RawValue>,
    #[serde(borrow)]
    header: Option<&'a RawValue>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
}

/// Derived readers accept an array of the fields in order too; the protocol does not.
fn starts_an_object(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// A field's value. What nests too deep to be a value of this protocol reads as null.
fn parse(field: &RawValue) -> Value {
    serde_json::from_str(field.get()).unwrap_or_default()
}

/// A field that may be text, null or missing, as text. Any other type keeps its JSON spelling.
fn text(field: Option<&RawValue>) -> String {
    match field.map(|field| (parse(field), field)) {
        None | Some((Value::Null, _)) => String::new(),
        Some((Value::String(text), _)) => text,
        Some((_, field)) => field.get().to_owned(),
    }
}

/// How a body begins, in one printable line: more than an error shows, so that no secret is cut in half before it is
/// found.
fn excerpt(body: &[u8]) -> String {
    const CHARS: usize = 1000;
    // Four bytes are the most that a character takes.
    let start: Cow<'_, str> = String::from_utf8_lossy(&body[..body.len().min(CHARS * 4)]);
    let line = start.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(CHARS).collect()
}

#[cfg(test)]
mod tests;
