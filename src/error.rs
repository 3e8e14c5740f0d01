//! Every way a call can fail, and what each becomes in JavaScript.
//!
//! A [`Fault`] is what one exchange with the provider came to; it knows nothing of tasks. An [`Error`] is what the caller
//! gets: the fault, or what else ended the call, with everything known about the task. Whether a fault is repeated is
//! decided in one place, [`crate::client::repeat`].

use std::{fmt, mem, time::Duration};

use crate::provider::Reason;

/// What one exchange came to, when it did not come to an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The request surely never left: name resolution, TCP connect, TLS handshake. `CONNECTION_FAILED`.
    Unreachable { detail: String },
    /// The server is there and says, in the words of HTTP/2, that the request was not processed. `CONNECTION_FAILED`.
    Declined { detail: String },
    /// The server could not prove that it is who it should be; nothing was sent. `CONNECTION_FAILED`.
    Untrusted { detail: String },
    /// The request may have arrived, but no complete reply came back in time. `CONNECTION_FAILED`.
    Lost { detail: String },
    /// A non-2xx reply without an envelope, and how its body begins. `HTTP_ERROR`.
    Http { status: u16, excerpt: String },
    /// A 2xx reply without an envelope: a gateway's page, cut JSON, a body over the limit. `INVALID_RESPONSE`.
    Garbled { status: u16, problem: String },
    /// An envelope that breaks the protocol's contract. `INVALID_RESPONSE`.
    Broken { status: u16, problem: String },
    /// The provider said no: `errorId != 0`. `PROVIDER_ERROR`.
    Refused(Box<Refusal>),
}

/// The provider's own words, verbatim but for secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub status: u16,
    pub error_id: i64,
    pub error_code: String,
    pub error_description: String,
    pub reason: Reason,
    /// How long the provider is to be left alone, where it or the ban guard says so.
    pub retry_after: Option<Duration>,
}

impl Fault {
    /// Whether a createTask that ended so may have created, and so charged, a task all the same.
    pub fn may_have_been_accepted(&self) -> bool {
        match self {
            Fault::Unreachable { .. } | Fault::Declined { .. } | Fault::Untrusted { .. } => false,
            Fault::Lost { .. } | Fault::Garbled { .. } | Fault::Broken { .. } => true,
            // A gateway answers 408 and 5xx also after it has passed the request on, and 301 to 303 are how many a server
            // says "done, look there".
            Fault::Http { status, .. } => matches!(status, 100..200 | 301..=303 | 408 | 500..),
            Fault::Refused(_) => false,
        }
    }

    /// The same fault with every text that came from outside rewritten.
    pub fn map_text(self, rewrite: impl Fn(String) -> String) -> Self {
        match self {
            Fault::Unreachable { detail } => Fault::Unreachable { detail: rewrite(detail) },
            Fault::Declined { detail } => Fault::Declined { detail: rewrite(detail) },
            Fault::Untrusted { detail } => Fault::Untrusted { detail: rewrite(detail) },
            Fault::Lost { detail } => Fault::Lost { detail: rewrite(detail) },
            Fault::Http { status, excerpt } => Fault::Http { status, excerpt: rewrite(excerpt) },
            Fault::Garbled { status, problem } => Fault::Garbled { status, problem: rewrite(problem) },
            Fault::Broken { status, problem } => Fault::Broken { status, problem: rewrite(problem) },
            Fault::Refused(mut refusal) => {
                refusal.error_code = rewrite(refusal.error_code);
                refusal.error_description = rewrite(refusal.error_description);
                Fault::Refused(refusal)
            }
        }
    }

