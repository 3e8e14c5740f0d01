//! The frame of every reply, and the fields in it that have a meaning here.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{ProviderSolution, depth};
use crate::{
    error::{ProviderError, RequestError},
    options::{MAX_TASK_ID_LENGTH, TaskId},
    provider::{Reason, is_not_ready},
    redact::MAX_SEARCHED,
};

/// The words of a task that is being processed.
pub const PENDING: &[&str] = &["processing", "idle", "pending", "queued"];
pub const READY: &[&str] = &["ready"];
pub const FAILED: &[&str] = &["error", "failed"];

/// Whether a task's status is one of the words, in whatever case and with white space around it.
pub fn is_one_of(status: &str, words: &[&str]) -> bool {
    words.iter().any(|word| status.trim().eq_ignore_ascii_case(word))
}

/// The text of a reply, as fetch decodes it: bytes that are not UTF-8 are replaced, a byte order mark is dropped. Bare `NaN`
/// and `Infinity`, which some encoders write and JSON does not have, become `null`.
pub fn reply_text(body: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(body);
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => Cow::Owned(rest.to_owned()),
        None => text,
    };
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(_) => text,
        Err(_) => without_bare_numbers(&text).map_or(text, Cow::Owned),
    }
}

/// `None` if there are none. Nothing inside a string is touched.
fn without_bare_numbers(text: &str) -> Option<String> {
    let (mut out, mut rest, mut in_string, mut found) = (String::new(), text, false, false);
    while let Some(c) = rest.chars().next() {
        let bare = ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !in_string && rest.starts_with(word));
        let (taken, written) = match (bare, c) {
            (Some(word), _) => {
                found = true;
                (word.len(), "null")
            }
            // JSON has it only in strings.
            (None, '\\') => {
                let length = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
                (length, &rest[..length])
            }
            (None, c) => {
                in_string ^= c == '"';
                (c.len_utf8(), &rest[..c.len_utf8()])
            }
        };
        out.push_str(written);
        rest = &rest[taken..];
    }
    found.then_some(out)
}

/// Fields stay unread text until a method asks for one, so that an odd type in a field that is not needed breaks nothing.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    error_id: Option<&'a RawValue>,
    #[serde(borrow)]
    error_code: Option<&'a RawValue>,
    #[serde(borrow)]
    error_description: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
    #[serde(borrow)]
    task_id: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    solution: Option<&'a RawValue>,
    #[serde(borrow)]
    balance: Option<&'a RawValue>,
}

pub struct Envelope<'a> {
    fields: Fields<'a>,
    /// `None`: absent.
    error_id: Option<i64>,
    text: &'a str,
}

impl<'a> Envelope<'a> {
    pub fn read(status: u16, text: &'a str) -> Result<Self, RequestError> {
        let fields: Fields = match serde_json::from_str(text) {
            Ok(fields) if text.trim_start().starts_with('{') => fields,
            _ => return Err(no_envelope(status, text)),
        };
        let error_id = match fields.error_id.map(|field| serde_json::from_str(field.get())) {
            None | Some(Ok(Value::Null)) => None,
            Some(Ok(Value::Bool(failed))) => Some(failed.into()),
            Some(Ok(Value::String(word))) if word.trim().is_empty() => None,
            Some(value) => match value.ok().as_ref().and_then(whole_error_id) {
                Some(error_id) => Some(error_id),
                None => return Err(no_envelope(status, text)),
            },
        };
        Ok(Envelope { fields, error_id, text })
    }

    /// Success is `errorId == 0`. Where it is absent, what the method asked for stands in for it, if it is there; and an
    /// error code says that there was an error.
    pub fn require_success(&self, status: u16, has_result: bool) -> Result<(), RequestError> {
        match self.error_id {
            Some(0) => Ok(()),
            None if has_result => Ok(()),
            None if !self.says_why() => Err(no_envelope(status, self.text)),
            _ => Err(RequestError::Provider(Box::new(self.refusal(status)))),
        }
    }

    /// Whether the envelope itself says that something failed: what only looks like one may be a gateway's.
    pub fn says_why(&self) -> bool {
        self.error_id.is_some() || !text_of(self.fields.error_code).trim().is_empty()
    }

    /// An error that only says "not yet".
    pub fn says_not_ready(&self) -> bool {
        self.error_id != Some(0) && is_not_ready(&text_of(self.fields.error_code))
    }

    pub fn failed_task(&self, status: u16) -> RequestError {
        let refusal = self.refusal(status);
        let reason = match refusal.reason {
            Reason::Unknown => Reason::Unsolvable,
            reason => reason,
        };
        RequestError::Provider(Box::new(ProviderError { reason, ..refusal }))
    }

    fn refusal(&self, status: u16) -> ProviderError {
        let error_code = text_of(self.fields.error_code);
        let request_id = text_of(self.fields.request_id);
        let reason = Reason::of(&error_code);
        ProviderError {
            error_id: self.error_id.unwrap_or(1),
            error_description: text_of(self.fields.error_description),
            request_id: (!request_id.is_empty()).then_some(request_id),
            field_errors: self.field_errors(),
            ..ProviderError::new(status, error_code, reason)
        }
    }

