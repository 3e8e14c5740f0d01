//! The real transport: hyper over the system's network.

use std::{
    collections::HashMap,
    env,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, SystemTime},
};

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, Version,
    header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT},
};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, connect::capture_connection},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::ClientConfig;

use super::{
    BodySent, Environment, Reply, Request, Transport,
    body::TrackedBody,
    connect::Connector,
    decode::{self, TooLong},
    dial_turns::DialTurns,
    http_error::Exchange,
    proxy_env::{self, Proxy},
    tls,
    traffic::UnderWay,
};
use crate::{
    error::RequestError,
    options::{Account, HostId},
    sync::lock,
    wire::Method,
};

type Client = legacy::Client<Connector, TrackedBody>;
type Response = http::Response<Incoming>;

/// No honest reply of the protocol comes near it.
const MAX_BODY_LENGTH: usize = 1 << 20;
const MAX_HEADER_LINES: usize = 1000;
const MAX_HEADER_LIST: u32 = 256 << 10;
/// How long an idle connection is kept. The server may close it just as a request goes out: that costs a poll a
/// retry, but a createTask could not be sent again, so it takes no chances.
const POLL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);
const CREATE_IDLE_TIMEOUT: Duration = Duration::from_secs(2);
/// A dial that takes longer lets others begin, so that one that hangs does not hold them up.
const SLOW_DIAL: Duration = Duration::from_secs(1);
/// The most dials at once over HTTP/1.1, where the server keeps connections: a quarter of the requests that may be in flight,
/// since each may end with a connection that no request needs any more.
const MAX_H1_POLL_DIALS: usize = 8;
const MAX_H1_CREATE_DIALS: usize = 4;
/// So many times more where no connection is kept: then each request in flight has to dial.
const DIALS_WITHOUT_KEEP_ALIVE: usize = 4;
/// A server that promises to keep an idle connection for some time counts from when it sent its reply.
const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(1);
/// Long enough to hand a connection on to a request that waits for one.
const HAND_OVER: Duration = Duration::from_millis(1);
/// A map that has grown to this size drops unused entries before it grows further.
const SWEEP_AT: usize = 256;

/// What the environment says about the network.
#[derive(Clone)]
pub struct NetworkConfig {
    pub tls: ClientConfig,
    /// The proxy, or why the setting cannot work.
    pub proxy: Result<Option<Proxy>, String>,
    /// The hosts that are reached without the proxy, as they were given.
    pub no_proxy: String,
}

impl NetworkConfig {
    fn read(environment: Environment<'_>, exec_argv: &[String]) -> Result<Self, String> {
        let tls = tls::client_config(environment, exec_argv).map_err(|problem| problem.to_string())?;
        let (proxy, no_proxy) = (proxy_env::https_proxy(environment), proxy_env::no_proxy(environment));
        Ok(NetworkConfig { tls, proxy, no_proxy })
    }
}

/// The HTTP clients of the process: two for each host, each with its own pool of connections.
pub struct HttpTransport {
    config: OnceLock<Result<NetworkConfig, String>>,
    /// The options of Node.js on the command line.
    exec_argv: Vec<String>,
    hosts: Mutex<HashMap<HostId, Arc<Host>>>,
    slow_dial: Duration,
}

impl HttpTransport {
    /// The environment is read by the first request.
    pub fn from_environment(exec_argv: Vec<String>) -> Self {
        HttpTransport { config: OnceLock::new(), exec_argv, hosts: Mutex::default(), slow_dial: SLOW_DIAL }
    }

    pub fn new(config: NetworkConfig) -> Self {
        HttpTransport {
            config: OnceLock::from(Ok(config)),
            exec_argv: Vec::new(),
            hosts: Mutex::default(),
            slow_dial: SLOW_DIAL,
        }
    }

