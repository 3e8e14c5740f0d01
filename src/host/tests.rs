use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::request::{GetBalanceRequest, Given};

/// A server and the pool before it: each exchange takes an idle connection, or dials, which takes `dial`; meanwhile a
/// connection that becomes idle serves it and the dial goes on. All as the pool below the HTTP client does it.
struct Server {
    multiplexed: bool,
    answer: Duration,
    dial: Duration,
    idle: Mutex<VecDeque<u16>>,
    dials: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Server {
    fn new(multiplexed: bool, answer: Duration, dial: Duration) -> Arc<Self> {
        Arc::new(Server {
            multiplexed,
            answer,
            dial,
            idle: Mutex::default(),
            dials: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        })
    }

    async fn connection(self: &Arc<Self>) -> u16 {
        if let Some(idle) = locked(&self.idle).pop_back() {
            return idle;
        }
        let port = self.dials.fetch_add(1, Ordering::Relaxed) as u16;
        let server = Arc::clone(self);
        tokio::spawn(async move {
            sleep(server.dial).await;
            locked(&server.idle).push_back(port);
        });
        loop {
            sleep(Duration::from_millis(1)).await;
            if let Some(idle) = locked(&self.idle).pop_front() {
                return idle;
            }
        }
    }

    async fn exchange(self: Arc<Self>) -> Result<Reply, Fault> {
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_under_way.fetch_max(now, Ordering::Relaxed);
        let port = self.connection().await;
        if self.multiplexed {
            locked(&self.idle).push_back(port);
        }
        sleep(self.answer).await;
        if !self.multiplexed {
            locked(&self.idle).push_back(port);
        }
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        let local = Some(SocketAddr::from(([127, 0, 0, 1], port)));
        Ok(Reply { status: 200, body: Vec::new(), retry_after: None, multiplexed: self.multiplexed, local })
    }
}

use tokio::time::sleep;

async fn run(host: &Arc<Host>, method: Method, server: &Arc<Server>, requests: usize) {
    let all: Vec<_> = (0..requests)
        .map(|_| {
            let (host, server) = (Arc::clone(host), Arc::clone(server));
            tokio::spawn(async move { host.exchange(method, server.exchange()).await })
        })
        .collect();
    for request in all {
        request.await.unwrap().unwrap();
    }
}

const ANSWER: Duration = Duration::from_millis(100);
const DIAL: Duration = Duration::from_millis(300);

#[tokio::test(start_paused = true)]
async fn over_http2_the_first_request_goes_alone_and_one_connection_serves_all() {
    let (host, server) = (Arc::new(Host::new()), Server::new(true, ANSWER, DIAL));
    run(&host, Method::GetTaskResult, &server, 5000).await;
    assert_eq!(server.dials.load(Ordering::Relaxed), 1);
    assert_eq!(server.most_under_way.load(Ordering::Relaxed), MULTIPLEXED);
}

#[tokio::test(start_paused = true)]
async fn over_http1_no_more_than_64_connections_are_dialled() {
    for (answer, dial) in [(ANSWER, DIAL), (Duration::from_millis(2), DIAL), (ANSWER, Duration::from_millis(2))] {
        let host = Arc::new(Host::new());
        let mut dials = 0;
        for method in [Method::CreateTask, Method::GetTaskResult] {
            let server = Server::new(false, answer, dial);
            run(&host, method, &server, 5000).await;
            dials += server.dials.load(Ordering::Relaxed);
        }
        assert!(dials <= 64, "{dials} dials with answers after {answer:?} and dials of {dial:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn over_http1_a_crowd_gets_all_places_within_seconds() {
    let (host, server) = (Arc::new(Host::new()), Server::new(false, ANSWER, DIAL));
    let started = Instant::now();
    run(&host, Method::GetTaskResult, &server, 5000).await;
    let at_best = ANSWER * (5000 / ASKING as u32);
    assert!(started.elapsed() < at_best + Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_create_task_is_not_stuck_behind_polls() {
    let (host, polled) = (Arc::new(Host::new()), Server::new(false, Duration::from_secs(1), DIAL));
    let polls = tokio::spawn({
        let (host, polled) = (Arc::clone(&host), Arc::clone(&polled));
        async move { run(&host, Method::GetTaskResult, &polled, 1000).await }
    });
    tokio::task::yield_now().await;
    let started = Instant::now();
    let server = Server::new(false, ANSWER, DIAL);
    run(&host, Method::CreateTask, &server, 1).await;
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(!polls.is_finished());
    polls.abort();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_some_does_not_keep_others_from_asking() {
    let (host, server) = (Arc::new(Host::new()), Server::new(false, ANSWER, DIAL));
    let hanging: Vec<_> = (0..100)
        .map(|_| {
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                host.exchange(Method::GetTaskResult, std::future::pending::<Result<Reply, Fault>>()).await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    let started = Instant::now();
    run(&host, Method::GetTaskResult, &server, 1).await;
    assert!(started.elapsed() <= PATIENCE * 101, "{:?}", started.elapsed());
    hanging.iter().for_each(|hung| hung.abort());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_gives_its_place_back() {
    let (host, server) = (Arc::new(Host::new()), Server::new(false, ANSWER, DIAL));
    for _ in 0..100 {
        let never = host.exchange(Method::GetTaskResult, std::future::pending());
        assert!(timeout(Duration::from_millis(1), never).await.is_err());
    }
    run(&host, Method::GetTaskResult, &server, 1).await;
    assert_eq!(locked(&host.asking.state).under_way, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_in_which_the_connections_died_it_begins_anew() {
    for multiplexed in [true, false] {
        let (host, server) = (Arc::new(Host::new()), Server::new(multiplexed, Duration::from_millis(2), DIAL));
        for _ in 0..3 {
            let before = server.dials.load(Ordering::Relaxed);
            run(&host, Method::GetTaskResult, &server, 1000).await;
            let dials = server.dials.load(Ordering::Relaxed) - before;
            let most = if multiplexed { 1 } else { 42 };
            assert!(dials <= most, "{dials} dials");
            tokio::time::advance(Method::GetTaskResult.connections_kept()).await;
            locked(&server.idle).clear();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_holds_a_bounded_number_of_requests() {
    let host = Arc::new(Host::new());
    let under_way = Arc::new(AtomicUsize::new(0));
    let requests: Vec<_> = (0..1000)
        .map(|_| {
            let (host, under_way) = (Arc::clone(&host), Arc::clone(&under_way));
            tokio::spawn(async move {
                let hung = async {
                    under_way.fetch_add(1, Ordering::Relaxed);
                    std::future::pending::<Result<Reply, Fault>>().await
                };
                host.exchange(Method::GetTaskResult, hung).await
            })
        })
        .collect();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(under_way.load(Ordering::Relaxed), MOST_OPEN);
    requests.iter().for_each(|request| request.abort());
}

#[test]
fn a_crowd_is_a_thousand_calls_at_once_however_many_requests_they_make() {
    let given = [("provider", "custom"), ("clientKey", "test-key-0123456789abcdef"), ("baseURL", "https://crowd.test")];
    let given = given.map(|(name, value)| (name.to_owned(), Given::Text(value.to_owned())));
    let account = GetBalanceRequest::parse(given.into()).unwrap().account;
    let mut calls: Vec<_> = (0..999).map(|_| Host::visit(&account)).collect();
    let requests: Vec<_> = calls.iter().map(|call| Arc::clone(call.host())).collect();
    assert!(!requests[0].is_crowded());
    calls.push(Host::visit(&account));
    assert!(requests[0].is_crowded());
    drop(calls);
    assert!(!requests[0].is_crowded());
}