    /// EZ-Captcha's map of field paths to what is wrong with them.
    fn field_errors(&self) -> BTreeMap<String, String> {
        match self.fields.errors.map(parse) {
            Some(Value::Object(errors)) => {
                let text = |value: Value| match value {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                errors.into_iter().map(|(path, problem)| (path, text(problem))).collect()
            }
            _ => BTreeMap::new(),
        }
    }

    /// The id, or what is in its place.
    pub fn task_id(&self) -> Result<TaskId, &'static str> {
        match self.fields.task_id.map(parse) {
            None | Some(Value::Null) => Err("no taskId"),
            Some(Value::String(id)) if id.trim().is_empty() => Err("an empty taskId"),
            Some(Value::String(id)) if id.len() > MAX_TASK_ID_LENGTH => Err("a taskId that is too long"),
            // What was no UTF-8 cannot be sent back.
            Some(Value::String(id)) if id.contains('\u{fffd}') => Err("a taskId that cannot be read"),
            // Services that count their tasks send it where there is none.
            Some(Value::String(id)) if id.trim() == "0" => Err("no taskId"),
            Some(Value::String(id)) => Ok(TaskId::Text(id.into())),
            Some(Value::Number(id)) => match whole(&id) {
                Some(0) => Err("no taskId"),
                Some(id) => Ok(TaskId::Number(id)),
                None => Err("a taskId that is no whole number"),
            },
            Some(_) => Err("a taskId that is neither text nor a whole number"),
        }
    }

    /// As it came.
    pub fn status(&self) -> Option<String> {
        match self.fields.status.map(parse) {
            Some(Value::String(word)) if !word.trim().is_empty() => Some(word),
            _ => None,
        }
    }

    pub fn balance(&self) -> Option<f64> {
        match self.fields.balance.map(parse) {
            Some(Value::Number(points)) => points.as_f64(),
            Some(Value::String(points)) => points.trim().parse().ok().filter(|points: &f64| points.is_finite()),
            _ => None,
        }
    }

    pub fn has_solution(&self) -> bool {
        self.fields.solution.is_some()
    }

    /// What came where a usable solution should be: the solution, or the whole reply.
    pub fn raw_solution(&self, text: &str) -> String {
        match self.fields.solution {
            Some(solution) => depth::bounded(solution).get().to_owned(),
            None => match serde_json::from_str::<&RawValue>(text) {
                Ok(reply) => depth::bounded(reply).get().to_owned(),
                Err(_) => "null".into(),
            },
        }
    }

    pub fn solution(&self) -> Result<ProviderSolution, &'static str> {
        let raw = self.fields.solution.ok_or("the task is ready but the reply has no solution")?;
        if !raw.get().starts_with('{') {
            return Err("the task is ready but its solution is no object");
        }
        // Of a name that is given twice the last counts, as in JSON.parse.
        let fields: BTreeMap<String, &RawValue> =
            serde_json::from_str(raw.get()).map_err(|_| "the task is ready but its solution cannot be read")?;
        let first = |names: &[&str]| names.iter().find_map(|name| usable_text(fields.get(*name).copied()));
        let token = first(&["token", "gRecaptchaResponse"]).ok_or("the task is ready but its solution has no token")?;
        let headers = ["headers", "header"].iter().find_map(|name| match parse(fields.get(*name)?) {
            Value::Object(headers) => Some(headers),
            _ => None,
        });
        Ok(ProviderSolution {
            token,
            user_agent: first(&["userAgent", "user_agent", "useragent"]),
            headers: headers.map(|headers| {
                let texts = headers.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())));
                texts.collect()
            }),
            raw: depth::bounded(raw),
        })
    }
}

/// A non-empty text, without white space and characters without a width around it.
fn usable_text(field: Option<&RawValue>) -> Option<String> {
    let Some(Value::String(text)) = field.map(parse) else { return None };
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}' | '\0'));
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number, or a text that is one. Beyond 64 bits it is still no `0`.
fn whole_error_id(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (number.fract() == 0.0).then_some(number as i64)
}

/// A whole number, however it is written, as far as every digit of it is known.
fn whole(number: &serde_json::Number) -> Option<u64> {
    const MAX_EXACT: f64 = (1_u64 << 53) as f64;
    let written_as_a_fraction = || {
        let value = number.as_f64().filter(|value| value.fract() == 0.0 && (0.0..=MAX_EXACT).contains(value))?;
        Some(value as u64)
    };
    number.as_u64().or_else(written_as_a_fraction)
}

/// Where there is no envelope the status decides.
fn no_envelope(status: u16, text: &str) -> RequestError {
    if !(200..300).contains(&status) {
        return RequestError::Http { status, excerpt: excerpt(text) };
    }
    let problem = match text {
        "" => "the reply is empty".into(),
        _ => format!("the reply is not one of the task API: {}", excerpt(text)),
    };
    RequestError::Decode { status, problem }
}

/// A field's value. What nests too deep to be a value of this protocol reads as null.
fn parse(field: &RawValue) -> Value {
    serde_json::from_str(field.get()).unwrap_or_default()
}

/// A field that may be text, null or missing, as text. Any other type keeps its JSON spelling.
fn text_of(field: Option<&RawValue>) -> String {
    let Some(field) = field else { return String::new() };
    match serde_json::from_str(field.get()) {
        Ok(Value::Null) => String::new(),
        Ok(Value::String(text)) => text,
        // Half a surrogate pair, say, which no Rust string can hold.
        Ok(_) | Err(_) => field.get().trim_matches('"').to_owned(),
    }
}

/// How a reply begins, as it came: so much that its secrets can be found before it is quoted.
pub fn excerpt(text: &str) -> String {
    text.chars().take(MAX_SEARCHED).collect()
}
