//! What all calls to one host share: how many requests may be under way, and over how many connections.
//!
//! reqwest's pool has no limit, and it dials another connection for every request that finds none idle, also if one becomes
//! idle meanwhile. So the first request goes alone: over HTTP/2 all others then share its connection. Over HTTP/1.1, where
//! each request under way needs a connection of its own, there are as many places as connections are known, and a few
//! more for requests that may dial; who may dial again waits until the last dial has shown what it brought. Whoever waits
//! long for an answer gives its place up.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
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

/// Places over HTTP/1.1. createTask has its own, so that it is never stuck behind thousands of polls. A few dials may come
/// on top; while the server answers, all in all it stays at 64 connections.
const CREATING: usize = 16;
const ASKING: usize = 32;
/// The most requests under way in a lane, those included that have given up their places to wait for a server that hangs.
const MOST_OPEN: usize = 256;
/// Places over HTTP/2, where another stream costs next to nothing.
const MULTIPLEXED: usize = 200;
/// An exchange that takes longer waits for the server.
const PATIENCE: Duration = Duration::from_secs(2);
/// A dial that takes longer was none: its request found a connection at once.
const DIAL: Duration = Duration::from_secs(1);
/// So many calls at once are a crowd.
const CROWD: usize = 1000;
/// So many tasks stand between the end of a reply and an idle connection, at the most.
const TURNS: usize = 4;

pub struct Host {
    creating: Lane,
    asking: Lane,
    drops_connections: AtomicBool,
    calls: AtomicUsize,
}

/// One call among those under way to a host.
pub struct Visit(Arc<Host>);

/// Requests that share a pool of connections.
struct Lane {
    open: Semaphore,
    places: Semaphore,
    first: Semaphore,
    /// The most connections over HTTP/1.1.
    most: usize,
    /// For how long the pool keeps a connection that nobody uses.
    idle: Duration,
    state: Mutex<State>,
}

struct State {
    last_reply: Option<Instant>,
    multiplexed: bool,
    known: HashSet<SocketAddr>,
    /// When requests that may have begun to dial were served by other connections.
    dialling: VecDeque<Instant>,
    under_way: usize,
    /// Places that are taken or free.
    places: usize,
}

/// A place among the requests under way, given back when dropped.
struct Place<'a> {
    lane: &'a Lane,
    _open: Option<SemaphorePermit<'a>>,
    permit: Option<SemaphorePermit<'a>>,
    first: Option<SemaphorePermit<'a>>,
    /// No known connection was left for it.
    may_dial: bool,
}

impl Host {
    /// Begins a call.
    pub fn visit(account: &Account) -> Visit {
        let host = Host::of(account);
        host.calls.fetch_add(1, Ordering::Relaxed);
        Visit(host)
    }

    fn of(account: &Account) -> Arc<Host> {
        type Hosts = HashMap<(String, Option<u16>), Arc<Host>>;
        static HOSTS: LazyLock<Mutex<Hosts>> = LazyLock::new(Mutex::default);
        let url = &account.base_url;
        let id = (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default());
        let mut hosts = locked(&HOSTS);
        if hosts.len() >= 256 && !hosts.contains_key(&id) {
            hosts.retain(|_, host| Arc::strong_count(host) > 1);
        }
        Arc::clone(hosts.entry(id).or_insert_with(|| Arc::new(Host::new())))
    }

    fn new() -> Self {
        Host {
            creating: Lane::new(Method::CreateTask, CREATING),
            asking: Lane::new(Method::GetTaskResult, ASKING),
            drops_connections: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
        }
    }

    /// Whether so many calls are under way that their polls should be kept apart.
    pub fn is_crowded(&self) -> bool {
        self.calls.load(Ordering::Relaxed) >= CROWD
    }

    /// Whether a createTask was lost here. It may have gone out just as the server closed its connection: from then on each
    /// has a connection of its own, since it cannot be sent again.
    pub fn drops_connections(&self) -> bool {
        self.drops_connections.load(Ordering::Relaxed)
    }

    pub fn dropped_a_connection(&self) {
        self.drops_connections.store(true, Ordering::Relaxed);
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
        let mut place = lane.enter().await;
        pin!(exchange);
        let outcome = match timeout(PATIENCE, &mut exchange).await {
            Ok(outcome) => outcome,
            Err(_) => {
                place.wait_for_the_server();
                exchange.await
            }
        };
        place.learn(&outcome);
        outcome
    }
}

