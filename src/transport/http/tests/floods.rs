//! What a server sends over HTTP/2 that was not asked for ends with the calls on its connection.

use std::sync::Mutex;

use tokio::sync::mpsc;

use super::{h2::H2, server::Server, *};

/// Sends pings without an end, and reports when the client has closed the connection.
async fn flood(h2: &mut H2, closed: &mpsc::UnboundedSender<&'static str>) {
    while h2.ping().await.is_some() {}
    closed.send("closed").unwrap();
}

#[tokio::test]
async fn a_flood_in_place_of_a_reply_ends_with_its_call() {
    let (step, mut steps) = mpsc::unbounded_channel();
    let server = Server::start(move |_, conn| {
        let step = step.clone();
        async move {
            let mut h2 = H2::start(conn.tls("localhost", &["h2"]).await.unwrap()).await.unwrap();
            h2.request().await.unwrap();
            step.send("begun").unwrap();
            flood(&mut h2, &step).await;
        }
    })
    .await;
    let (transport, account, body_sent) = (transport(), account(&server.https()), BodySent::default());
    in_time(async {
        tokio::select! {
            result = transport.send(poll(&account), &body_sent) => panic!("{result:?}"),
            step = steps.recv() => assert_eq!(step, Some("begun")),
        }
        assert_eq!(steps.recv().await, Some("closed"));
    })
    .await;
}

#[tokio::test]
async fn a_flood_after_a_reply_ends() {
    let (closed, mut closes) = mpsc::unbounded_channel();
    let server = Server::start(move |_, conn| {
        let closed = closed.clone();
        async move {
            let mut h2 = H2::start(conn.tls("localhost", &["h2"]).await.unwrap()).await.unwrap();
            let stream = h2.request().await.unwrap();
            h2.reply(stream, REPLY).await.unwrap();
            flood(&mut h2, &closed).await;
        }
    })
    .await;
    let (transport, account) = (transport(), account(&server.https()));
    assert_eq!(kind(send(&transport, poll(&account)).await), ("reply", true));
    assert_eq!(in_time(closes.recv()).await, Some("closed"));
}

#[tokio::test]
async fn some_pings_do_not_end_a_connection() {
    let server = Server::start(|_, conn| async move {
        let mut h2 = H2::start(conn.tls("localhost", &["h2"]).await.unwrap()).await.unwrap();
        while let Some(stream) = h2.request().await {
            h2.reply(stream, REPLY).await.unwrap();
            for _ in 0..100 {
                h2.ping().await.unwrap();
            }
        }
    })
    .await;
    let (transport, account) = (transport(), account(&server.https()));
    for _ in 0..20 {
        assert_eq!(kind(send(&transport, poll(&account)).await), ("reply", true));
    }
    assert_eq!(server.accepted(), 1);
}

/// The connection may be dead, so it gets no other request; what is under way on it is not disturbed.
#[tokio::test]
async fn a_connection_with_a_request_that_was_given_up_serves_those_under_way_and_no_others() {
    let (step, mut steps) = mpsc::unbounded_channel();
    let (go_on, may_go_on) = tokio::sync::oneshot::channel::<()>();
    let may_go_on = Mutex::new(Some(may_go_on));
    let server = Server::start(move |number, conn| {
        let (step, may_go_on) = (step.clone(), lock(&may_go_on).take());
        async move {
            let mut h2 = H2::start(conn.tls("localhost", &["h2"]).await.unwrap()).await.unwrap();
            let first = h2.request().await.unwrap();
            if number == 1 {
                step.send("first").unwrap();
                h2.request().await.unwrap();
                step.send("second").unwrap();
                may_go_on.unwrap().await.unwrap();
            }
            h2.reply(first, REPLY).await.unwrap();
            h2.closed().await;
            step.send("closed").unwrap();
        }
    })
    .await;
    let (transport, account, given_up) = (transport(), account(&server.https()), BodySent::default());
    let under_way = send(&transport, poll(&account));
    let others = async {
        in_time(async {
            assert_eq!(steps.recv().await, Some("first"));
            tokio::select! {
                result = transport.send(poll(&account), &given_up) => panic!("{result:?}"),
                step = steps.recv() => assert_eq!(step, Some("second")),
            }
        })
        .await;
        assert_eq!(kind(send(&transport, poll(&account)).await), ("reply", true));
        assert_eq!(server.accepted(), 2);
        go_on.send(()).unwrap();
    };
    let (result, ()) = tokio::join!(under_way, others);
    assert_eq!((kind(result), given_up.get()), (("reply", true), true));
    // And then it is closed.
    assert_eq!(in_time(steps.recv()).await, Some("closed"));
}
