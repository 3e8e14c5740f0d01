//! Every way a call can fail, and what each becomes in JavaScript.
//!
//! A [`RequestError`] is what one request to the provider failed with; it knows nothing of tasks. An [`Error`] is what the
//! caller gets: the request's error, or what else ended the call, with everything known about the task. Whether a request
//! is sent again is decided in one place, [`crate::retry::retry_policy`].

use std::{collections::BTreeMap, fmt, mem, sync::Arc, time::Duration};

use serde::de::IgnoredAny;

use crate::{
    escape::{Escaped, one_line},
    provider::Reason,
    redact::{MAX_SEARCHED, MAX_SPELLING},
};

// How many characters of a text from outside a message repeats. The fields of the error have more of it.
const MAX_DETAIL: usize = 300;
const MAX_EXCERPT: usize = 120;
const MAX_PROBLEM: usize = 200;
const MAX_CODE: usize = 100;
const MAX_DESCRIPTION: usize = 300;
const MAX_FIELD_ERRORS: usize = 5;
/// How many characters the fields have of a text that quotes a reply.
const MAX_QUOTED: usize = 1000;

/// Why a request came to no usable reply.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestError {
    /// The request surely never left: name resolution, TCP connect, TLS handshake. `CONNECTION_FAILED`.
    Connect { detail: String },
    /// A setting of the environment, such as its proxy, cannot work: nothing was sent. `CONNECTION_FAILED`.
    Configuration { detail: String },
    /// The server says, by the means of HTTP/2, that it did not process the request. `CONNECTION_FAILED`.
    NotProcessed { detail: String },
    /// The server's certificate was refused; nothing was sent. `CONNECTION_FAILED`.
    Certificate { detail: String },
    /// The request may have arrived, but no complete reply came back in time. `CONNECTION_FAILED`.
    Interrupted { detail: String },
    /// A non-2xx reply without an envelope, and the start of its body. `HTTP_ERROR`.
    Http { status: u16, excerpt: String },
    /// A 2xx reply without an envelope: a gateway's page, cut JSON, a body over the limit. `INVALID_RESPONSE`.
    Decode { status: u16, problem: String },
    /// An envelope that breaks the protocol's contract. `INVALID_RESPONSE`.
    Protocol { status: u16, problem: String },
    /// The task is ready, and its solution cannot be used. `INVALID_RESPONSE`.
    Solution(Box<UnusableSolution>),
    /// The provider said no: `errorId != 0`. `PROVIDER_ERROR`.
    Provider(Box<ProviderError>),
}

/// What came where a usable solution should be.
#[derive(Clone, Debug, PartialEq)]
pub struct UnusableSolution {
    pub status: u16,
    pub problem: &'static str,
    /// The solution, or the whole reply where there is none, as JSON.
    pub raw: String,
}

/// The provider's own words, verbatim but for secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderError {
    pub status: u16,
    pub error_id: i64,
    pub error_code: String,
    pub error_description: String,
    pub reason: Reason,
    /// The provider's id of the request, where it sends one.
    pub request_id: Option<String>,
    /// What is wrong with which field, where the provider says so.
    pub field_errors: BTreeMap<String, String>,
    /// For how long nothing more is sent, where the provider or the circuit breaker says so.
    pub retry_after: Option<Duration>,
    /// How long ago the provider refused, where the circuit breaker repeats it without sending the request.
    pub remembered: Option<Duration>,
}

impl ProviderError {
    /// A refusal of which nothing else is known.
    pub fn new(status: u16, error_code: String, reason: Reason) -> Self {
        ProviderError {
            status,
            error_id: 1,
            error_code,
            error_description: String::new(),
            reason,
            request_id: None,
            field_errors: BTreeMap::new(),
            retry_after: None,
            remembered: None,
        }
    }

    /// The same once more, for a request that is not sent.
    pub fn repeated(&self, age: Duration, retry_after: Duration) -> Self {
        ProviderError { remembered: Some(age), retry_after: Some(retry_after), ..self.clone() }
    }
}

