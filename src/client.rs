//! One POST under a time limit, and the rule for sending it again.

use std::{
    error::Error as _,
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::{
    Response, StatusCode, Version,
    header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect,
};

use crate::{
    body::{Departed, TrackedBody},
    error::Fault,
    provider::Reason,
    proxy_env,
    request::Account,
    tls,
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

    /// For how long a connection is kept that nobody uses. The server may close it just as a request goes out: that costs
    /// a poll a retry, but a createTask could not be sent again, so it takes no chances.
    pub fn connections_kept(self) -> Duration {
        match self {
            Method::CreateTask => Duration::from_secs(2),
            Method::GetTaskResult | Method::GetBalance => Duration::from_secs(90),
        }
    }
}

/// Whether the same request may go out again after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Until the deadline.
    Yes,
    /// A few times: what stands in the way is likely to stay.
    Briefly,
    No,
}

/// The whole rule for sending again. createTask is billed and not idempotent, so it goes out again only where the first
/// copy surely created nothing; the other two are free and safe to repeat.
pub fn repeat(method: Method, fault: &Fault) -> Repeat {
    use Method::{CreateTask, GetBalance, GetTaskResult};
    match (method, fault) {
        // Nothing was sent. A task that is paid for is worth waiting for; nothing else is yet.
        (GetTaskResult, Fault::Unreachable { .. }) => Repeat::Yes,
        (CreateTask | GetBalance, Fault::Unreachable { .. }) => Repeat::Briefly,
        // Refused before anything was created.
        (_, Fault::Declined { .. }) => Repeat::Yes,
        // Whoever answers there is not the provider, and asking again does not change that.
        (_, Fault::Untrusted { .. }) => Repeat::No,
        // It may have arrived.
        (CreateTask, Fault::Lost { .. } | Fault::Garbled { .. }) => Repeat::No,
        (GetTaskResult | GetBalance, Fault::Lost { .. } | Fault::Garbled { .. }) => Repeat::Yes,
        // Throttled: refused before anything was created.
        (_, Fault::Http { status: 429, .. }) => Repeat::Yes,
        // A gateway's trouble, and a request that may have got past it.
        (CreateTask, Fault::Http { .. }) => Repeat::No,
        (GetTaskResult | GetBalance, Fault::Http { status: 100..200 | 300..400 | 408 | 500.., .. }) => Repeat::Yes,
        (GetTaskResult | GetBalance, Fault::Http { .. }) => Repeat::No,
        // The provider broke the protocol: it would again.
        (_, Fault::Broken { .. }) => Repeat::No,
        (_, Fault::Refused(refusal)) => match refusal.reason {
            // Nothing was created or charged, and while polling it is the query that was refused, not the task.
            Reason::Busy => Repeat::Yes,
            // These count toward a ban, or will not change.
            Reason::Account | Reason::Banned | Reason::Request | Reason::Proxy => Repeat::No,
            // The task has ended; who pays for that differs, so a new one is the caller's decision.
            Reason::Unsolvable | Reason::Expired => Repeat::No,
            // Throttled, whatever the code.
            Reason::Unknown if refusal.status == 429 => Repeat::Yes,
            Reason::Unknown => Repeat::No,
        },
    }
}

