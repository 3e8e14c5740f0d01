//! What all calls to one host share: how many requests may be under way, and over how many connections.
//!
//! reqwest's pool has no limit, and it dials another connection for every request that finds none idle. So the first
//! request goes alone: over HTTP/2 all others then share its connection. Over HTTP/1.1, where each request under way needs
//! a connection of its own, there are only so many places, and they open as the connections do: a request that waits while
//! others are dialling would dial as well. Whoever waits long for an answer gives its place up.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    pin,
    sync::{Semaphore, SemaphorePermit},
    task::yield_now,
    time::{Instant, timeout},
};

use crate::{
    client::{Method, Reply},
    error::Fault,
    request::Account,
};

/// Places over HTTP/1.1. createTask has its own, so that it is never stuck behind thousands of polls.
const CREATING: usize = 24;
const ASKING: usize = 40;
/// Places over HTTP/2, where another stream costs next to nothing.
const MULTIPLEXED: usize = 200;
/// An exchange that takes longer waits for the server.
const PATIENCE: Duration = Duration::from_secs(2);
const TURNS: usize = 4;

pub struct Host {
    creating: Lane,
    asking: Lane,
}

/// Requests that share a pool of connections.
struct Lane {
    places: Semaphore,
    /// The most places over HTTP/1.1.
    most: usize,
    first: Semaphore,
    /// For how long the pool keeps a connection that nobody uses.
    idle: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_reply: Option<Instant>,
    /// The connections seen while there are still places to open.
    connections: HashSet<SocketAddr>,
    opened: usize,
}

impl Host {
    pub fn of(account: &Account) -> Arc<Host> {
        type Hosts = HashMap<(String, Option<u16>), Arc<Host>>;
        static HOSTS: LazyLock<Mutex<Hosts>> = LazyLock::new(Mutex::default);
        let url = &account.base_url;
        let id = (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default());
        Arc::clone(locked(&HOSTS).entry(id).or_insert_with(|| Arc::new(Host::new())))
    }

    fn new() -> Self {
        let lane = |method: Method, most| Lane {
            places: Semaphore::new(1),
            most,
            first: Semaphore::new(1),
            idle: method.connections_kept(),
            state: Mutex::default(),
        };
        Host { creating: lane(Method::CreateTask, CREATING), asking: lane(Method::GetTaskResult, ASKING) }
    }

    /// Runs one exchange when it is its turn: first come, first served.
    pub async fn exchange(
        &self,
        method: Method,
        exchange: impl Future<Output = Result<Reply, Fault>>,
    ) -> Result<Reply, Fault> {
        let lane = match method {
            Method::CreateTask => &self.creating,
            Method::GetTaskResult | Method::GetBalance => &self.asking,
        };
        let mut leave = Some(lane.enter().await);
        pin!(exchange);
        let outcome = match timeout(PATIENCE, &mut exchange).await {
            Ok(outcome) => outcome,
            Err(_) => {
                leave = None;
                exchange.await
            }
        };
        lane.learn(&outcome);
        // A connection gets back into the pool by way of tasks of its own: they have their turns before the next request.
        for _ in 0..TURNS {
            yield_now().await;
        }
        drop(leave);
        outcome
    }
}

impl Lane {
    /// The semaphores are never closed, so each gives a permit in the end.
    async fn enter(&self) -> [Option<SemaphorePermit<'_>>; 2] {
        let place = self.places.acquire().await.ok();
        let first = match self.is_open() {
            true => None,
            false => self.first.acquire().await.ok().filter(|_| !self.is_open()),
        };
        [place, first]
    }

    /// Whether there is a connection to share.
    fn is_open(&self) -> bool {
        locked(&self.state).last_reply.is_some_and(|at| at.elapsed() < self.idle)
    }

    fn learn(&self, outcome: &Result<Reply, Fault>) {
        let Ok(reply) = outcome else { return };
        let mut state = locked(&self.state);
        state.last_reply = Some(Instant::now());
        let most = if reply.multiplexed { MULTIPLEXED } else { self.most };
        if state.opened < most - 1
            && let Some(local) = reply.local
            && state.connections.insert(local)
        {
            let known = state.connections.len();
            let wanted = if reply.multiplexed { MULTIPLEXED } else { known + known.div_ceil(2) };
            let more = wanted.min(most).saturating_sub(state.opened + 1);
            state.opened += more;
            self.places.add_permits(more);
        }
    }
}

/// A panic elsewhere left no half-made change: each is a single assignment or insert.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
