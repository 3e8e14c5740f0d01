use super::{
    server::{self, Server},
    *,
};

async fn server(certificate: &'static str, protocols: &'static [&'static str]) -> Server {
    Server::start(move |_, conn| async move {
        // The client refuses some.
        let Ok(mut conn) = conn.tls(certificate, protocols).await else { return };
        if conn.request().await.is_some() {
            conn.reply("", REPLY).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_server_with_a_trusted_certificate_is_served_over_the_protocol_that_it_speaks() {
    for protocols in [&["http/1.1"][..], &[], &["spdy/1", "http/1.1"]] {
        let server = server("localhost", protocols).await;
        let reply = send_to(&server.https()).await.0.unwrap();
        assert_eq!((reply.status, reply.multiplexed), (200, false), "{protocols:?}");
    }
}

#[tokio::test]
async fn to_a_server_with_another_certificate_nothing_is_sent_and_what_is_wrong_with_it_is_said() {
    for (certificate, problem) in
        [("expired", "has expired"), ("wrong-host", "is not valid for the name 127.0.0.1, but for elsewhere.test")]
    {
        let server = server(certificate, &["http/1.1"]).await;
        let (result, body_sent) = send_to(&server.https()).await;
        assert_eq!(detail(&result), format!("the certificate of {} {problem}", server.address));
        assert_eq!(kind((result, body_sent)), ("certificate", false));
    }
    let server = server("localhost", &["http/1.1"]).await;
    let untrusting = HttpTransport::new(NetworkConfig {
        tls: tls::client_config_with(tls::Trust { roots: rustls::RootCertStore::empty(), servers: Vec::new() })
            .unwrap(),
        ..config()
    });
    let (result, body_sent) = send(&untrusting, create(&account(&server.https()))).await;
    let problem = "was issued by an authority that is not trusted (UnknownIssuer)";
    assert_eq!(detail(&result), format!("the certificate of {} {problem}", server.address));
    assert_eq!(kind((result, body_sent)), ("certificate", false));
}

#[tokio::test]
async fn where_tls_does_not_come_about_nothing_is_sent_and_why_is_said() {
    // Each gets the client's first message and then…
    let closes = Server::start(|_, mut conn| async move {
        conn.read(1).await.unwrap();
        conn.end().await;
    });
    let resets = Server::start(|_, mut conn| async move {
        conn.read(1).await.unwrap();
        conn.reset();
    });
    let speaks_http = Server::start(|_, mut conn| async move {
        conn.read(1).await.unwrap();
        conn.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        conn.closed().await;
    });
    let speaks_another_protocol = server("localhost", &["spdy/1"]);
    for (server, problem) in [
        (closes.await, "{} closed the connection during the TLS handshake"),
        (resets.await, "{} reset the connection during the TLS handshake"),
        (speaks_http.await, "{} does not speak TLS"),
        (speaks_another_protocol.await, "{} refused the TLS handshake: no protocol in common"),
    ] {
        let (result, body_sent) = send_to(&server.https()).await;
        assert_eq!(detail(&result), problem.replace("{}", &server.address.to_string()));
        assert_eq!(kind((result, body_sent)), ("connect", false));
    }
}

#[tokio::test]
async fn a_request_whose_handshake_hangs_is_not_sent_when_its_caller_gives_up() {
    let (step, mut steps) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::start(move |_, mut conn| {
        let step = step.clone();
        async move {
            conn.read(1).await.unwrap();
            step.send("begun").unwrap();
            conn.closed().await;
            step.send("closed").unwrap();
        }
    })
    .await;
    let (transport, account, body_sent) = (transport(), account(&server.https()), BodySent::default());
    in_time(async {
        tokio::select! {
            result = transport.send(create(&account), &body_sent) => panic!("{result:?}"),
            step = steps.recv() => assert_eq!(step, Some("begun")),
        }
        assert_eq!(steps.recv().await, Some("closed"));
    })
    .await;
    assert!(!body_sent.get());
}

#[tokio::test]
async fn a_complete_body_is_complete_without_the_end_of_tls() {
    let server = Server::start(|_, conn| async move {
        let mut conn = conn.tls("localhost", &["http/1.1"]).await.unwrap();
        conn.request().await.unwrap();
        conn.reply("connection: close\r\n", REPLY).await.unwrap();
        // Closes without close_notify.
    })
    .await;
    assert_eq!(send_to(&server.https()).await.0.unwrap().body, REPLY.as_bytes());
}

#[tokio::test]
async fn a_server_with_a_self_signed_certificate_is_trusted_where_node_extra_ca_certs_names_it() {
    let trusting = |file: &str| {
        let file = server::fixture(file);
        let environment = |name: &str| (name == "NODE_EXTRA_CA_CERTS").then(|| file.clone().into_os_string());
        HttpTransport::new(NetworkConfig::read(&environment, &[]).unwrap())
    };
    for (presented, named, outcome) in [
        ("self-signed", "self-signed", ("reply", true)),
        ("self-signed-leaf", "self-signed-leaf", ("reply", true)),
        ("self-signed", "self-signed-leaf", ("certificate", false)),
        ("self-signed", "same-key", ("certificate", false)),
        ("self-signed", "ca", ("certificate", false)),
        // The certificate is public. Whoever presents it has to have its key.
        ("self-signed+provider", "self-signed", ("certificate", false)),
    ] {
        for protocols in [&["http/1.1"][..], &[]] {
            let server = server(presented, protocols).await;
            let transport = trusting(&format!("{named}.cert.pem"));
            let result = send(&transport, create(&account(&server.https()))).await;
            assert_eq!(kind(result), outcome, "{presented} where {named} is trusted");
        }
    }
}
