//! The bytes of a whole HTTP reply, head and body, through the real client: what an untrusted peer can send. The result is a
//! reply or an error; at most 1 MiB is kept, no redirect is followed, and the delay of `Retry-After` is within bounds.
#![no_main]

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use libfuzzer_sys::fuzz_target;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};
use turnstile_solver::{
    breaker::CircuitBreaker,
    error::RequestError,
    options::{Account, GetBalanceRequest, RawOption},
    provider::Reason,
    transport::{BodySent, Reply, Request, Transport, http::HttpTransport},
    wire::{self, Method},
};

struct World {
    runtime: Runtime,
    listener: TcpListener,
    account: Account,
    transport: HttpTransport,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let given = [
        ("provider", "custom".to_owned()),
        ("clientKey", "test-key-0123456789abcdef".to_owned()),
        ("baseURL", format!("http://{}", listener.local_addr().unwrap())),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), RawOption::Text(value)));
    let account = GetBalanceRequest::parse(given.into()).unwrap().account;
    World { runtime, listener, account, transport: HttpTransport::from_environment(Vec::new()) }
});

const REQUEST: &[u8] = b"{\"clientKey\":\"k\"}";
const MAX_BODY_LENGTH: usize = 1 << 20;

fuzz_target!(|input: &[u8]| {
    let Some((first, head_and_body)) = input.split_first() else { return };
    // A body over the limit, without an input of that size.
    let more = if *first == 255 { MAX_BODY_LENGTH + 1 } else { 0 };
    let World { runtime, listener, account, transport } = &*WORLD;
    runtime.block_on(async {
        let request = Request { account, method: Method::GetBalance, body: REQUEST.into(), own_connection: false };
        let body_sent = BodySent::default();
        let post = transport.send(request, &body_sent);
        let mut requests = 0;
        let server = async {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                requests += usize::from(answer(stream, head_and_body, more).await);
            }
        };
        let outcome = tokio::select! {
            outcome = post => outcome,
            () = server => unreachable!("the server never ends"),
        };
        assert!(requests <= 1, "something was followed or sent again");
        match outcome {
            Ok(reply) => check(&reply, head_and_body).await,
            Err(RequestError::Interrupted { detail }) => assert!(!detail.is_empty()),
            Err(fault @ (RequestError::Decode { .. } | RequestError::Http { .. })) => {
                assert!((more > 0 || may_be_compressed(head_and_body)) && fault.status().is_some(), "{fault:?}");
            }
            Err(fault) => panic!("the server was there: {fault:?}"),
        }
    });
});

/// Whether a whole request came.
async fn answer(mut stream: TcpStream, reply: &[u8], more: usize) -> bool {
    let mut request = Vec::new();
    while !request.ends_with(REQUEST) {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    // The client may hang up first, and may do so for good reason.
    let _ = stream.write_all(reply).await;
    let _ = stream.write_all(&vec![b' '; more]).await;
    let _ = stream.shutdown().await;
    true
}

/// Then a short reply may be a long one.
fn may_be_compressed(reply: &[u8]) -> bool {
    let reply = reply.to_ascii_lowercase();
    let holds = |part: &[u8]| reply.windows(part.len()).any(|window| window == part);
    holds(b"content-encoding") || holds(&[0x1f, 0x8b, 8])
}

async fn check(reply: &Reply, sent: &[u8]) {
    assert!(reply.body.len() <= MAX_BODY_LENGTH);
    // 101 ends a head like any other status, although no upgrade was requested.
    assert!((101..1000).contains(&reply.status), "{}", reply.status);
    let _ = wire::created(reply.status, &reply.body);
    let _ = wire::task_status(reply.status, &reply.body);
    let _ = wire::balance(reply.status, &reply.body);
    let Some(wait) = reply.retry_after else { return };
    let sent = sent.to_ascii_lowercase();
    assert!(sent.windows(11).any(|part| part == b"retry-after"), "no Retry-After was sent, yet {wait:?}");
    if wait.subsec_nanos() != 0 {
        // A date, and HTTP's have four digits for the year.
        let last = httpdate::parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT").unwrap();
        assert!(SystemTime::now() + wait <= last + Duration::from_secs(1), "{wait:?}");
    }
    let refusal = turnstile_solver::error::ProviderError {
        status: reply.status,
        error_id: 1,
        error_code: "ERROR_IP_BANNED".into(),
        error_description: String::new(),
        reason: Reason::Banned,
        request_id: None,
        field_errors: Default::default(),
        retry_after: None,
        remembered: None,
    };
    let mut refused = Err::<(), _>(RequestError::Provider(Box::new(refusal)));
    let breaker = CircuitBreaker::new(30);
    breaker.acquire(Method::CreateTask).await.expect("a new breaker").record(&mut refused, Some(wait));
    let Err(RequestError::Provider(refusal)) = refused else { panic!("{refused:?}") };
    let pause = refusal.retry_after.expect("a pause");
    assert!((Duration::from_secs(60)..=Duration::from_secs(1800)).contains(&pause), "{pause:?}");
}