    /// The `code` a user branches on.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Unreachable { .. } | Fault::Declined { .. } | Fault::Untrusted { .. } | Fault::Lost { .. } => {
                "CONNECTION_FAILED"
            }
            Fault::Http { .. } => "HTTP_ERROR",
            Fault::Garbled { .. } | Fault::Broken { .. } => "INVALID_RESPONSE",
            Fault::Refused(_) => "PROVIDER_ERROR",
        }
    }

    /// The HTTP status of the reply, if a whole reply came.
    pub fn status(&self) -> Option<u16> {
        match self {
            Fault::Unreachable { .. } | Fault::Declined { .. } | Fault::Untrusted { .. } | Fault::Lost { .. } => None,
            Fault::Http { status, .. } | Fault::Garbled { status, .. } | Fault::Broken { status, .. } => Some(*status),
            Fault::Refused(refusal) => Some(refusal.status),
        }
    }

    /// What lies beneath, in the words of the system or the TLS library.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Fault::Unreachable { detail }
            | Fault::Declined { detail }
            | Fault::Untrusted { detail }
            | Fault::Lost { detail } => Some(detail),
            Fault::Http { .. } | Fault::Garbled { .. } | Fault::Broken { .. } | Fault::Refused(_) => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unreachable { detail } => write!(f, "could not connect: {detail}"),
            Fault::Declined { detail } => write!(f, "the server did not process it: {detail}"),
            Fault::Untrusted { detail } => write!(f, "the server's certificate was refused: {detail}"),
            Fault::Lost { detail } => write!(f, "no complete reply: {detail}"),
            Fault::Http { status: status @ 300..400, .. } => {
                write!(f, "HTTP {status}, a redirect, which is never followed since the key travels in the body")
            }
            Fault::Http { status, excerpt } if excerpt.is_empty() => write!(f, "HTTP {status} with an empty body"),
            Fault::Http { status, excerpt } => {
                write!(f, "HTTP {status} without an answer of the task API: {excerpt:.120}")
            }
            Fault::Garbled { problem, status } | Fault::Broken { problem, status } => {
                write!(f, "{problem:.200} (HTTP {status})")
            }
            Fault::Refused(refusal) => {
                match refusal.error_code.as_str() {
                    "" => write!(f, "errorId {}", refusal.error_id)?,
                    code => write!(f, "{code:.100}")?,
                }
                match refusal.error_description.as_str() {
                    "" => Ok(()),
                    description => write!(f, " ({description:.300})"),
                }
            }
        }
    }
}

/// A failed call: what ended it, and all that is known about its task.
#[derive(Debug)]
pub struct Error {
    pub kind: Kind,
    pub provider: Option<&'static str>,
    pub task_id: Option<String>,
    /// Money may have been spent and no token is in hand.
    pub may_be_charged: bool,
    /// The fault that kept the call from ending well before it ran out of time.
    pub cause: Option<Box<Fault>>,
}

#[derive(Debug)]
pub enum Kind {
    /// `INVALID_OPTIONS`: the call was refused before any I/O.
    InvalidOptions(Box<BadOption>),
    /// The code of the fault.
    Fault { call: &'static str, fault: Fault },
    /// `TIMEOUT`.
    Timeout { timeout: Duration, elapsed: Duration, polls: u32 },
    /// `ABORT_ERR`.
    Aborted,
}

#[derive(Debug, Default)]
pub struct BadOption {
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
            kind: Kind::InvalidOptions(Box::new(BadOption { option, problem, thrown })),
            provider: None,
            task_id: None,
            may_be_charged: false,
            cause: None,
        }
    }

    /// The same with all that it tells of a refused option changed.
    pub fn map_option(mut self, change: impl Fn(String) -> String) -> Self {
        if let Kind::InvalidOptions(bad) = &mut self.kind {
            let BadOption { option, problem, thrown } = mem::take(bad.as_mut());
            **bad = BadOption { option: change(option), problem: change(problem), thrown: thrown.map(change) };
        }
        self
    }

    pub fn code(&self) -> &'static str {
        match &self.kind {
            Kind::InvalidOptions(_) => "INVALID_OPTIONS",
            Kind::Fault { fault, .. } => fault.code(),
            Kind::Timeout { .. } => "TIMEOUT",
            Kind::Aborted => "ABORT_ERR",
        }
    }

    /// What the reader should do next, where that is not plain from the rest.
    fn advice(&self) -> Option<&'static str> {
        if let (Some(_), Kind::Timeout { .. } | Kind::Aborted) = (&self.task_id, &self.kind) {
            return Some("the task is paid for: waitForTask with this taskId can still fetch its token");
        }
        match &self.kind {
            Kind::Fault { fault: Fault::Refused(refusal), .. } => refusal.reason.advice(),
            Kind::Fault { .. } | Kind::Timeout { .. } | Kind::Aborted if self.may_be_charged => match self.task_id {
                Some(_) => Some("waitForTask with this taskId can still fetch the token"),
                None => Some("the task may have been created and charged all the same"),
            },
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::InvalidOptions(bad) => write!(f, "{}: {}", bad.option, bad.problem)?,
            Kind::Fault { call, fault } => write!(f, "{call} failed: {fault}")?,
            Kind::Timeout { timeout, polls, .. } => {
                let polls = match polls {
                    1 => "1 poll".to_owned(),
                    n => format!("{n} polls"),
                };
                write!(f, "no answer within timeoutMs ({} ms, {polls})", timeout.as_millis())?;
            }
            Kind::Aborted => f.write_str("aborted by the signal")?,
        }
        let (provider, task_id) = (self.provider, self.task_id.as_deref());
        match (provider, task_id) {
            (Some(provider), Some(task_id)) => write!(f, " [{provider}, task {task_id}]")?,
            (Some(provider), None) if !matches!(self.kind, Kind::InvalidOptions(_)) => write!(f, " [{provider}]")?,
            _ => {}
        }
        match self.advice() {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
