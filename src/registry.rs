//! Everything that all calls of the process share: the transport, a circuit breaker for each account, a limiter for each
//! host. One value with one owner, passed down.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Arc, Mutex},
    time::Duration,
};

use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::{
    breaker::CircuitBreaker,
    limiter::{HostLimiter, InFlight},
    options::{Account, HostId},
    sync::lock,
};

/// A map that has grown to this size drops what is not in use.
const SWEEP_FROM: usize = 256;
/// How often at the most: a sweep looks at every entry, and all may be in use.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

pub struct Registry<T> {
    pub transport: T,
    /// Where the polls of many calls at once are counted from.
    pub started: Instant,
    breakers: Mutex<SharedMap<u64, CircuitBreaker>>,
    limiters: Mutex<SharedMap<HostId, HostLimiter>>,
    /// A key itself is not kept: its hash tells accounts apart well enough.
    hasher: RandomState,
}

impl<T> Registry<T> {
    pub fn new(transport: T) -> Self {
        Registry {
            transport,
            started: Instant::now(),
            breakers: Mutex::new(SharedMap::new()),
            limiters: Mutex::new(SharedMap::new()),
            hasher: RandomState::new(),
        }
    }

    pub fn breaker(&self, account: &Account) -> Arc<CircuitBreaker> {
        let id = self.hasher.hash_one((account.host_id(), account.client_key.expose_secret()));
        let new = || CircuitBreaker::new(account.provider.ban_after);
        lock(&self.breakers).get(id, CircuitBreaker::is_idle, new)
    }

    /// Counts a call to the account's host, until the returned value is dropped.
    pub fn enter(&self, account: &Account) -> InFlight {
        lock(&self.limiters).get(account.host_id(), |_| true, HostLimiter::default).enter()
    }
}

/// Values that calls share while they need them.
struct SharedMap<K, V> {
    entries: HashMap<K, Arc<V>>,
    next_sweep: Instant,
}

impl<K: Eq + Hash, V> SharedMap<K, V> {
    fn new() -> Self {
        SharedMap { entries: HashMap::new(), next_sweep: Instant::now() }
    }

    /// The value of the key. What no call uses and `is_idle` says can go is dropped from time to time.
    fn get(&mut self, key: K, is_idle: impl Fn(&V) -> bool, new: impl FnOnce() -> V) -> Arc<V> {
        let now = Instant::now();
        if self.entries.len() >= SWEEP_FROM && now >= self.next_sweep && !self.entries.contains_key(&key) {
            self.entries.retain(|_, value| Arc::strong_count(value) > 1 || !is_idle(value));
            self.next_sweep = now + SWEEP_INTERVAL;
        }
        Arc::clone(self.entries.entry(key).or_insert_with(|| Arc::new(new())))
    }
}

#[cfg(test)]
mod tests;
