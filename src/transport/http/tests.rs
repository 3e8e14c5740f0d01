mod connections;
mod floods;
mod h2;
mod http1;
mod http2;
mod odd_replies;
mod proxy;
mod secure;
mod server;

use std::ffi::OsString;

use super::*;
use crate::options::{GetBalanceRequest, RawOption};

const BODY: &str = r#"{"clientKey":"test-key-0123456789abcdef"}"#;
const REPLY: &str = r#"{"errorId":0,"taskId":"1","status":"processing"}"#;

fn account(base_url: &str) -> Account {
    let options = [("provider", "custom"), ("clientKey", "test-key-0123456789abcdef"), ("baseURL", base_url)];
    let options = options.map(|(name, value)| (name.to_owned(), RawOption::Text(value.to_owned())));
    GetBalanceRequest::parse(options.into()).unwrap().account
}

/// Trusts the fixtures and uses no proxy.
fn config() -> NetworkConfig {
    NetworkConfig { tls: tls::client_config_with(server::trust()).unwrap(), proxy: Ok(None), no_proxy: String::new() }
}

/// However slow the machine is, no dial counts as slow.
fn transport() -> HttpTransport {
    HttpTransport { slow_dial: Duration::from_secs(60), ..HttpTransport::new(config()) }
}

fn create(account: &Account) -> Request<'_> {
    Request { account, method: Method::CreateTask, body: BODY.into(), own_connection: false }
}

fn poll(account: &Account) -> Request<'_> {
    Request { method: Method::GetTaskResult, ..create(account) }
}

/// A test that waits in vain has failed; how long the rest takes is not looked at.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.expect("nothing happened")
}

/// The result, and whether the body was sent.
async fn send(transport: &HttpTransport, request: Request<'_>) -> (Result<Reply, RequestError>, bool) {
    let body_sent = BodySent::default();
    let result = in_time(transport.send(request, &body_sent)).await;
    (result, body_sent.get())
}

/// A createTask by a client of its own.
async fn send_to(base_url: &str) -> (Result<Reply, RequestError>, bool) {
    send(&transport(), create(&account(base_url))).await
}

/// What the error says.
fn detail(result: &Result<Reply, RequestError>) -> String {
    result.as_ref().unwrap_err().detail().unwrap().to_owned()
}

/// The kind of the result, and whether the body was sent.
fn kind((result, body_sent): (Result<Reply, RequestError>, bool)) -> (&'static str, bool) {
    let kind = match result {
        Ok(_) => "reply",
        Err(RequestError::Connect { .. }) => "connect",
        Err(RequestError::Configuration { .. }) => "configuration",
        Err(RequestError::NotProcessed { .. }) => "not processed",
        Err(RequestError::Certificate { .. }) => "certificate",
        Err(RequestError::Interrupted { .. }) => "interrupted",
        Err(RequestError::Decode { .. }) => "decode",
        Err(RequestError::Http { .. }) => "http",
        Err(RequestError::Protocol { .. } | RequestError::Solution(_) | RequestError::Provider(_)) => {
            panic!("no error of a transport: {result:?}")
        }
    };
    (kind, body_sent)
}

fn retry_after_of(value: &str) -> Option<Duration> {
    retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(value).unwrap())]))
}

#[test]
fn retry_after_is_read_as_seconds_or_as_a_date() {
    assert_eq!(retry_after_of("7"), Some(Duration::from_secs(7)));
    assert_eq!(retry_after_of(" 0 "), Some(Duration::ZERO));
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
    let wait = retry_after_of(&date).unwrap();
    assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100), "{wait:?}");
}

#[test]
fn a_retry_after_that_cannot_be_read_is_ignored() {
    for value in ["", "soon", "-1", "1.5", "Sun, 06 Nov 1994 08:49:37 GMT", "99999999999999999999999"] {
        assert_eq!(retry_after_of(value), None, "{value}");
    }
    assert_eq!(retry_after(&HeaderMap::new()), None);
}

fn keep_alive_of(value: &str) -> Option<u64> {
    let headers =
        HeaderMap::from_iter([(HeaderName::from_static("keep-alive"), HeaderValue::from_str(value).unwrap())]);
    keep_alive_timeout(&headers).map(|timeout| timeout.as_secs())
}

#[test]
fn the_timeout_of_a_keep_alive_header_is_read_wherever_it_stands() {
    for (value, timeout) in [
        ("timeout=5", Some(5)),
        ("timeout=5, max=100", Some(5)),
        ("max=100, timeout = 7", Some(7)),
        ("Timeout=\"3\"", Some(3)),
        ("timeout=0", Some(0)),
        ("max=100", None),
        ("timeout=", None),
        ("timeout=soon", None),
        ("timeout", None),
        ("", None),
    ] {
        assert_eq!(keep_alive_of(value), timeout, "{value}");
    }
    assert_eq!(keep_alive_timeout(&HeaderMap::new()), None);
}

#[test]
fn an_idle_connection_is_kept_for_a_second_less_than_promised() {
    for (promised, kept) in [(0, 0), (1, 1), (2, 1000), (5, 4000), (91, 90_000)] {
        assert_eq!(idle_timeout(Duration::from_secs(promised)), Duration::from_millis(kept), "{promised} s");
    }
}

#[tokio::test]
async fn the_environment_says_whom_to_trust_and_which_proxy_to_use() {
    let config = |set: &'static [(&str, &str)]| {
        let environment = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value));
        NetworkConfig::read(&environment, &[]).unwrap()
    };
    let server = server::Server::start(|_, conn| async {
        // Without trust the client ends it.
        if let Ok(mut conn) = conn.tls("localhost", &["http/1.1"]).await {
            conn.request().await;
            conn.reply("", REPLY).await;
        }
    })
    .await;
    const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/__test__/fixtures/tls/ca.cert.pem");
    let account = account(&server.https());
    let extra = HttpTransport::new(config(&[("NODE_EXTRA_CA_CERTS", AUTHORITY)]));
    assert_eq!(kind(send(&extra, create(&account)).await), ("reply", true));
    let none = HttpTransport::new(config(&[]));
    assert_eq!(kind(send(&none, create(&account)).await), ("certificate", false));
    let proxied = config(&[("HTTPS_PROXY", "http://127.0.0.1:8080"), ("no_proxy", "a.test,b.test")]);
    let proxy = proxied.proxy.unwrap().unwrap();
    assert_eq!((proxy.uri.port_u16(), proxied.no_proxy.as_str()), (Some(8080), "a.test,b.test"));
}

#[tokio::test]
async fn without_a_configuration_of_its_own_the_transport_reads_the_environment() {
    let server = server::Server::start(|_, mut conn| async move {
        conn.request().await;
        conn.reply("", REPLY).await;
    })
    .await;
    // Whatever the environment says, plain http goes to this machine.
    assert_eq!(
        kind(send(&HttpTransport::from_environment(Vec::new()), create(&account(&server.http()))).await),
        ("reply", true)
    );
}