impl Visit {
    pub fn host(&self) -> &Arc<Host> {
        &self.0
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lane {
    fn new(method: Method, most: usize) -> Self {
        let state = State {
            last_reply: None,
            multiplexed: false,
            known: HashSet::new(),
            dialling: VecDeque::new(),
            under_way: 0,
            places: 1,
        };
        Lane {
            open: Semaphore::new(MOST_OPEN),
            places: Semaphore::new(state.places),
            first: Semaphore::new(1),
            most,
            idle: method.connections_kept(),
            state: Mutex::new(state),
        }
    }

    /// The semaphores are never closed, so each gives a permit in the end.
    async fn enter(&self) -> Place<'_> {
        let open = self.open.acquire().await.ok();
        let (permit, mut waited) = match self.places.try_acquire() {
            Ok(permit) => (Some(permit), false),
            Err(_) => (self.places.acquire().await.ok(), true),
        };
        let first = match self.is_open() {
            true => None,
            false => {
                waited = true;
                self.first.acquire().await.ok().filter(|_| !self.is_open())
            }
        };
        if first.is_some() {
            self.begin_anew();
        }
        if waited && !locked(&self.state).multiplexed {
            // It takes over from another request, whose connection gets back into the pool by way of tasks of its own: they
            // have their turns first.
            for _ in 0..TURNS {
                yield_now().await;
            }
        }
        let mut state = locked(&self.state);
        let may_dial = !state.multiplexed && state.under_way >= state.known.len();
        state.under_way += 1;
        Place { lane: self, _open: open, permit, first, may_dial }
    }

    /// Whether there is a connection to share.
    fn is_open(&self) -> bool {
        locked(&self.state).last_reply.is_some_and(|at| at.elapsed() < self.idle)
    }

    /// The connections are gone, and with them what they allowed: the taken place stays, the free ones go.
    fn begin_anew(&self) {
        let mut state = locked(&self.state);
        state.places -= self.places.forget_permits(state.places.saturating_sub(1));
        state.known.clear();
        state.dialling.clear();
        state.multiplexed = false;
    }
}

impl State {
    /// How many places there should be, now that so many connections are known.
    fn wanted(&mut self, most: usize) -> usize {
        while self.dialling.front().is_some_and(|since| since.elapsed() >= DIAL) {
            self.dialling.pop_front();
        }
        let known = self.known.len();
        let dials = (known / 2).max(1).min(most - known).saturating_sub(self.dialling.len());
        if self.multiplexed { MULTIPLEXED } else { known + dials }
    }
}

impl Place<'_> {
    /// Others need not wait with it, and more of them may find out whether the server answers.
    fn wait_for_the_server(&mut self) {
        let mut state = locked(&self.lane.state);
        self.first = None;
        self.permit = None;
        let more = state.places.min(self.lane.most.saturating_sub(state.places));
        state.places += more;
        self.lane.places.add_permits(more);
    }

    fn learn(&mut self, outcome: &Result<Reply, Fault>) {
        let lane = self.lane;
        let mut state = locked(&lane.state);
        let Ok(reply) = outcome else {
            if state.multiplexed {
                // The shared connection may be gone: the next request goes alone again.
                state.last_reply = None;
            }
            return;
        };
        state.last_reply = Some(Instant::now());
        state.multiplexed = reply.multiplexed;
        let new = state.known.len() < lane.most && reply.local.is_none_or(|local| state.known.insert(local));
        if new {
            state.dialling.pop_front();
        } else if self.may_dial
            && !reply.multiplexed
            && state.places > 1
            && let Some(permit) = self.permit.take()
        {
            // Its dial goes on without it, and the place opens again with the connection that it brings.
            permit.forget();
            state.places -= 1;
            state.dialling.push_back(Instant::now());
        }
        let more = state.wanted(lane.most).saturating_sub(state.places);
        state.places += more;
        lane.places.add_permits(more);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        locked(&self.lane.state).under_way -= 1;
    }
}

/// A panic elsewhere left no half-made change: each is a single assignment or insert.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
