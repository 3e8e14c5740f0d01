//! Replies that are read although they are not as they should be: what surrounds a token must not cost it.

use super::{
    server::{Server, header},
    *,
};

const GZIP: &str = "1f8b0800000000000003ab564a2d2aca2ff24c51b232d0512a492cce0631950c9574948a4b124b4a8b95ac940a8af293538b8b33f3d2\
                    956a012cddc12130000000";
const ZLIB: &str =
    "789cab564a2d2aca2ff24c51b232d0512a492cce0631950c9574948a4b124b4a8b95ac940a8af293538b8b33f3d2956a0177360fcc";
const DEFLATE: &str = "ab564a2d2aca2ff24c51b232d0512a492cce0631950c9574948a4b124b4a8b95ac940a8af293538b8b33f3d2956a01";
const BROTLI: &str =
    "1b2f00409c0776ac78085d105de547a8f4166181d95b3164a5d3572249b00107ec01b6e8b4d115f0146693533bcb248a80c3a6";
/// 50 000 000 spaces begin so.
const BROTLI_BOMB: &str =
    "cbffff3ff82540e2b14020f7fe8fffff7ff04b00c4611180eefd1fffffffe0970088c30200ddfb3ffeffffc12f01108705";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The reply to a createTask that is answered with these header lines, and a body whose length is stated.
async fn reply_with(headers: &str, body: &[u8]) -> Result<Reply, RequestError> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len());
    let bytes = [head.as_bytes(), body].concat();
    let server = Server::start(move |_, mut conn| {
        let bytes = bytes.clone();
        async move {
            conn.request().await;
            let _ = conn.write(bytes).await;
            conn.closed().await;
        }
    })
    .await;
    send_to(&server.http()).await.0
}

async fn body_of(headers: &str, body: &[u8]) -> String {
    let reply = reply_with(headers, body).await;
    String::from_utf8(reply.unwrap_or_else(|error| panic!("{headers}: {error}")).body).unwrap()
}

#[tokio::test]
async fn odd_header_lines_cost_no_reply() {
    let many = "x-more: 1\r\n".repeat(400);
    for line in [
        "x-folded: a\r\n b\r\n",
        "x-folded: a\r\n\tb\r\n\tc\r\n",
        "X-Space : 1\r\n",
        "X-Tab\t: 1\r\n",
        "PHP Warning in /srv/index.php\r\n",
        "PHP Warning:  in /srv/index.php on line 3\r\n",
        ": empty name\r\n",
        "x@y(z): 1\r\n",
        "x-control: a\u{1}b\r\n",
        "x-\u{e9}: 1\r\n",
        "x-utf8: \u{6f22}\r\n",
        "x-nothing:\r\n",
        many.as_str(),
    ] {
        let reply = reply_with(&format!("retry-after: 7\r\n{line}"), REPLY.as_bytes()).await;
        let reply = reply.unwrap_or_else(|error| panic!("{line:?}: {error}"));
        assert_eq!(
            (reply.body.as_slice(), reply.retry_after),
            (REPLY.as_bytes(), Some(Duration::from_secs(7))),
            "{line:?}"
        );
    }
}

/// What is not HTTP by any reading.
#[tokio::test]
async fn header_lines_that_would_say_two_things_are_not_read() {
    for line in ["x-nul: a\0b\r\n", "x-return: a\rb\r\n", "content-length: 3\r\n"] {
        let result = reply_with(line, REPLY.as_bytes()).await;
        assert_eq!(kind((result, true)), ("interrupted", true), "{line:?}");
    }
}

#[tokio::test]
async fn header_lines_without_an_end_are_not_read_to_their_end() {
    let server = Server::start(|_, mut conn| async move {
        conn.request().await;
        conn.write("HTTP/1.1 200 OK\r\n").await.unwrap();
        while conn.write("x-more: and more and more and more\r\n").await.is_ok() {}
    })
    .await;
    assert_eq!(kind(send_to(&server.http()).await), ("interrupted", true));
}

#[tokio::test]
async fn no_compression_is_asked_for() {
    let server = Server::start(|_, mut conn| async move {
        let (head, _) = conn.request().await.unwrap();
        assert_eq!(header(&head, "accept-encoding"), Some("identity"));
        conn.reply("", REPLY).await;
    })
    .await;
    assert_eq!(kind(send_to(&server.http()).await), ("reply", true));
}

