//! Sorts what went wrong in or below HTTP by whether the request can have been acted on.

use std::{error::Error as _, io};

use crate::error::RequestError;

pub fn request_error(error: reqwest::Error) -> RequestError {
    let certificate = is_certificate_error(&error);
    let detail = causes(&error);
    match error.is_connect() {
        _ if certificate => RequestError::Certificate { detail },
        _ if is_not_processed(&error) => RequestError::NotProcessed { detail },
        true => RequestError::Connect { detail },
        false => RequestError::Interrupted { detail },
    }
}

/// An error after the head of a reply has come: whatever it says, the request was processed.
pub fn interrupted(error: reqwest::Error) -> RequestError {
    RequestError::Interrupted { detail: causes(&error) }
}

/// HTTP/2 says of a refused stream, and of one beyond a graceful shutdown, that it was not processed.
fn is_not_processed(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(h2) = cause.downcast_ref::<h2::Error>() {
            return h2.is_remote()
                && match h2.reason() {
                    Some(h2::Reason::REFUSED_STREAM) => h2.is_reset(),
                    Some(h2::Reason::NO_ERROR) => h2.is_go_away(),
                    _ => false,
                };
        }
        next = cause.source();
    }
    false
}

/// The causes, outermost first, without the outermost's URL.
fn causes(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        // Many a cause repeats its own cause.
        if !parts.last().is_some_and(|last| last.ends_with(&part)) {
            parts.push(part);
        }
        next = cause.source();
    }
    match parts.is_empty() {
        true => "the exchange failed".into(),
        false => parts.join(": "),
    }
}

fn is_certificate_error(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = tls_error(cause) {
            return true;
        }
        next = cause.source();
    }
    false
}

/// An `io::Error` does not count what it wraps among its sources, and wraps several times over here.
fn tls_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    cause.downcast_ref().or_else(|| tls_error(cause.downcast_ref::<io::Error>()?.get_ref()?))
}
