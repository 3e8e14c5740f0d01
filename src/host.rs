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

/// Places over HTTP/1.1. createTask has its own, so that it is never stuck behind thousands of polls. A few dials may come
/// on top; all in all it stays at 64 connections.
const CREATING: usize = 16;
const ASKING: usize = 32;
/// Places over HTTP/2, where another stream costs next to nothing.
const MULTIPLEXED: usize = 200;
/// An exchange that takes longer waits for the server.
const PATIENCE: Duration = Duration::from_secs(2);
/// A dial that takes longer was none: its request found a connection at once.
const DIAL: Duration = Duration::from_secs(1);
/// So many tasks stand between the end of a reply and an idle connection, at the most.
const TURNS: usize = 4;

pub struct Host {
    creating: Lane,
    asking: Lane,
}

/// Requests that share a pool of connections.
struct Lane {
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
    permit: Option<SemaphorePermit<'a>>,
    _first: Option<SemaphorePermit<'a>>,
    /// No known connection was left for it.
    may_dial: bool,
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
        Host { creating: Lane::new(Method::CreateTask, CREATING), asking: Lane::new(Method::GetTaskResult, ASKING) }
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
        let place = lane.enter().await;
        pin!(exchange);
        match timeout(PATIENCE, &mut exchange).await {
            Ok(outcome) => {
                // A connection gets back into the pool by way of tasks of its own: they have their turns first.
                for _ in 0..TURNS {
                    yield_now().await;
                }
                place.leave(&outcome);
                outcome
            }
            Err(_) => {
                drop(place);
                exchange.await.inspect(|reply| {
                    lane.learn(reply);
                })
            }
        }
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
            places: Semaphore::new(state.places),
            first: Semaphore::new(1),
            most,
            idle: method.connections_kept(),
            state: Mutex::new(state),
        }
    }

    /// The semaphores are never closed, so each gives a permit in the end.
    async fn enter(&self) -> Place<'_> {
        let permit = self.places.acquire().await.ok();
        let first = match self.is_open() {
            true => None,
            false => self.first.acquire().await.ok().filter(|_| !self.is_open()),
        };
        let mut state = locked(&self.state);
        let may_dial = !state.multiplexed && state.under_way >= state.known.len();
        state.under_way += 1;
        Place { lane: self, permit, _first: first, may_dial }
    }

    /// Whether there is a connection to share.
    fn is_open(&self) -> bool {
        locked(&self.state).last_reply.is_some_and(|at| at.elapsed() < self.idle)
    }

    /// Opens places as connections show; whether this was a new one.
    fn learn(&self, reply: &Reply) -> bool {
        let mut state = locked(&self.state);
        state.last_reply = Some(Instant::now());
        state.multiplexed = reply.multiplexed;
        let new = state.known.len() < self.most && reply.local.is_some_and(|local| state.known.insert(local));
        if new {
            state.dialling.pop_front();
        }
        let known = state.known.len();
        while state.dialling.front().is_some_and(|since| since.elapsed() >= DIAL) {
            state.dialling.pop_front();
        }
        let dials = (known / 2).max(1).min(self.most - known).saturating_sub(state.dialling.len());
        let wanted = if reply.multiplexed { MULTIPLEXED } else { known + dials };
        let more = wanted.saturating_sub(state.places);
        state.places += more;
        self.places.add_permits(more);
        new
    }
}

impl Place<'_> {
    fn leave(mut self, outcome: &Result<Reply, Fault>) {
        let Ok(reply) = outcome else { return };
        let new = self.lane.learn(reply);
        if self.may_dial && !new && !reply.multiplexed {
            // Its dial goes on without it, and the place opens again with the connection that it brings.
            let mut state = locked(&self.lane.state);
            if state.places > 1
                && let Some(permit) = self.permit.take()
            {
                permit.forget();
                state.places -= 1;
                state.dialling.push_back(Instant::now());
            }
        }
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
