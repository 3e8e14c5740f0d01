use tokio::sync::mpsc;

use super::{
    h2::{CANCEL, ENHANCE_YOUR_CALM, H2, INTERNAL_ERROR, NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM},
    server::Server,
    *,
};

/// What the server does with the first request of its first connection, once that request has come whole.
#[derive(Clone, Copy, Debug)]
enum Then {
    Reply,
    Close,
    Reset(u32),
    /// After status 200.
    ResetAfterHead(u32),
    /// The last stream that the server has processed, and the code. It replies to none.
    GoAway(u32, u32),
    GoAwayAfterHead(u32, u32),
    /// Twice: first without a limit, as servers announce it.
    GoAwayInTwoSteps(u32),
    /// And replies, since it has processed the request.
    GoAwayAndReply,
}

async fn server(then: Then) -> Server {
    Server::start(move |_, conn| async move {
        let mut h2 = H2::start(conn.tls("localhost", &["h2", "http/1.1"]).await.unwrap()).await.unwrap();
        let stream = h2.request().await.unwrap();
        assert_eq!(stream, 1);
        let done = match then {
            Then::Reply => h2.reply(stream, REPLY).await,
            Then::Close => return,
            Then::Reset(code) => h2.reset(stream, code).await,
            Then::ResetAfterHead(code) => {
                h2.reply_head(stream, REPLY.len()).await.unwrap();
                h2.reset(stream, code).await
            }
            Then::GoAway(last, code) => {
                h2.go_away(last, code).await.unwrap();
                // What it has processed gets no reply either.
                if last > 0 {
                    return;
                }
                Some(())
            }
            Then::GoAwayAfterHead(last, code) => {
                h2.reply_head(stream, REPLY.len()).await.unwrap();
                h2.go_away(last, code).await
            }
            Then::GoAwayInTwoSteps(code) => {
                h2.go_away(u32::MAX >> 1, code).await.unwrap();
                h2.go_away(0, code).await
            }
            Then::GoAwayAndReply => {
                h2.go_away(stream, NO_ERROR).await.unwrap();
                h2.reply(stream, REPLY).await
            }
        };
        done.unwrap();
        h2.closed().await;
    })
    .await
}

#[tokio::test]
async fn a_reply_over_http2_says_so() {
    let server = server(Then::Reply).await;
    let reply = send_to(&server.https()).await.0.unwrap();
    assert_eq!((reply.status, reply.body.as_slice(), reply.multiplexed), (200, REPLY.as_bytes(), true));
}

#[tokio::test]
async fn only_what_http2_declares_unprocessed_is_taken_for_that() {
    for (then, kind_of_result) in [
        (Then::Reset(REFUSED_STREAM), "not processed"),
        (Then::GoAway(0, NO_ERROR), "not processed"),
        (Then::GoAwayInTwoSteps(NO_ERROR), "not processed"),
        (Then::GoAwayAndReply, "reply"),
        (Then::Close, "interrupted"),
        (Then::Reset(NO_ERROR), "interrupted"),
        (Then::Reset(PROTOCOL_ERROR), "interrupted"),
        (Then::Reset(INTERNAL_ERROR), "interrupted"),
        (Then::Reset(CANCEL), "interrupted"),
        (Then::Reset(ENHANCE_YOUR_CALM), "interrupted"),
        (Then::GoAway(1, NO_ERROR), "interrupted"),
        (Then::GoAway(0, ENHANCE_YOUR_CALM), "interrupted"),
        (Then::GoAway(0, REFUSED_STREAM), "interrupted"),
        (Then::GoAway(1, INTERNAL_ERROR), "interrupted"),
        (Then::GoAwayInTwoSteps(INTERNAL_ERROR), "interrupted"),
        (Then::ResetAfterHead(REFUSED_STREAM), "interrupted"),
        (Then::ResetAfterHead(CANCEL), "interrupted"),
        (Then::ResetAfterHead(NO_ERROR), "interrupted"),
        (Then::GoAwayAfterHead(0, ENHANCE_YOUR_CALM), "interrupted"),
        (Then::GoAwayAfterHead(0, NO_ERROR), "interrupted"),
    ] {
        let server = server(then).await;
        assert_eq!(kind(send_to(&server.https()).await), (kind_of_result, true), "{then:?}");
        // The transport itself sends nothing twice.
        assert_eq!(server.accepted(), 1, "{then:?}");
    }
}

#[tokio::test]
async fn after_a_graceful_end_the_next_request_goes_over_a_new_connection() {
    let server = server(Then::GoAwayAndReply).await;
    let (transport, account) = (transport(), account(&server.https()));
    for connections in 1..=3 {
        assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
        assert_eq!(server.accepted(), connections);
    }
}

#[tokio::test]
async fn a_request_that_waits_for_a_stream_is_not_sent_yet() {
    let (step, mut steps) = mpsc::unbounded_channel();
    let server = Server::start(move |_, conn| {
        let step = step.clone();
        async move {
            let conn = conn.tls("localhost", &["h2"]).await.unwrap();
            let mut h2 = H2::start_with_max_streams(conn, 1).await.unwrap();
            loop {
                let Some(stream) = h2.request().await else { return };
                step.send(stream).unwrap();
                if stream == 1 {
                    h2.reply(stream, REPLY).await.unwrap();
                }
            }
        }
    })
    .await;
    let (transport, account) = (transport(), account(&server.https()));
    assert_eq!(kind(send(&transport, create(&account)).await), ("reply", true));
    assert_eq!(steps.recv().await, Some(1));
    let (taken, waits) = (BodySent::default(), BodySent::default());
    in_time(async {
        tokio::select! {
            biased;
            result = transport.send(create(&account), &taken) => panic!("{result:?}"),
            result = transport.send(create(&account), &waits) => panic!("{result:?}"),
            // The stream of the one; the other has none.
            stream = steps.recv() => assert_eq!(stream, Some(3)),
        }
    })
    .await;
    assert_eq!((taken.get(), waits.get()), (true, false));
}