#[tokio::test]
async fn a_reply_that_is_compressed_all_the_same_is_decoded() {
    for (headers, hex) in [
        ("content-encoding: gzip\r\n", GZIP),
        ("Content-Encoding: X-GZip\r\n", GZIP),
        ("", GZIP),
        ("content-encoding: deflate\r\n", ZLIB),
        ("content-encoding: deflate\r\n", DEFLATE),
        ("content-encoding: br\r\n", BROTLI),
        ("content-encoding: identity, br\r\n", BROTLI),
    ] {
        assert_eq!(body_of(headers, &bytes(hex)).await, REPLY, "{headers}");
    }
    let twice = gzip(&bytes(BROTLI));
    assert_eq!(body_of("content-encoding: br, gzip\r\n", &twice).await, REPLY);
    assert_eq!(body_of("content-encoding: br\r\ncontent-encoding: gzip\r\n", &twice).await, REPLY);
}

#[tokio::test]
async fn a_reply_that_only_says_it_is_compressed_is_read_as_it_is() {
    for encoding in ["gzip", "deflate", "br", "identity", "utf-8", "", "gzip, br"] {
        let headers = format!("content-encoding: {encoding}\r\n");
        assert_eq!(body_of(&headers, REPLY.as_bytes()).await, REPLY, "{encoding}");
    }
}

#[tokio::test]
async fn a_compressed_reply_whose_end_is_missing_is_read_as_far_as_it_goes() {
    let whole = bytes(GZIP);
    // The check value and the length at the end are not needed.
    assert_eq!(body_of("content-encoding: gzip\r\n", &whole[..whole.len() - 8]).await, REPLY);
    let part = body_of("content-encoding: gzip\r\n", &whole[..whole.len() - 20]).await;
    assert!(REPLY.starts_with(&part) && part.len() < REPLY.len(), "{part}");
}

#[tokio::test]
async fn a_compressed_reply_is_decoded_to_1_mib_and_no_further() {
    const MIB: usize = 1 << 20;
    let whole = reply_with("content-encoding: gzip\r\n", &gzip(&vec![b' '; MIB])).await;
    assert_eq!(whole.unwrap().body.len(), MIB);
    for (headers, body) in [
        ("content-encoding: gzip\r\n", gzip(&vec![b' '; MIB + 1])),
        ("content-encoding: gzip\r\n", gzip(&vec![b' '; 50 * MIB])),
        ("content-encoding: gzip, gzip, gzip\r\n", gzip(&gzip(&gzip(&vec![b' '; 50 * MIB])))),
        ("content-encoding: deflate\r\n", miniz_oxide::deflate::compress_to_vec(&vec![b' '; 2 * MIB], 1)),
        ("content-encoding: br\r\n", bytes(BROTLI_BOMB)),
    ] {
        let problem = "the reply is larger than 1 MiB".to_owned();
        let error = reply_with(headers, &body).await.unwrap_err();
        assert_eq!(error, RequestError::Decode { status: 200, problem }, "{headers}");
    }
    let many = "gzip, ".repeat(100);
    let reply = reply_with(&format!("content-encoding: {many}\r\n"), REPLY.as_bytes()).await;
    assert_eq!(reply.unwrap().body, REPLY.as_bytes(), "a hundred encodings are no work");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let head = [0x1f, 0x8b, 8, 0b1000, 0, 0, 0, 0, 0, 3, b'a', 0];
    [&head[..], &miniz_oxide::deflate::compress_to_vec(bytes, 6), &[0; 8]].concat()
}

#[tokio::test]
async fn a_body_that_lasts_to_the_end_of_the_connection_is_complete_without_the_end_of_tls() {
    for (reply, complete) in [
        (format!("HTTP/1.1 200 OK\r\n\r\n{REPLY}"), true),
        (format!("HTTP/1.0 200 OK\r\n\r\n{REPLY}"), true),
        (format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n30\r\n{REPLY}\r\n0\r\n\r\n"), true),
        // Of these the end is missing.
        (format!("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{REPLY}"), false),
        (format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n30\r\n{REPLY}\r\n"), false),
        ("HTTP/1.1 200 OK\r\ncontent-le".to_owned(), false),
    ] {
        let bytes = reply.clone();
        let server = Server::start(move |_, conn| {
            let bytes = bytes.clone();
            async move {
                let mut conn = conn.tls("localhost", &["http/1.1"]).await.unwrap();
                conn.request().await.unwrap();
                conn.write(bytes).await.unwrap();
                // Closes without close_notify.
            }
        })
        .await;
        let (result, _) = send_to(&server.https()).await;
        match complete {
            true => assert_eq!(result.unwrap().body, REPLY.as_bytes(), "{reply}"),
            false => assert_eq!(kind((result, true)), ("interrupted", true), "{reply}"),
        }
    }
}
