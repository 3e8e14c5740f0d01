//! Sorts what went wrong in or below HTTP by whether the request can have been acted on, and says it in plain words.

use std::{error::Error, fmt, io};

use hyper_util::client::legacy;

use super::connect::DialError;
use crate::error::RequestError;

/// A request to a server, as messages name it.
pub struct Exchange {
    /// Host and port.
    pub authority: String,
}

impl Exchange {
    /// An error before the head of a reply has come.
    pub fn request_error(&self, error: legacy::Error) -> RequestError {
        match find::<DialError>(&error) {
            Some(DialError::Certificate(detail)) => RequestError::Certificate { detail: detail.clone() },
            Some(DialError::Connect(detail)) => RequestError::Connect { detail: detail.clone() },
            None if error.is_connect() => RequestError::Connect { detail: self.describe(&error) },
            None if is_not_processed(&error) => {
                let detail = format!("{} before it processed the request", self.describe(&error));
                RequestError::NotProcessed { detail }
            }
            None => RequestError::Interrupted { detail: self.describe(&error) },
        }
    }

    /// An error after the head of a reply has come: whatever it says, the request was processed.
    pub fn interrupted(&self, error: &hyper::Error) -> RequestError {
        RequestError::Interrupted { detail: self.describe(error) }
    }

    /// The end of a reply whose length was stated, and is another.
    pub fn cut(&self) -> RequestError {
        RequestError::Interrupted { detail: format!("{self} closed the connection before its reply was complete") }
    }

    fn describe(&self, error: &(dyn Error + 'static)) -> String {
        if let Some(problem) = find::<h2::Error>(error) {
            return self.describe_h2(problem);
        }
        if let Some(problem) = find::<io::Error>(error) {
            return match problem.kind() {
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                    format!("{self} reset the connection before its reply was complete")
                }
                io::ErrorKind::UnexpectedEof => {
                    format!("{self} closed the connection before its reply was complete")
                }
                io::ErrorKind::TimedOut => format!("{self} has become unreachable"),
                _ => format!("the connection to {self} broke: {problem}"),
            };
        }
        match find::<hyper::Error>(error) {
            Some(problem) if problem.is_incomplete_message() || problem.is_closed() || problem.is_canceled() => {
                format!("{self} closed the connection before its reply was complete")
            }
            Some(problem) if problem.is_parse() => format!("the reply of {self} is not HTTP: {problem}"),
            _ => format!("the exchange with {self} failed: {}", causes(error)),
        }
    }

    fn describe_h2(&self, error: &h2::Error) -> String {
        if let Some(problem) = error.get_io() {
            return self.describe(&io::Error::from(problem.kind()));
        }
        let code = error.reason().map(|reason| format!("{reason:?}")).unwrap_or_else(|| error.to_string());
        match (error.is_remote(), error.is_go_away(), error.is_reset()) {
            (true, true, _) => format!("{self} ended the HTTP/2 connection with {code}"),
            (true, _, true) => format!("{self} ended the HTTP/2 stream with {code}"),
            _ => format!("the HTTP/2 exchange with {self} failed with {code}"),
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority)
    }
}

/// HTTP/2 says of a refused stream, and of one beyond a graceful shutdown, that it was not processed.
fn is_not_processed(error: &legacy::Error) -> bool {
    find::<h2::Error>(error).is_some_and(|h2| {
        h2.is_remote()
            && match h2.reason() {
                Some(h2::Reason::REFUSED_STREAM) => h2.is_reset(),
                Some(h2::Reason::NO_ERROR) => h2.is_go_away(),
                _ => false,
            }
    })
}

/// The error of this type, or the first of its causes that is one.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

/// The causes, outermost first.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut parts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        // Many a cause repeats its own cause.
        if !parts.last().is_some_and(|last| last.ends_with(&part)) {
            parts.push(part);
        }
        next = cause.source();
    }
    parts.join(": ")
}