    /// An error means that the environment's settings cannot work.
    fn host(&self, account: &Account) -> Result<Arc<Host>, String> {
        let id = account.host_id();
        let mut hosts = lock(&self.hosts);
        if let Some(host) = hosts.get(&id) {
            return Ok(Arc::clone(host));
        }
        let config = self.config.get_or_init(|| NetworkConfig::read(&|name| env::var_os(name), &self.exec_argv));
        let config = config.as_ref().map_err(String::clone)?;
        // What goes to this machine never goes through a proxy: it may be plain http.
        let proxied = !account.loopback && !proxy_env::is_exempt(&config.no_proxy, &account.base_url);
        let proxy = match proxied {
            true => config.proxy.as_ref().map_err(String::clone)?.as_ref(),
            false => None,
        };
        let pool = |idle_timeout, max_h1_dials| {
            let turns = DialTurns::new(max_h1_dials, self.slow_dial);
            Pool::new(Connector::new(&config.tls, proxy, &turns), turns, idle_timeout, max_h1_dials)
        };
        let host = Arc::new(Host {
            create: pool(CREATE_IDLE_TIMEOUT, MAX_H1_CREATE_DIALS),
            poll: pool(POLL_IDLE_TIMEOUT, MAX_H1_POLL_DIALS),
        });
        if hosts.len() >= SWEEP_AT {
            hosts.retain(|_, host| Arc::strong_count(host) > 1);
        }
        hosts.insert(id, Arc::clone(&host));
        Ok(host)
    }
}

