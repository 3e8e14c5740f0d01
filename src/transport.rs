//! One request to a provider and its whole reply: the seam between the rules of this client and the network.
//!
//! [`http::HttpTransport`] is the real one. Tests of the rules use a scripted one, in paused time.

mod body;
mod connect;
mod decode;
mod dial_turns;
pub mod http;
mod http_error;
mod proxy_env;
#[cfg(test)]
pub mod scripted;
mod tls;
mod traffic;

use std::{
    ffi::OsString,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;

use crate::{error::RequestError, options::Account, wire::Method};

/// How this client names itself.
const USER_AGENT: &str = concat!("turnstile-solver/", env!("CARGO_PKG_VERSION"));

/// A request to be sent.
pub struct Request<'a> {
    pub account: &'a Account,
    pub method: Method,
    pub body: Bytes,
    /// Over a connection that is used for nothing else.
    pub own_connection: bool,
}

/// A complete reply.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
    /// How long the server asks for no further request.
    pub retry_after: Option<Duration>,
    /// Whether it came over HTTP/2, whose connections serve many requests at once.
    pub multiplexed: bool,
}

/// Reads a variable of the environment.
type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

pub trait Transport: Send + Sync + 'static {
    /// Sends the request and reads the whole reply. Sets `body_sent` as soon as any of the body may have left: before that
    /// nothing was sent that a provider could act on. It knows no time limit; whoever calls it drops it.
    fn send(
        &self,
        request: Request<'_>,
        body_sent: &BodySent,
    ) -> impl Future<Output = Result<Reply, RequestError>> + Send;
}

/// Whether the body of a request has left; shared with the request while it is under way.
#[derive(Clone, Debug, Default)]
pub struct BodySent(Arc<AtomicBool>);

impl BodySent {
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
