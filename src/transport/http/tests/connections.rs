//! How many connections are opened, which are kept, and for what.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    h2::{H2, NO_ERROR},
    server::{Conn, Server, header},
    *,
};
use crate::{
    api,
    call::Solution,
    error::Error,
    options::{RawOptions, SolveRequest},
    registry::Registry,
};

/// Right for every method: createTask reads the id, since its task is not `ready`, and getTaskResult the token.
const READY: &str = r#"{"errorId":0,"taskId":"7","status":"solved","solution":{"token":"0.token"}}"#;

type Shared = Arc<Registry<HttpTransport>>;

fn registry() -> Shared {
    Arc::new(Registry::new(transport()))
}

fn options(base_url: &str, more: &[(&str, &str)]) -> RawOptions {
    let common = [("provider", "yescaptcha"), ("clientKey", "test-key-0123456789abcdef"), ("baseURL", base_url)];
    let all = common.iter().chain(more).map(|(name, value)| ((*name).to_owned(), RawOption::Text((*value).to_owned())));
    all.collect()
}

async fn solve(registry: Shared, base_url: String) -> Result<Solution, Error> {
    let mut options = options(&base_url, &[("websiteURL", "https://example.com/"), ("websiteKey", "0x4AAAAAAAB")]);
    options.push(("pollIntervalMs".into(), RawOption::Number(10.0)));
    let request = SolveRequest::parse(options).unwrap();
    api::solve(&registry, Box::new(request), None, CancellationToken::new()).await
}

/// Solves so many at once, as the addon does: each call is a task of one thread.
async fn solve_many(base_url: String, count: usize) {
    let registry = registry();
    let mut calls: JoinSet<_> = (0..count).map(|_| solve(Arc::clone(&registry), base_url.clone())).collect();
    in_time(async {
        while let Some(solved) = calls.join_next().await {
            assert_eq!(solved.unwrap().unwrap().provided.token, "0.token");
        }
    })
    .await;
}

async fn serve_http1(mut conn: Conn) {
    while conn.request().await.is_some() {
        conn.reply("", READY).await;
    }
}

#[tokio::test]
async fn over_http1_any_number_of_calls_shares_at_most_64_connections() {
    let plain = Server::start(|_, conn| serve_http1(conn)).await;
    let tls =
        Server::start(|_, conn| async { serve_http1(conn.tls("localhost", &["http/1.1"]).await.unwrap()).await }).await;
    for (base_url, server) in [(plain.http(), &plain), (tls.https(), &tls)] {
        solve_many(base_url, 300).await;
        assert!(server.accepted() <= 64, "{}", server.accepted());
    }
}

/// Ends each connection gracefully after so many streams, as nginx does after a thousand.
async fn serve_http2(conn: Conn, max_streams: usize, ended: Arc<AtomicUsize>) {
    let Some(mut h2) = H2::start(conn.tls("localhost", &["h2"]).await.unwrap()).await else { return };
    for _ in 1..max_streams {
        let Some(stream) = h2.request().await else { return };
        h2.reply(stream, READY).await;
    }
    let Some(last) = h2.request().await else { return };
    ended.fetch_add(1, Ordering::Relaxed);
    h2.go_away(last, NO_ERROR).await;
    h2.reply(last, READY).await;
    h2.closed().await;
}

