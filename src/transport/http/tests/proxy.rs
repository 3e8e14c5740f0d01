use tokio::sync::mpsc;

use super::{
    server::{Conn, Server, header},
    *,
};

const PROVIDER: &str = "https://api.example.test/";

fn transport_with(proxy: String, no_proxy: &str) -> HttpTransport {
    let proxy = Ok(Some(Proxy::parse(&proxy).unwrap()));
    HttpTransport::new(NetworkConfig { proxy, no_proxy: no_proxy.into(), ..config() })
}

/// A createTask to the provider through this proxy.
async fn send_through(proxy: &Server) -> (Result<Reply, RequestError>, bool) {
    send(&transport_with(proxy.http(), ""), create(&account(PROVIDER))).await
}

/// A proxy that answers every CONNECT with these bytes and then closes the connection.
async fn proxy_that_answers(bytes: &'static str) -> Server {
    Server::start(move |_, mut conn| async move {
        conn.head().await.unwrap();
        conn.write(bytes).await.unwrap();
    })
    .await
}

async fn tunnel(mut conn: Conn) -> (String, Conn) {
    let head = conn.head().await.unwrap();
    conn.write("HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
    (head, conn)
}

#[tokio::test]
async fn a_provider_is_reached_through_a_tunnel() {
    let (seen, mut heads) = mpsc::unbounded_channel();
    let proxy = Server::start(move |_, conn| {
        let seen = seen.clone();
        async move {
            let (head, conn) = tunnel(conn).await;
            seen.send(head).unwrap();
            let mut conn = conn.tls("provider", &["http/1.1"]).await.unwrap();
            while let Some((_, body)) = conn.request().await {
                assert_eq!(body, BODY);
                conn.reply("", REPLY).await.unwrap();
            }
        }
    })
    .await;
    let url = proxy.http().replace("http://", "http://user:password@");
    let transport = transport_with(url, "");
    for _ in 0..2 {
        assert_eq!(kind(send(&transport, create(&account(PROVIDER))).await), ("reply", true));
    }
    let head = heads.recv().await.unwrap();
    assert!(head.starts_with("CONNECT api.example.test:443 HTTP/1.1\r\n"), "{head}");
    assert_eq!(header(&head, "proxy-authorization"), Some("Basic dXNlcjpwYXNzd29yZA=="));
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test]
async fn through_a_proxy_that_refuses_nothing_is_sent_and_its_answer_is_named() {
    for (answer, words) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "answered with status 403"),
        ("HTTP/1.0 403\r\n\r\n", "answered with status 403"),
        ("HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n", "answered with status 407"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 2\r\n\r\nno", "answered with status 502"),
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", "answered with status 503"),
        ("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n", "answered with status 302"),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 504 Gateway Timeout\r\n\r\n", "answered with status 504"),
        ("HTTP/1.1 200", "closed the connection before its answer was complete"),
        ("", "closed the connection before its answer was complete"),
        ("SSH-2.0-OpenSSH_9.9\r\n\r\n", "did not answer in HTTP"),
        ("HTTP/1.1 20 Hm\r\n\r\n", "did not answer in HTTP"),
    ] {
        let proxy = proxy_that_answers(answer).await;
        let (result, body_sent) = send_through(&proxy).await;
        let said = detail(&result);
        assert!(said.starts_with(&format!("the proxy {} {words}", proxy.address)), "{answer}: {said}");
        assert!(said.contains("api.example.test:443"), "{said}");
        assert_eq!(kind((result, body_sent)), ("connect", false), "{answer}");
        assert_eq!(proxy.accepted(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_head_of_a_proxy_without_an_end_is_not_read_to_its_end() {
    let proxy = Server::start(|_, mut conn| async move {
        conn.head().await.unwrap();
        conn.write("HTTP/1.1 200 OK\r\n").await.unwrap();
        while conn.write("x-more: and more and more and more\r\n").await.is_ok() {}
    })
    .await;
    let (result, body_sent) = send_through(&proxy).await;
    assert!(detail(&result).contains("did not answer in HTTP"), "{result:?}");
    assert_eq!(kind((result, body_sent)), ("connect", false));
}

#[tokio::test]
async fn where_tls_does_not_come_about_through_a_proxy_nothing_is_sent() {
    for then in ["", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let proxy = Server::start(move |_, mut conn| async move {
            conn.head().await.unwrap();
            conn.write("HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            conn.read(1).await.unwrap();
            conn.write(then).await.unwrap();
        })
        .await;
        let (result, body_sent) = send_through(&proxy).await;
        let said = detail(&result);
        assert!(said.contains("api.example.test:443") && said.contains(&proxy.address.to_string()), "{said}");
        assert_eq!(kind((result, body_sent)), ("connect", false), "{then}");
    }
}

#[tokio::test]
async fn the_credentials_of_a_proxy_are_in_no_error() {
    let proxy = proxy_that_answers("HTTP/1.1 407 user:secret-0123 dXNlcjpzZWNyZXQtMDEyMw==\r\n\r\n").await;
    let url = proxy.http().replace("http://", "http://user:secret-0123@");
    let (result, _) = send(&transport_with(url, ""), create(&account(PROVIDER))).await;
    let said = format!("{result:?}");
    assert!(!said.contains("secret") && !said.contains("dXNl") && !said.contains("user"), "{said}");
}

#[tokio::test]
async fn any_status_of_success_opens_the_tunnel() {
    for status in ["200 OK", "201 Created", "299 Fine\r\ncontent-length: 5"] {
        let proxy = Server::start(move |_, mut conn| async move {
            conn.head().await.unwrap();
            conn.write(format!("HTTP/1.1 {status}\r\n\r\n")).await.unwrap();
            let mut conn = conn.tls("provider", &["http/1.1"]).await.unwrap();
            conn.request().await.unwrap();
            conn.reply("", REPLY).await.unwrap();
        })
        .await;
        assert_eq!(kind(send_through(&proxy).await), ("reply", true), "{status}");
    }
}

#[tokio::test]
async fn a_proxy_in_place_of_the_provider_gets_nothing() {
    let proxy = Server::start(|_, conn| async move {
        let (_, conn) = tunnel(conn).await;
        assert!(conn.tls("localhost", &["http/1.1"]).await.is_err());
    })
    .await;
    assert_eq!(kind(send_through(&proxy).await), ("certificate", false));
}

#[tokio::test]
async fn a_request_whose_proxy_hangs_is_not_sent_when_its_caller_gives_up() {
    let (asked, mut asked_for) = mpsc::unbounded_channel();
    let proxy = Server::start(move |_, mut conn| {
        let asked = asked.clone();
        async move {
            asked.send(conn.head().await.unwrap()).unwrap();
            conn.closed().await;
        }
    })
    .await;
    let (transport, account, body_sent) = (transport_with(proxy.http(), ""), account(PROVIDER), BodySent::default());
    in_time(async {
        tokio::select! {
            result = transport.send(create(&account), &body_sent) => panic!("{result:?}"),
            head = asked_for.recv() => assert!(head.is_some()),
        }
    })
    .await;
    assert!(!body_sent.get());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_no_connection() {
    for url in ["http://127.0.0.1:1", "https://user:secret@127.0.0.1:1/"] {
        let (result, body_sent) = send(&transport_with(url.into(), ""), create(&account(PROVIDER))).await;
        assert_eq!(detail(&result), "connection refused by the proxy 127.0.0.1:1");
        assert_eq!(kind((result, body_sent)), ("connect", false));
    }
}

#[tokio::test]
async fn a_setting_that_cannot_work_ends_every_request_that_would_go_through_the_proxy() {
    let server = Server::start(|_, mut conn| async move {
        conn.request().await.unwrap();
        conn.reply("", REPLY).await;
    })
    .await;
    let detail = "the environment variable HTTPS_PROXY names no usable proxy: it has no host".to_owned();
    let transport = |no_proxy: &str| {
        HttpTransport::new(NetworkConfig { proxy: Err(detail.clone()), no_proxy: no_proxy.into(), ..config() })
    };
    for request in [create(&account(PROVIDER)), poll(&account(PROVIDER))] {
        let (result, body_sent) = send(&transport(""), request).await;
        assert_eq!((result.unwrap_err(), body_sent), (RequestError::Configuration { detail: detail.clone() }, false));
    }
    // What does not go through a proxy anyway is reached.
    assert_eq!(kind(send(&transport(""), create(&account(&server.http()))).await), ("reply", true));
    let name = format!("https://{}.test/", "a".repeat(64));
    assert_eq!(kind(send(&transport("*"), create(&account(&name))).await), ("connect", false));
}

#[tokio::test]
async fn what_no_proxy_names_is_reached_directly() {
    let proxy = proxy_that_answers("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    // Too long for any name server to be asked.
    let (name, provider) = ("a".repeat(64), format!("https://{}.test/", "a".repeat(64)));
    for (no_proxy, through_the_proxy) in [("other.test", 1), (&format!("{name}.test"), 1), ("*.test:8443", 2), ("*", 2)]
    {
        let transport = transport_with(proxy.http(), no_proxy);
        assert_eq!(kind(send(&transport, create(&account(&provider))).await), ("connect", false));
        assert_eq!(proxy.accepted(), through_the_proxy, "{no_proxy}");
    }
}

#[tokio::test]
async fn what_goes_to_this_machine_never_goes_through_a_proxy() {
    let proxy = proxy_that_answers("HTTP/1.1 403 Forbidden\r\n\r\n").await;
    let server = Server::start(|_, mut conn| async move {
        conn.request().await.unwrap();
        conn.reply("", REPLY).await;
    })
    .await;
    let transport = transport_with(proxy.http(), "");
    let port = server.address.port();
    for url in [server.http(), format!("http://localhost:{port}/")] {
        assert_eq!(kind(send(&transport, create(&account(&url))).await), ("reply", true));
    }
    assert_eq!((server.accepted(), proxy.accepted()), (2, 0));
}
