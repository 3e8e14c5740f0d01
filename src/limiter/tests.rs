use tokio::time::{Instant, sleep};

use super::*;

const REPLY_TAKES: Duration = Duration::from_millis(100);

fn reply(multiplexed: bool) -> Reply {
    Reply { status: 200, body: Vec::new(), retry_after: None, multiplexed }
}

/// A server that counts the requests in flight.
#[derive(Default)]
struct Server {
    multiplexed: bool,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

impl Server {
    fn new(multiplexed: bool) -> Arc<Self> {
        Arc::new(Server { multiplexed, ..Server::default() })
    }

    async fn exchange(&self, takes: Duration) -> Result<Reply, RequestError> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_flight.fetch_max(now, Ordering::Relaxed);
        sleep(takes).await;
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        Ok(reply(self.multiplexed))
    }

    fn most(&self) -> usize {
        self.most_in_flight.load(Ordering::Relaxed)
    }
}

/// Sends so many requests at once and waits for all of them.
async fn send(limiter: &Arc<HostLimiter>, method: Method, server: &Arc<Server>, requests: usize, takes: Duration) {
    let all: Vec<_> = (0..requests)
        .map(|_| {
            let (limiter, server) = (Arc::clone(limiter), Arc::clone(server));
            tokio::spawn(async move { limiter.acquire(method).await.run(server.exchange(takes)).await })
        })
        .collect();
    for request in all {
        request.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn over_http1_each_lane_has_its_own_bound() {
    let limiter = Arc::new(HostLimiter::default());
    for (method, bound) in
        [(Method::CreateTask, MAX_H1_CREATE), (Method::GetTaskResult, MAX_H1_POLL), (Method::GetBalance, MAX_H1_POLL)]
    {
        let server = Server::new(false);
        let started = Instant::now();
        send(&limiter, method, &server, 5000, REPLY_TAKES).await;
        assert_eq!(server.most(), bound);
        assert_eq!(started.elapsed(), REPLY_TAKES * 5000_u32.div_ceil(bound as u32));
    }
}

#[tokio::test(start_paused = true)]
async fn over_http2_a_lane_has_all_its_streams_once_a_reply_has_shown_the_version() {
    for method in [Method::CreateTask, Method::GetTaskResult, Method::GetBalance] {
        let (limiter, server) = (Arc::new(HostLimiter::default()), Server::new(true));
        send(&limiter, method, &server, 1, REPLY_TAKES).await;
        send(&limiter, method, &server, 5000, REPLY_TAKES).await;
        assert_eq!(server.most(), MAX_IN_FLIGHT);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_changes_to_http1_gets_its_bound() {
    let limiter = Arc::new(HostLimiter::default());
    send(&limiter, Method::GetTaskResult, &Server::new(true), 1, REPLY_TAKES).await;
    let server = Server::new(false);
    send(&limiter, Method::GetTaskResult, &server, 1, REPLY_TAKES).await;
    send(&limiter, Method::GetTaskResult, &server, 1000, REPLY_TAKES).await;
    assert_eq!(server.most(), MAX_H1_POLL);
}

#[tokio::test(start_paused = true)]
async fn a_create_task_is_not_stuck_behind_polls() {
    let (limiter, server) = (Arc::new(HostLimiter::default()), Server::new(false));
    let polls = tokio::spawn({
        let (limiter, server) = (Arc::clone(&limiter), Arc::clone(&server));
        async move { send(&limiter, Method::GetTaskResult, &server, 1000, Duration::from_secs(1)).await }
    });
    tokio::task::yield_now().await;
    let started = Instant::now();
    send(&limiter, Method::CreateTask, &Server::new(false), 1, REPLY_TAKES).await;
    assert_eq!(started.elapsed(), REPLY_TAKES);
    assert!(!polls.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_reply_gives_its_place_to_others_after_two_seconds() {
    let (limiter, server) = (Arc::new(HostLimiter::default()), Server::new(false));
    for _ in 0..MAX_H1_POLL {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move { limiter.acquire(Method::GetTaskResult).await.run(std::future::pending()).await });
    }
    tokio::task::yield_now().await;
    let started = Instant::now();
    send(&limiter, Method::GetTaskResult, &server, 1, REPLY_TAKES).await;
    assert_eq!(started.elapsed(), SLOW_REPLY + REPLY_TAKES);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_replies_holds_a_bounded_number_of_requests() {
    let (limiter, server) = (Arc::new(HostLimiter::default()), Server::new(false));
    for _ in 0..1000 {
        let (limiter, server) = (Arc::clone(&limiter), Arc::clone(&server));
        tokio::spawn(async move {
            let exchange = server.exchange(Duration::from_secs(3600));
            limiter.acquire(Method::GetTaskResult).await.run(exchange).await
        });
    }
    sleep(Duration::from_secs(600)).await;
    assert_eq!(server.most(), MAX_IN_FLIGHT);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_gives_its_place_back() {
    let (limiter, server) = (Arc::new(HostLimiter::default()), Server::new(false));
    for method in [Method::CreateTask, Method::GetTaskResult] {
        for _ in 0..2 * MAX_IN_FLIGHT {
            let never = async { limiter.acquire(method).await.run(std::future::pending()).await };
            assert!(timeout(REPLY_TAKES, never).await.is_err());
        }
        send(&limiter, method, &server, 1, REPLY_TAKES).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_leaves_the_known_version_as_it_is() {
    let (limiter, server) = (Arc::new(HostLimiter::default()), Server::new(true));
    send(&limiter, Method::GetTaskResult, &server, 1, REPLY_TAKES).await;
    let failed = async { Err(RequestError::Interrupted { detail: String::new() }) };
    assert!(limiter.acquire(Method::GetTaskResult).await.run(failed).await.is_err());
    send(&limiter, Method::GetTaskResult, &server, 1000, REPLY_TAKES).await;
    assert_eq!(server.most(), MAX_IN_FLIGHT);
}

#[test]
fn a_thousand_calls_in_flight_are_many_whatever_requests_they_send() {
    let limiter = Arc::new(HostLimiter::default());
    let mut calls: Vec<_> = (1..MANY_CALLS).map(|_| Arc::clone(&limiter).enter()).collect();
    assert!(!limiter.has_many_calls());
    calls.push(Arc::clone(&limiter).enter());
    assert!(limiter.has_many_calls() && calls[0].has_many_calls());
    calls.pop();
    assert!(!limiter.has_many_calls());
}

#[test]
fn a_lost_create_is_remembered() {
    let limiter = HostLimiter::default();
    assert!(!limiter.create_was_lost());
    limiter.record_lost_create();
    assert!(limiter.create_was_lost());
}