#[tokio::test]
async fn over_http2_any_number_of_calls_shares_one_connection_for_createtask_and_one_for_polls() {
    let server = Server::start(|_, conn| serve_http2(conn, usize::MAX, Arc::default())).await;
    solve_many(server.https(), 500).await;
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn behind_graceful_ends_there_are_as_many_connections_as_ends_and_a_few() {
    let ended = Arc::<AtomicUsize>::default();
    let server = Server::start({
        let ended = Arc::clone(&ended);
        move |_, conn| serve_http2(conn, 200, Arc::clone(&ended))
    })
    .await;
    solve_many(server.https(), 500).await;
    let (connections, ends) = (server.accepted(), ended.load(Ordering::Relaxed));
    assert!(ends >= 4 && connections <= ends + 4, "{connections} connections, {ends} ends");
}

/// The pool moves the dial of a request that another connection serves to a task of its own, and there it gives up if it
/// has not begun. Without that a connection is opened for every request that ever waited.
#[tokio::test]
async fn a_request_that_another_connection_serves_opens_none() {
    const DIALS: usize = MAX_H1_CREATE_DIALS;
    let (accepted, mut accepts) = mpsc::unbounded_channel();
    let (all_begun, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let server = Server::start({
        let (all_begun, go_on) = (Arc::clone(&all_begun), Arc::clone(&go_on));
        move |number, conn| {
            let (accepted, all_begun, go_on) = (accepted.clone(), Arc::clone(&all_begun), Arc::clone(&go_on));
            async move {
                accepted.send(number).unwrap();
                if number > 1 {
                    // Its handshake takes until all requests have been served by the first connection.
                    go_on.acquire().await.unwrap().forget();
                }
                let mut conn = conn.tls("localhost", &["http/1.1"]).await.unwrap();
                if number == 1 {
                    conn.request().await.unwrap();
                    all_begun.acquire().await.unwrap().forget();
                    conn.reply("", READY).await.unwrap();
                }
                serve_http1(conn).await;
            }
        }
    })
    .await;
    let (transport, account) = (Arc::new(transport()), Arc::new(account(&server.https())));
    let mut requests = JoinSet::new();
    for _ in 0..1 + DIALS + 10 {
        let (transport, account) = (Arc::clone(&transport), Arc::clone(&account));
        requests.spawn(async move { kind(send(&transport, create(&account)).await) });
    }
    // One connection has the first request, the dials of others are under way, and some requests wait for their turns.
    for number in 1..=1 + DIALS {
        assert_eq!(in_time(accepts.recv()).await, Some(number));
    }
    all_begun.add_permits(1);
    while let Some(outcome) = in_time(requests.join_next()).await {
        assert_eq!(outcome.unwrap(), ("reply", true));
    }
    go_on.add_permits(1000);
    // The turns are free again, and none is taken any more.
    for _ in 0..10 {
        assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
    }
    assert_eq!(server.accepted(), 1 + DIALS);
}

#[tokio::test]
async fn a_request_that_is_given_up_while_its_dial_hangs_does_not_hold_up_the_next_one() {
    let (accepted, mut accepts) = mpsc::unbounded_channel();
    let server = Server::start(move |number, mut conn| {
        let accepted = accepted.clone();
        async move {
            accepted.send(number).unwrap();
            match number {
                1 => conn.closed().await,
                _ => serve_http1(conn.tls("localhost", &["http/1.1"]).await.unwrap()).await,
            }
        }
    })
    .await;
    let (transport, account, body_sent) = (transport(), account(&server.https()), BodySent::default());
    in_time(async {
        tokio::select! {
            result = transport.send(create(&account), &body_sent) => panic!("{result:?}"),
            number = accepts.recv() => assert_eq!(number, Some(1)),
        }
    })
    .await;
    assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
    assert_eq!((server.accepted(), body_sent.get()), (2, false));
}

#[tokio::test]
async fn create_task_does_not_wait_behind_polls_without_replies() {
    let server = Server::start(|_, mut conn| async move {
        while let Some((head, _)) = conn.request().await {
            if head.starts_with("POST /createTask ") {
                conn.reply("", READY).await;
            }
        }
    })
    .await;
    let (transport, account) = (Arc::new(transport()), Arc::new(account(&server.http())));
    let mut polls = JoinSet::new();
    for _ in 0..300 {
        let (transport, account) = (Arc::clone(&transport), Arc::clone(&account));
        polls.spawn(async move { kind(send(&transport, poll(&account)).await) });
    }
    assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
    assert!(polls.try_join_next().is_none());
}

#[tokio::test]
async fn a_server_that_keeps_no_connection_serves_all_requests() {
    for header in ["connection: close\r\n", "Connection: x, Close\r\n"] {
        let server = Server::start(move |_, mut conn| async move {
            conn.request().await.unwrap();
            conn.reply(header, READY).await;
        })
        .await;
        solve_many(server.http(), 50).await;
        assert_eq!(server.accepted(), 100);
    }
}

/// Serves requests with the given header lines, and reports when the client closes the connection.
async fn server_that_promises(headers: &'static str) -> (Server, mpsc::UnboundedReceiver<usize>) {
    let (closed, closes) = mpsc::unbounded_channel();
    let server = Server::start(move |number, mut conn| {
        let closed = closed.clone();
        async move {
            while conn.request().await.is_some() {
                conn.reply(headers, READY).await;
            }
            closed.send(number).unwrap();
        }
    })
    .await;
    (server, closes)
}

#[tokio::test]
async fn a_connection_is_kept_no_longer_than_the_server_promises_less_a_margin() {
    for headers in ["keep-alive: timeout=1\r\n", "keep-alive: timeout=0\r\n"] {
        let (server, mut closes) = server_that_promises(headers).await;
        let (transport, account) = (transport(), account(&server.http()));
        for request in [create, poll, create, poll] {
            assert_eq!(kind(send(&transport, request(&account)).await), ("reply", true));
            // Polls would otherwise keep theirs for 90 s.
            in_time(closes.recv()).await.unwrap();
        }
        assert_eq!(server.accepted(), 4);
    }
}

#[tokio::test]
async fn a_connection_with_a_long_promise_or_none_serves_one_request_after_another() {
    for headers in ["", "keep-alive: timeout=3\r\n", "keep-alive: timeout=3600, max=1000\r\n"] {
        let (server, _closes) = server_that_promises(headers).await;
        let (transport, account) = (transport(), account(&server.http()));
        // The first reply makes a client with another setting, if there is to be one.
        for connections in [1, 2, 2, 2] {
            assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
            assert!(server.accepted() <= connections, "{headers}");
        }
    }
}

#[tokio::test]
async fn requests_in_flight_are_not_disturbed_when_a_promise_changes_the_client() {
    let (accepted, mut accepts) = mpsc::unbounded_channel();
    let others_are_served = Arc::new(Semaphore::new(0));
    let server = Server::start({
        let others_are_served = Arc::clone(&others_are_served);
        move |number, mut conn| {
            let (accepted, others_are_served) = (accepted.clone(), Arc::clone(&others_are_served));
            async move {
                conn.request().await.unwrap();
                accepted.send(number).unwrap();
                if number == 1 {
                    others_are_served.acquire().await.unwrap().forget();
                }
                conn.reply("keep-alive: timeout=1\r\n", READY).await.unwrap();
            }
        }
    })
    .await;
    let (transport, account) = (transport(), account(&server.http()));
    let waits = send(&transport, poll(&account));
    let others = async {
        assert_eq!(in_time(accepts.recv()).await, Some(1));
        for _ in 0..3 {
            assert_eq!(kind(send(&transport, poll(&account)).await), ("reply", true));
        }
        others_are_served.add_permits(1);
    };
    let (waited, ()) = tokio::join!(waits, others);
    assert_eq!(kind(waited), ("reply", true));
}

#[tokio::test]
async fn a_request_with_a_connection_of_its_own_gets_a_new_one_and_leaves_none() {
    let (seen, mut heads) = mpsc::unbounded_channel();
    let server = Server::start(move |_, mut conn| {
        let seen = seen.clone();
        async move {
            while let Some((head, _)) = conn.request().await {
                seen.send(header(&head, "connection").map(str::to_owned)).unwrap();
                conn.reply("", READY).await;
            }
        }
    })
    .await;
    let (transport, account) = (transport(), account(&server.http()));
    assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
    for connections in 2..=4 {
        let own = Request { own_connection: true, ..create(&account) };
        assert_eq!(kind(send(&transport, own).await), ("reply", true));
        assert_eq!(server.accepted(), connections);
    }
    let heads: Vec<_> = std::iter::from_fn(|| heads.try_recv().ok()).collect();
    assert_eq!(heads, [None, Some("close".to_owned()), Some("close".to_owned()), Some("close".to_owned())]);
}

#[tokio::test]
async fn over_http2_requests_with_connections_of_their_own_share_one() {
    let server = Server::start(|_, conn| serve_http2(conn, usize::MAX, Arc::default())).await;
    let (transport, account) = (transport(), account(&server.https()));
    for _ in 0..3 {
        let own = Request { own_connection: true, ..create(&account) };
        assert_eq!(kind(send(&transport, own).await), ("reply", true));
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn the_names_of_this_machine_are_its_loopback_addresses_however_they_are_spelt() {
    let (server, _closes) = server_that_promises("").await;
    let port = server.address.port();
    let hosts =
        ["localhost", "LocalHost", "localhost.", "x.localhost", "a.b.LOCALHOST.", "127.0.0.1", "127.1", "0x7f000001"];
    let more = ["2130706433", "127.0.0.1.", "0177.0.0.1", "[::ffff:127.0.0.1]"];
    for (at, host) in hosts.iter().chain(&more).enumerate() {
        let result = send_to(&format!("http://{host}:{port}/")).await;
        assert_eq!((kind(result), server.accepted()), (("reply", true), at + 1), "{host}");
    }
}

#[tokio::test]
async fn what_no_host_needs_any_more_is_dropped() {
    let (server, mut closes) = server_that_promises("").await;
    let (transport, account_of) = (transport(), |port| account(&format!("http://127.0.0.1:{port}/")));
    assert_eq!(kind(send(&transport, poll(&account_of(server.address.port()))).await), ("reply", true));
    let used = transport.host(&account_of(1)).unwrap();
    for port in 2..SWEEP_AT as u16 + 1 {
        transport.host(&account_of(port)).unwrap();
    }
    // Its clients are gone, and with them their connections.
    in_time(closes.recv()).await.unwrap();
    assert!(Arc::ptr_eq(&used, &transport.host(&account_of(1)).unwrap()));
    assert_eq!(lock(&transport.hosts).len(), 2);
}
