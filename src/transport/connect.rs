//! Opens connections: TCP, the tunnel of a proxy, TLS. What goes wrong on the way is said in plain words, with the host and
//! the port first.

mod problem;
mod resolver;
mod stream;
mod tunnel;

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    dial_turns::{Dial, DialTurns},
    proxy_env::Proxy,
    traffic::Traffic,
};
use resolver::Resolver;
use stream::{Io, Stream};

/// For name resolution, TCP and TLS, which share it out among the addresses of a name, and for the wait for a turn.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// An idle connection is probed so often, so that one whose other end is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const KEEP_ALIVE_PROBES: u32 = 3;
/// How long what was sent may stay without an acknowledgement.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(30);

type BoxError = Box<dyn Error + Send + Sync>;
type Dialling = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, BoxError>> + Send>>;

/// Why there is no connection. Nothing was sent that a provider could act on.
#[derive(Debug)]
pub enum DialError {
    Connect(String),
    /// The certificate of the other side was refused.
    Certificate(String),
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialError::Connect(detail) | DialError::Certificate(detail) => f.write_str(detail),
        }
    }
}

impl Error for DialError {}

/// The connector of one client: dials take turns, and each has its time.
#[derive(Clone)]
pub struct Connector {
    dial: Dial<Dialer>,
    dialer: Dialer,
}

impl Connector {
    pub fn new(tls: &ClientConfig, proxy: Option<&Proxy>, turns: &DialTurns) -> Self {
        let dialer = Dialer::new(tls, proxy);
        Connector { dial: turns.layer(dialer.clone()), dialer }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Dialling;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Dialling {
        let (dialer, dial) = (self.dialer.clone(), self.dial.call(target.clone()));
        Box::pin(async move {
            timeout(CONNECT_TIMEOUT, dial).await.unwrap_or_else(|_| {
                let (to, seconds) = (dialer.0.route_to(&target), CONNECT_TIMEOUT.as_secs());
                Err(DialError::Connect(format!("no connection to {to} within {seconds} s")).into())
            })
        })
    }
}

/// Opens one connection.
#[derive(Clone)]
struct Dialer(Arc<Settings>);

struct Settings {
    tcp: HttpConnector<Resolver>,
    tls: Arc<ClientConfig>,
    /// Without the protocols that are offered to providers.
    proxy_tls: Arc<ClientConfig>,
    proxy: Option<Proxy>,
}

impl Dialer {
    fn new(tls: &ClientConfig, proxy: Option<&Proxy>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE));
        tcp.set_keepalive_retries(Some(KEEP_ALIVE_PROBES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(USER_TIMEOUT));
        let mut proxy_tls = tls.clone();
        proxy_tls.alpn_protocols.clear();
        let settings =
            Settings { tcp, tls: Arc::new(tls.clone()), proxy_tls: Arc::new(proxy_tls), proxy: proxy.cloned() };
        Dialer(Arc::new(settings))
    }
}

impl Service<Uri> for Dialer {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Dialling;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Dialling {
        let settings = Arc::clone(&self.0);
        Box::pin(async move { Ok(TokioIo::new(settings.connect(&target).await?)) })
    }
}

impl Settings {
    async fn connect(&self, target: &Uri) -> Result<Stream, DialError> {
        let Peer { host, port, .. } = Peer::of(target);
        let traffic = Arc::<Traffic>::default();
        let raw = match &self.proxy {
            None => Io::Tcp(self.tcp(target, &Peer::of(target)).await?, Arc::clone(&traffic)),
            Some(proxy) => {
                let peer = Peer::proxy(proxy);
                let mut io = Io::Tcp(self.tcp(&proxy.uri, &peer).await?, Arc::clone(&traffic));
                if proxy.is_https {
                    io = tls(&self.proxy_tls, &peer, peer.host, io).await?;
                }
                let (authority, authorization) = (format!("{host}:{port}"), proxy.authorization());
                tunnel::open(&mut io, &authority, authorization.as_ref())
                    .await
                    .map_err(|problem| DialError::Connect(problem.describe(&peer, &authority)))?;
                io
            }
        };
        match target.scheme_str() {
            Some("https") => {
                let io = tls(&self.tls, &self.route_to(target), host, raw).await?;
                Ok(Stream::new(io, traffic))
            }
            _ => Ok(Stream::new(raw, traffic)),
        }
    }

    async fn tcp(&self, target: &Uri, peer: &Peer<'_>) -> Result<tokio::net::TcpStream, DialError> {
        match self.tcp.clone().call(target.clone()).await {
            Ok(stream) => Ok(stream.into_inner()),
            Err(error) => Err(DialError::Connect(problem::of_tcp(&error, peer))),
        }
    }

    fn route_to<'a>(&'a self, target: &'a Uri) -> Route<'a> {
        Route { peer: Peer::of(target), through: self.proxy.as_ref().map(Peer::proxy) }
    }
}

async fn tls(config: &Arc<ClientConfig>, to: &impl fmt::Display, host: &str, io: Io) -> Result<Io, DialError> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned())
        .map_err(|_| DialError::Connect(format!("no certificate can be for the name {host}")))?;
    match TlsConnector::from(Arc::clone(config)).connect(name, io).await {
        Ok(stream) => Ok(Io::Tls(Box::new(stream))),
        Err(error) => Err(problem::of_tls(&error, to)),
    }
}

/// The other end of a TCP connection, as messages name it.
struct Peer<'a> {
    /// An IPv6 address in brackets.
    host: &'a str,
    port: u16,
    is_proxy: bool,
}

impl<'a> Peer<'a> {
    fn of(target: &'a Uri) -> Self {
        let default = if target.scheme_str() == Some("http") { 80 } else { 443 };
        Peer { host: target.host().unwrap_or_default(), port: target.port_u16().unwrap_or(default), is_proxy: false }
    }

    fn proxy(proxy: &'a Proxy) -> Self {
        Peer { is_proxy: true, ..Peer::of(&proxy.uri) }
    }
}

impl fmt::Display for Peer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxy = if self.is_proxy { "the proxy " } else { "" };
        write!(f, "{proxy}{}:{}", self.host, self.port)
    }
}

/// A server, and the proxy before it.
struct Route<'a> {
    peer: Peer<'a>,
    through: Option<Peer<'a>>,
}

impl fmt::Display for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.through {
            None => write!(f, "{}", self.peer),
            Some(proxy) => write!(f, "{} through {proxy}", self.peer),
        }
    }
}