impl RequestError {
    /// Whether a createTask that ended so may have created, and so charged, a task all the same.
    pub fn may_have_been_accepted(&self) -> bool {
        match self {
            RequestError::Connect { .. }
            | RequestError::Configuration { .. }
            | RequestError::NotProcessed { .. }
            | RequestError::Certificate { .. } => false,
            RequestError::Interrupted { .. }
            | RequestError::Decode { .. }
            | RequestError::Protocol { .. }
            | RequestError::Solution(_) => true,
            // A gateway answers 408 and 5xx also after it has passed the request on, and 301 to 303 are how many a server
            // says "done, look there".
            RequestError::Http { status, .. } => matches!(status, 100..200 | 301..=303 | 408 | 500..),
            RequestError::Provider(_) => false,
        }
    }

    /// The same error with every text that came from outside redacted.
    pub fn redact(self, redact: impl Fn(String) -> String) -> Self {
        match self {
            RequestError::Connect { detail } => RequestError::Connect { detail: redact(detail) },
            RequestError::Configuration { detail } => RequestError::Configuration { detail: redact(detail) },
            RequestError::NotProcessed { detail } => RequestError::NotProcessed { detail: redact(detail) },
            RequestError::Certificate { detail } => RequestError::Certificate { detail: redact(detail) },
            RequestError::Interrupted { detail } => RequestError::Interrupted { detail: redact(detail) },
            RequestError::Http { status, excerpt } => RequestError::Http { status, excerpt: quoted(excerpt, redact) },
            RequestError::Decode { status, problem } => {
                RequestError::Decode { status, problem: quoted(problem, redact) }
            }
            RequestError::Protocol { status, problem } => {
                RequestError::Protocol { status, problem: quoted(problem, redact) }
            }
            RequestError::Solution(mut solution) => {
                solution.raw = redact(mem::take(&mut solution.raw));
                // What is not JSON any more is not delivered.
                if serde_json::from_str::<IgnoredAny>(&solution.raw).is_err() {
                    solution.raw = "null".into();
                }
                RequestError::Solution(solution)
            }
            RequestError::Provider(mut error) => {
                error.error_code = redact(error.error_code);
                error.error_description = redact(error.error_description);
                error.request_id = error.request_id.map(&redact);
                let field_errors = mem::take(&mut error.field_errors).into_iter();
                error.field_errors = field_errors.map(|(path, problem)| (redact(path), redact(problem))).collect();
                RequestError::Provider(error)
            }
        }
    }

    /// The `code` a user branches on.
    pub fn code(&self) -> &'static str {
        match self {
            RequestError::Connect { .. }
            | RequestError::Configuration { .. }
            | RequestError::NotProcessed { .. }
            | RequestError::Certificate { .. }
            | RequestError::Interrupted { .. } => "CONNECTION_FAILED",
            RequestError::Http { .. } => "HTTP_ERROR",
            RequestError::Decode { .. } | RequestError::Protocol { .. } | RequestError::Solution(_) => {
                "INVALID_RESPONSE"
            }
            RequestError::Provider(_) => "PROVIDER_ERROR",
        }
    }

    /// The HTTP status of the reply, if a whole reply came.
    pub fn status(&self) -> Option<u16> {
        match self {
            RequestError::Connect { .. }
            | RequestError::Configuration { .. }
            | RequestError::NotProcessed { .. }
            | RequestError::Certificate { .. }
            | RequestError::Interrupted { .. } => None,
            RequestError::Http { status, .. }
            | RequestError::Decode { status, .. }
            | RequestError::Protocol { status, .. } => Some(*status),
            RequestError::Solution(solution) => Some(solution.status),
            RequestError::Provider(error) => Some(error.status),
        }
    }

    /// The cause, in the words of the system or the TLS library.
    pub fn detail(&self) -> Option<&str> {
        match self {
            RequestError::Connect { detail }
            | RequestError::Configuration { detail }
            | RequestError::NotProcessed { detail }
            | RequestError::Certificate { detail }
            | RequestError::Interrupted { detail } => Some(detail),
            RequestError::Http { .. }
            | RequestError::Decode { .. }
            | RequestError::Protocol { .. }
            | RequestError::Solution(_)
            | RequestError::Provider(_) => None,
        }
    }
}