impl Transport for HttpTransport {
    async fn send(&self, request: Request<'_>, body_sent: &BodySent) -> Result<Reply, RequestError> {
        let Request { account, method, body, own_connection } = request;
        let host = self.host(account).map_err(|detail| RequestError::Configuration { detail })?;
        let pool = match method {
            Method::CreateTask => &host.create,
            Method::GetTaskResult | Method::GetBalance => &host.poll,
        };
        let exchange = Exchange { authority: account.authority() };
        let uri = Uri::try_from([account.base_url.as_str(), method.name()].concat());
        let uri = uri.map_err(|problem| RequestError::Connect { detail: format!("baseURL is no URL: {problem}") })?;
        let mut request = http::Request::new(TrackedBody::new(body, body_sent.clone()));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = uri;
        request.headers_mut().extend(request_headers());
        if own_connection {
            // HTTP/2 has no such header, and it is left out there.
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let mut under_way = UnderWay::new(capture_connection(&mut request), body_sent.clone());
        let response = under_way.run(pool.client(own_connection).request(request)).await;
        let reply = match response {
            Ok(response) => {
                pool.record(&response, own_connection);
                read(response, &exchange).await
            }
            Err(error) => Err(exchange.request_error(error)),
        };
        under_way.ended();
        reply
    }
}

fn request_headers() -> [(HeaderName, HeaderValue); 4] {
    let json = HeaderValue::from_static("application/json");
    [
        (CONTENT_TYPE, json.clone()),
        (ACCEPT, json),
        // Without it any encoding is allowed.
        (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        (USER_AGENT, HeaderValue::from_static(super::USER_AGENT)),
    ]
}

struct Host {
    create: Pool,
    poll: Pool,
}

/// A client and the connections that it keeps.
struct Pool {
    connector: Connector,
    turns: DialTurns,
    /// The most dials at once over HTTP/1.1, where the server keeps connections.
    max_h1_dials: usize,
    current: Mutex<PoolClient>,
}

struct PoolClient {
    client: Client,
    idle_timeout: Duration,
    /// Whether each request has a connection of its own, so that none is left over.
    own_connections: bool,
}

impl Pool {
    fn new(connector: Connector, turns: DialTurns, idle_timeout: Duration, max_h1_dials: usize) -> Self {
        let client = build(connector.clone(), idle_timeout);
        let current = Mutex::new(PoolClient { client, idle_timeout, own_connections: false });
        Pool { connector, turns, max_h1_dials, current }
    }

    /// For a request with a connection of its own, a client that has none left over from others.
    fn client(&self, own_connection: bool) -> Client {
        let mut current = lock(&self.current);
        if own_connection && !current.own_connections {
            let idle_timeout = current.idle_timeout;
            self.replace(&mut current, idle_timeout, true);
        }
        current.client.clone()
    }

    /// Learns from the head of a reply what the server does with connections.
    fn record(&self, response: &Response, own_connection: bool) {
        if response.version() == Version::HTTP_2 {
            return;
        }
        let is_kept = !own_connection && is_kept(response);
        self.turns.set_max_h1(self.max_h1_dials * if is_kept { 1 } else { DIALS_WITHOUT_KEEP_ALIVE });
        let Some(promised) = keep_alive_timeout(response.headers()) else { return };
        let idle_timeout = idle_timeout(promised);
        let mut current = lock(&self.current);
        if idle_timeout < current.idle_timeout {
            let own_connections = current.own_connections;
            self.replace(&mut current, idle_timeout, own_connections);
        }
    }

    /// A client keeps its settings and its connections for good, so this one makes place for another.
    fn replace(&self, current: &mut PoolClient, idle_timeout: Duration, own_connections: bool) {
        let client = build(self.connector.clone(), idle_timeout);
        *current = PoolClient { client, idle_timeout, own_connections };
    }
}

/// Nothing is sent again here but what never left: what else may be is decided in one place, and counted there.
fn build(connector: Connector, idle_timeout: Duration) -> Client {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
    // Odd lines in the head of a reply are no reason to lose a token.
    builder
        .http1_allow_obsolete_multiline_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_max_headers(MAX_HEADER_LINES)
        .http2_max_header_list_size(MAX_HEADER_LIST);
    match idle_timeout.is_zero() {
        true => builder.pool_max_idle_per_host(0),
        false => builder.pool_idle_timeout(idle_timeout),
    };
    builder.build(connector)
}

async fn read(response: Response, exchange: &Exchange) -> Result<Reply, RequestError> {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let multiplexed = response.version() == Version::HTTP_2;
    let encodings: Vec<_> = response.headers().get_all(CONTENT_ENCODING).iter().cloned().collect();
    let mut incoming = response.into_body();
    let length = incoming.size_hint().exact();
    let mut body = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut incoming).poll_frame(context)).await {
        // What is no data are trailers.
        let Ok(chunk) = frame.map_err(|error| exchange.interrupted(&error))?.into_data() else { continue };
        if body.len() + chunk.len() > MAX_BODY_LENGTH {
            return Err(too_long(status));
        }
        body.extend_from_slice(&chunk);
    }
    // Over HTTP/2 a stream that is reset without an error counts as ended.
    if length.is_some_and(|length| length != body.len() as u64) {
        return Err(exchange.cut());
    }
    let body = decode::decode(body, &encodings, MAX_BODY_LENGTH).map_err(|TooLong| too_long(status))?;
    Ok(Reply { status: status.as_u16(), body, retry_after, multiplexed })
}

fn too_long(status: StatusCode) -> RequestError {
    let (problem, code) = ("the reply is larger than 1 MiB".to_owned(), status.as_u16());
    match status.is_success() {
        true => RequestError::Decode { status: code, problem },
        false => RequestError::Http { status: code, excerpt: problem },
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

/// Whether the server keeps the connection open for other requests.
fn is_kept(response: &Response) -> bool {
    let mut tokens = response.headers().get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    response.version() == Version::HTTP_11
        && !tokens.any(|list| list.split(',').any(|token| token.trim().eq_ignore_ascii_case("close")))
}

/// How long to keep an idle connection that the server promises to keep for so long.
fn idle_timeout(promised: Duration) -> Duration {
    match promised.is_zero() {
        true => Duration::ZERO,
        false => promised.saturating_sub(KEEP_ALIVE_MARGIN).max(HAND_OVER),
    }
}

/// `Keep-Alive: timeout=5, max=100`: how long the server keeps an idle connection.
fn keep_alive_timeout(headers: &HeaderMap) -> Option<Duration> {
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    let value = headers.get(KEEP_ALIVE)?.to_str().ok()?;
    let seconds = value.split(',').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().trim_matches('"').parse().ok())?
    })?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