/// A complete reply.
pub struct Reply {
    pub status: u16,
    pub body: Vec<u8>,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether it came over a connection that many requests share.
    pub multiplexed: bool,
    /// Our end of the connection, which tells it from others.
    pub local: Option<SocketAddr>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No honest reply of the protocol comes near it.
const LONGEST_BODY: usize = 1 << 20;

/// Sends one request and reads the whole reply, within the account's `requestTimeoutMs`. `departed` tells, also while it
/// runs, whether anything has left.
pub async fn post(
    account: &Account,
    method: Method,
    body: Bytes,
    departed: Departed,
    keep_alive: bool,
) -> Result<Reply, Fault> {
    let body = TrackedBody::new(body, Arc::clone(&departed));
    let exchange = async {
        let mut url = account.base_url.clone();
        url.set_path(&[account.base_url.path(), method.name()].concat());
        let mut request = http(account, method)?.post(url).body(reqwest::Body::wrap(body));
        if !keep_alive {
            // HTTP/2 has no such header, and it is left out there.
            request = request.header(CONNECTION, "close");
        }
        let response = request.send().await.map_err(fault_of)?;
        read(response).await
    };
    let outcome = tokio::time::timeout(account.request_timeout, exchange).await.unwrap_or_else(|_| {
        let detail = format!("nothing within requestTimeoutMs ({} ms)", account.request_timeout.as_millis());
        Err(Fault::Lost { detail })
    });
    match outcome {
        Err(Fault::Lost { detail }) if !departed.load(Ordering::Relaxed) => Err(unreachable(detail)),
        outcome => outcome,
    }
}

async fn read(mut response: Response) -> Result<Reply, Fault> {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let multiplexed = response.version() == Version::HTTP_2;
    let local = response.extensions().get::<HttpInfo>().map(HttpInfo::local_addr);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(fault_of)? {
        if body.len() + chunk.len() > LONGEST_BODY {
            return Err(too_long(status));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status: status.as_u16(), body, retry_after, multiplexed, local })
}

fn too_long(status: StatusCode) -> Fault {
    let (problem, code) = ("the reply is larger than 1 MiB".to_owned(), status.as_u16());
    match status.is_success() {
        true => Fault::Garbled { status: code, problem },
        false => Fault::Http { status: code, excerpt: problem },
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok(),
    }
}

/// The HTTP clients of the process, each made when it is first needed. What goes to this machine never goes through a
/// proxy: it may be plain http.
fn http(account: &Account, method: Method) -> Result<&'static reqwest::Client, Fault> {
    static CLIENTS: [[OnceLock<Result<reqwest::Client, String>>; 2]; 2] = [const { [const { OnceLock::new() }; 2] }; 2];
    let proxy = proxy_env::https_proxy().filter(|_| !account.loopback && proxy_env::applies_to(&account.base_url));
    let slot = &CLIENTS[usize::from(proxy.is_some())][usize::from(method == Method::CreateTask)];
    let client = slot.get_or_init(|| build(proxy, method.connections_kept()));
    client.as_ref().map_err(|problem| unreachable(problem.clone()))
}

fn build(proxy: Option<&str>, connections_kept: Duration) -> Result<reqwest::Client, String> {
    let config = tls::client_config().map_err(|problem| problem.to_string())?;
    let json = HeaderValue::from_static("application/json");
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .default_headers(HeaderMap::from_iter([(CONTENT_TYPE, json.clone()), (ACCEPT, json)]))
        .user_agent(concat!("turnstile-solver/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(connections_kept);
    let builder = match proxy {
        None => builder.no_proxy(),
        Some(url) => builder.proxy(reqwest::Proxy::all(url).map_err(|_| "HTTPS_PROXY is no URL of a proxy")?),
    };
    builder.build().map_err(|problem| problem.to_string())
}

fn unreachable(detail: String) -> Fault {
    Fault::Unreachable { detail }
}

/// Sorts what went wrong below HTTP by whether the request can have arrived.
fn fault_of(error: reqwest::Error) -> Fault {
    let untrusted = certificate_error(&error);
    let detail = chain(&error);
    match error.is_connect() {
        _ if untrusted => Fault::Untrusted { detail },
        _ if declined(&error) => Fault::Declined { detail },
        true => Fault::Unreachable { detail },
        false => Fault::Lost { detail },
    }
}

/// HTTP/2 says of a refused stream, and of one beyond a graceful shutdown, that it was not processed.
fn declined(error: &reqwest::Error) -> bool {
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
fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        // Many a cause repeats what lies beneath it.
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

fn certificate_error(error: &reqwest::Error) -> bool {
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

#[cfg(test)]
mod tests;