/// A text that quotes a reply, redacted, and then in one short line. A reply that was cut may end within a secret, so the end
/// is dropped, as far as one could reach.
fn quoted(text: String, redact: impl Fn(String) -> String) -> String {
    let was_cut = text.chars().count() >= MAX_SEARCHED;
    let mut clean = redact(text);
    if was_cut {
        let kept = clean.chars().count().saturating_sub(MAX_SPELLING);
        clean = clean.chars().take(kept).chain(['…']).collect();
    }
    one_line(&clean, MAX_QUOTED)
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The transport names the host, and says in plain words what happened.
            RequestError::Connect { detail }
            | RequestError::Configuration { detail }
            | RequestError::NotProcessed { detail }
            | RequestError::Certificate { detail }
            | RequestError::Interrupted { detail } => write!(f, "{}", Escaped(detail, MAX_DETAIL)),
            RequestError::Http { status: status @ 300..400, .. } => {
                write!(f, "HTTP {status}, a redirect, which is never followed since the key travels in the body")
            }
            RequestError::Http { status, excerpt } if excerpt.is_empty() => {
                write!(f, "HTTP {status} with an empty body")
            }
            RequestError::Http { status, excerpt } => {
                write!(f, "HTTP {status} without an answer of the task API: {}", Escaped(excerpt, MAX_EXCERPT))
            }
            RequestError::Decode { problem, status } | RequestError::Protocol { problem, status } => {
                write!(f, "{} (HTTP {status})", Escaped(problem, MAX_PROBLEM))
            }
            RequestError::Solution(solution) => {
                let UnusableSolution { status, problem, raw } = &**solution;
                write!(f, "{problem} (HTTP {status}): {}", Escaped(raw, MAX_EXCERPT))
            }
            RequestError::Provider(error) => {
                if let Some(age) = error.remembered {
                    write!(f, "not sent: refused {} s ago with ", age.as_secs())?;
                }
                match error.error_code.as_str() {
                    "" => write!(f, "errorId {}", error.error_id)?,
                    code => write!(f, "{}", Escaped(code, MAX_CODE))?,
                }
                if !error.error_description.is_empty() {
                    write!(f, " ({})", Escaped(&error.error_description, MAX_DESCRIPTION))?;
                }
                for (path, problem) in error.field_errors.iter().take(MAX_FIELD_ERRORS) {
                    write!(f, "; {}: {}", Escaped(path, MAX_CODE), Escaped(problem, MAX_CODE))?;
                }
                match (error.remembered, error.retry_after) {
                    (Some(_), Some(wait)) => {
                        write!(f, "; the next request goes out in {} s", wait.as_millis().div_ceil(1000))
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

/// A failed call: what ended it, and all that is known about its task.
#[derive(Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub provider: Option<&'static str>,
    /// The caller's name for the account.
    pub label: Option<Arc<str>>,
    pub task_id: Option<String>,
    /// Money may have been spent and no token is in hand.
    pub may_be_charged: bool,
    /// The error of the last request, where the call ran out of time.
    pub cause: Option<Box<RequestError>>,
}

#[derive(Debug)]
pub enum ErrorKind {
    /// `INVALID_OPTIONS`: the call was refused before any I/O.
    InvalidOptions(Box<InvalidOption>),
    /// The code of the request's error.
    Request { call: &'static str, error: RequestError },
    /// `TIMEOUT`.
    Timeout { timeout: Duration, elapsed: Duration, polls: u32 },
    /// `ABORT_ERR`.
    Aborted,
}

#[derive(Debug, Default)]
pub struct InvalidOption {
    /// The path of the option.
    pub option: String,
    pub problem: String,
    /// What reading the option threw, if it threw.
    pub thrown: Option<String>,
}

impl Error {
    pub fn invalid_option(option: impl Into<String>, problem: impl Into<String>) -> Self {
        Error::refused_option(option.into(), problem.into(), None)
    }

    /// An option whose getter, or whose way to JSON, threw.
    pub fn unreadable_option(option: impl Into<String>, thrown: String) -> Self {
        Error::refused_option(option.into(), "could not be read".into(), Some(thrown))
    }

    fn refused_option(option: String, problem: String, thrown: Option<String>) -> Self {
        Error {
            kind: ErrorKind::InvalidOptions(Box::new(InvalidOption { option, problem, thrown })),
            provider: None,
            label: None,
            task_id: None,
            may_be_charged: false,
            cause: None,
        }
    }

    /// The same with every text about a refused option redacted.
    pub fn redact_option(mut self, redact: impl Fn(String) -> String) -> Self {
        if let ErrorKind::InvalidOptions(bad) = &mut self.kind {
            let InvalidOption { option, problem, thrown } = mem::take(bad.as_mut());
            **bad = InvalidOption { option: redact(option), problem: redact(problem), thrown: thrown.map(redact) };
        }
        self
    }

    pub fn code(&self) -> &'static str {
        match &self.kind {
            ErrorKind::InvalidOptions(_) => "INVALID_OPTIONS",
            ErrorKind::Request { error, .. } => error.code(),
            ErrorKind::Timeout { .. } => "TIMEOUT",
            ErrorKind::Aborted => "ABORT_ERR",
        }
    }

    /// What the reader should do next, where that is not plain from the rest.
    fn advice(&self) -> Option<&'static str> {
        if let (Some(_), ErrorKind::Timeout { .. } | ErrorKind::Aborted) = (&self.task_id, &self.kind) {
            return Some("the task is paid for: waitForTask with this taskId can still fetch its token");
        }
        match &self.kind {
            ErrorKind::Request { error: RequestError::Provider(error), .. } => error.reason.advice(),
            // The task is ready, and its solution is what it is.
            ErrorKind::Request { error: RequestError::Solution(_), .. } => None,
            ErrorKind::Request { .. } | ErrorKind::Timeout { .. } | ErrorKind::Aborted if self.may_be_charged => {
                match self.task_id {
                    Some(_) => Some("waitForTask with this taskId can still fetch the token"),
                    None => Some("the task may have been created and charged all the same"),
                }
            }
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::InvalidOptions(bad) => {
                write!(f, "{}: {}", Escaped(&bad.option, MAX_CODE), Escaped(&bad.problem, MAX_DESCRIPTION))?
            }
            ErrorKind::Request { call, error } => write!(f, "{call} failed: {error}")?,
            ErrorKind::Timeout { timeout, polls, .. } => {
                let polls = match polls {
                    1 => "1 poll".to_owned(),
                    n => format!("{n} polls"),
                };
                write!(f, "no answer within timeoutMs ({} ms, {polls})", timeout.as_millis())?;
                if let Some(cause) = &self.cause {
                    write!(f, "; the last request failed: {cause}")?;
                }
            }
            ErrorKind::Aborted => f.write_str("aborted by the signal")?,
        }
        if let Some(provider) = self.provider
            && (self.task_id.is_some() || !matches!(self.kind, ErrorKind::InvalidOptions(_)))
        {
            write!(f, " [{provider}")?;
            if let Some(label) = &self.label {
                write!(f, " '{label}'")?;
            }
            if let Some(task_id) = &self.task_id {
                write!(f, ", task {}", Escaped(task_id, MAX_CODE))?;
            }
            f.write_str("]")?;
        }
        match self.advice() {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
