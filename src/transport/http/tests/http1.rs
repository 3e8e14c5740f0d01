use std::io::Write;

use tokio::{io::AsyncReadExt, net::TcpListener, sync::mpsc, task::yield_now, time::timeout};

use super::{
    server::{Conn, Server, header},
    *,
};

/// A server that reads a whole request, writes these bytes and closes the connection.
async fn server_that_writes(bytes: impl Into<Vec<u8>>) -> Server {
    let bytes = bytes.into();
    Server::start(move |_, mut conn| {
        let bytes = bytes.clone();
        async move {
            conn.request().await;
            // The client may have closed it by then.
            let _ = conn.write(bytes).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_request_is_json_posted_to_the_path_of_its_method() {
    for (method, path) in [
        (Method::CreateTask, "/api/createTask"),
        (Method::GetTaskResult, "/api/getTaskResult"),
        (Method::GetBalance, "/api/getBalance"),
    ] {
        let (seen, mut requests) = mpsc::unbounded_channel();
        let server = Server::start(move |_, mut conn| {
            let seen = seen.clone();
            async move {
                seen.send(conn.request().await).unwrap();
                conn.reply("retry-after: 7\r\n", REPLY).await;
            }
        })
        .await;
        let account = account(&format!("{}api/", server.http()));
        let (result, body_sent) = send(&transport(), Request { method, ..create(&account) }).await;
        let reply = result.unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (200, REPLY.as_bytes()));
        assert_eq!((reply.retry_after, reply.multiplexed), (Some(Duration::from_secs(7)), false));
        assert!(body_sent);
        let (head, body) = requests.recv().await.unwrap().unwrap();
        assert!(head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{head}");
        assert_eq!(body, BODY);
        assert_eq!(header(&head, "content-type"), Some("application/json"));
        assert_eq!(header(&head, "accept"), Some("application/json"));
        assert_eq!(header(&head, "user-agent"), Some(concat!("turnstile-solver/", env!("CARGO_PKG_VERSION"))));
        assert_eq!(header(&head, "connection"), None);
    }
}

#[tokio::test]
async fn a_refused_connection_is_no_connection_and_names_who_refused() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for scheme in ["http", "https"] {
        let (result, body_sent) = send_to(&format!("{scheme}://{address}/")).await;
        assert_eq!(detail(&result), format!("connection refused by {address}"));
        assert_eq!(kind((result, body_sent)), ("connect", false));
    }
    // The default port is named too.
    let (result, body_sent) = send_to("https://127.0.0.2/").await;
    assert_eq!(detail(&result), "connection refused by 127.0.0.2:443");
    assert_eq!(kind((result, body_sent)), ("connect", false));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_no_connection_and_is_named() {
    // Too long for any name server to be asked.
    let name = format!("{}.test", "a".repeat(64));
    let (result, body_sent) = send_to(&format!("https://{name}/")).await;
    let detail = detail(&result);
    assert!(detail.starts_with(&format!("the name {name} does not resolve")), "{detail}");
    assert_eq!(kind((result, body_sent)), ("connect", false));
}

#[tokio::test]
async fn how_a_connection_ended_before_its_reply_is_said_in_plain_words() {
    let server = server_that_writes("HTTP/1.1 200 OK\r\ncontent-le").await;
    let (result, _) = send_to(&server.http()).await;
    assert_eq!(detail(&result), format!("{} closed the connection before its reply was complete", server.address));

    let server = server_that_writes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
    let (result, _) = send_to(&server.http()).await;
    assert_eq!(detail(&result), format!("{} closed the connection before its reply was complete", server.address));

    let server = server_that_writes("220 mail.example.test ESMTP\r\n").await;
    let (result, _) = send_to(&server.http()).await;
    let said = detail(&result);
    assert!(said.starts_with(&format!("the reply of {} is not HTTP", server.address)), "{said}");

    let server = Server::start(|_, mut conn| async move {
        conn.request().await;
        conn.reset();
    })
    .await;
    let (result, _) = send_to(&server.http()).await;
    assert_eq!(detail(&result), format!("{} reset the connection before its reply was complete", server.address));
}

#[tokio::test]
async fn a_reset_after_the_request_may_have_been_acted_on() {
    let server = Server::start(|_, mut conn| async move {
        conn.request().await;
        conn.reset();
    })
    .await;
    assert_eq!(kind(send_to(&server.http()).await), ("interrupted", true));
}

#[tokio::test]
async fn a_reply_that_ends_early_or_is_no_http_may_have_been_acted_on() {
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-le",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"errorId\":0}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\n{\"errorId\":0}\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\n{\"errorId\":0}\r\n0\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 100\r\n\r\nsorry",
        "220 mail.example.test ESMTP\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
    ] {
        let server = server_that_writes(bytes).await;
        assert_eq!(kind(send_to(&server.http()).await), ("interrupted", true), "{bytes}");
    }
}

#[tokio::test]
async fn a_body_of_1_mib_is_read_and_a_longer_one_is_not() {
    const MIB: usize = 1 << 20;
    let with_length = |status: &str, length: usize| {
        [format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n").as_bytes(), &vec![b' '; length]].concat()
    };
    let chunked = |status: &str, length: usize| {
        let head = format!("HTTP/1.1 {status}\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n");
        [head.as_bytes(), &vec![b' '; length], b"\r\n0\r\n\r\n"].concat()
    };
    let until_the_end =
        |status: &str, length: usize| [format!("HTTP/1.1 {status}\r\n\r\n").as_bytes(), &vec![b' '; length]].concat();
    for bytes_of in [with_length, chunked, until_the_end] {
        let whole = server_that_writes(bytes_of("200 OK", MIB)).await;
        assert_eq!(send_to(&whole.http()).await.0.unwrap().body.len(), MIB);
        let long = server_that_writes(bytes_of("200 OK", MIB + 1)).await;
        let problem = "the reply is larger than 1 MiB".to_owned();
        let (result, body_sent) = send_to(&long.http()).await;
        assert_eq!(result.unwrap_err(), RequestError::Decode { status: 200, problem: problem.clone() });
        assert!(body_sent);
        let failed = server_that_writes(bytes_of("502 Bad Gateway", 2 * MIB)).await;
        let (result, body_sent) = send_to(&failed.http()).await;
        assert_eq!(result.unwrap_err(), RequestError::Http { status: 502, excerpt: problem });
        assert!(body_sent);
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_not_read_to_its_end() {
    let server = Server::start(|_, mut conn| async move {
        conn.request().await;
        conn.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
        while conn.write(format!("1000\r\n{}\r\n", " ".repeat(0x1000))).await.is_ok() {}
    })
    .await;
    assert_eq!(kind(send_to(&server.http()).await), ("decode", true));
}

/// Sends a request that is dropped once the server has sent these bytes, and some of those `without_end`. The connection has
/// to be closed then. Whether the body was sent.
async fn drop_after(bytes: &'static str, without_end: &'static str) -> bool {
    let (step, mut steps) = mpsc::unbounded_channel();
    let server = Server::start(move |_, mut conn| {
        let step = step.clone();
        async move {
            conn.request().await.unwrap();
            conn.write(bytes).await.unwrap();
            if without_end.is_empty() {
                step.send("written").unwrap();
                conn.closed().await;
            }
            for count in 0.. {
                if without_end.is_empty() || conn.write(without_end).await.is_err() {
                    break;
                }
                if count == 10_000 {
                    step.send("written").unwrap();
                }
            }
            step.send("closed").unwrap();
        }
    })
    .await;
    let (transport, account, body_sent) = (transport(), account(&server.http()), BodySent::default());
    in_time(async {
        tokio::select! {
            result = transport.send(create(&account), &body_sent) => panic!("{result:?}"),
            step = steps.recv() => assert_eq!(step, Some("written")),
        }
        assert_eq!(steps.recv().await, Some("closed"));
    })
    .await;
    body_sent.get()
}

#[tokio::test]
async fn a_request_without_a_complete_reply_is_known_to_be_sent_when_its_caller_gives_up() {
    for bytes in
        ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "HTTP/1.1 103 Early Hints\r\n\r\n"]
    {
        assert!(drop_after(bytes, "").await, "{bytes}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = server_that_writes("").await;
    for status in [301, 302, 303, 307, 308] {
        let location = elsewhere.http();
        let server =
            server_that_writes(format!("HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))
                .await;
        let reply = send_to(&server.http()).await.0.unwrap();
        assert_eq!((reply.status, reply.body.len()), (status, 0));
        assert_eq!((server.accepted(), elsewhere.accepted()), (1, 0));
    }
}

#[tokio::test]
async fn interim_responses_before_the_reply_are_passed_over() {
    let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{REPLY}", REPLY.len());
    for interim in ["100 Continue", "102 Processing", "103 Early Hints\r\nlink: </style.css>"] {
        let server =
            server_that_writes(format!("HTTP/1.1 {interim}\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n{reply}")).await;
        let reply = send_to(&server.http()).await.0.unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (200, REPLY.as_bytes()));
    }
}

#[tokio::test]
async fn interim_responses_without_end_last_until_the_caller_gives_up() {
    assert!(drop_after("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n").await);
}

#[tokio::test]
async fn a_switch_to_another_protocol_is_passed_on_as_the_status_it_is() {
    let server =
        server_that_writes("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")
            .await;
    let reply = send_to(&server.http()).await.0.unwrap();
    assert_eq!((reply.status, reply.body.len()), (101, 0));
}

/// The server's patience with an idle connection ends just as a request goes out: the end of the connection has arrived, and
/// the client has not looked yet.
#[tokio::test]
async fn a_request_that_meets_the_end_of_its_connection_unsent_goes_out_whole_over_another() {
    let (idle, mut idle_conns) = mpsc::unbounded_channel::<Conn>();
    let (received, mut bodies) = mpsc::unbounded_channel();
    let server = Server::start(move |_, mut conn| {
        let (idle, received) = (idle.clone(), received.clone());
        async move {
            received.send(conn.request().await.unwrap().1).unwrap();
            conn.reply("", REPLY).await.unwrap();
            idle.send(conn).unwrap();
        }
    })
    .await;
    let (transport, account) = (transport(), account(&server.http()));
    assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
    let conn = idle_conns.recv().await.unwrap();
    // A signal that arrives together with the end of the connection wakes this task before the client's.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut signal = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut signalled, _) = listener.accept().await.unwrap();
    // Its next read waits for the system, as the client's read of its idle connection does.
    assert!(signalled.try_read(&mut [0]).is_err());
    drop(conn);
    signal.write_all(b"!").unwrap();
    in_time(signalled.read_u8()).await.unwrap();

    assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
    assert_eq!(server.accepted(), 2);
    assert_eq!([bodies.recv().await.unwrap(), bodies.recv().await.unwrap()], [BODY, BODY]);
}

/// Whatever the moment at which a server closes a connection that was idle.
#[tokio::test]
async fn a_request_that_meets_a_closing_connection_is_received_once_and_whole_or_counts_as_sent() {
    for round in 0..100 {
        let (received, mut bodies) = mpsc::unbounded_channel();
        let server = Server::start(move |number, mut conn| {
            let received = received.clone();
            async move {
                received.send(conn.request().await.unwrap().1).unwrap();
                conn.reply("", REPLY).await;
                if number > 1 {
                    conn.closed().await;
                }
                for _ in 0..round % 10 {
                    yield_now().await;
                }
                if let Ok(Some((_, body))) = timeout(Duration::ZERO, conn.request()).await {
                    received.send(body).unwrap();
                }
            }
        })
        .await;
        let (transport, account) = (transport(), account(&server.http()));
        assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
        for _ in 0..round / 10 {
            yield_now().await;
        }
        let (result, body_sent) = kind(send(&transport, create(&account)).await);
        let bodies: Vec<_> = std::iter::from_fn(|| bodies.try_recv().ok()).collect();
        assert!(bodies.iter().all(|body| body == BODY), "{bodies:?}");
        match (result, body_sent) {
            ("reply", true) => assert_eq!(bodies.len(), 2),
            ("interrupted", true) => assert!(bodies.len() <= 2),
            ("interrupted", false) => assert_eq!(bodies.len(), 1),
            other => panic!("{other:?}"),
        }
    }
}
