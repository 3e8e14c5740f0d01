//! Everything that all calls of the process share: the transport, a circuit breaker for each account, a limiter for each
//! host. One value with one owner, passed down.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Arc, Mutex},
};

use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::{
    breaker::CircuitBreaker,
    limiter::{HostLimiter, InFlight},
    options::{Account, HostId},
    sync::lock,
};

/// A map that has grown to this size drops what nobody uses before it grows further.
const SWEEP_AT: usize = 256;

pub struct Registry<T> {
    pub transport: T,
    /// Where the polls of many calls at once are counted from.
    pub started: Instant,
    breakers: Mutex<HashMap<u64, Arc<CircuitBreaker>>>,
    limiters: Mutex<HashMap<HostId, Arc<HostLimiter>>>,
    /// A key itself is not kept: its hash tells accounts apart well enough.
    hasher: RandomState,
}

impl<T> Registry<T> {
    pub fn new(transport: T) -> Self {
        Registry {
            transport,
            started: Instant::now(),
            breakers: Mutex::default(),
            limiters: Mutex::default(),
            hasher: RandomState::new(),
        }
    }

    pub fn breaker(&self, account: &Account) -> Arc<CircuitBreaker> {
        let id = self.hasher.hash_one((account.host_id(), account.client_key.expose_secret()));
        entry(&self.breakers, id, CircuitBreaker::is_idle, || CircuitBreaker::new(account.provider.ban_after))
    }

    /// Counts a call to the account's host, until the returned value is dropped.
    pub fn enter(&self, account: &Account) -> InFlight {
        entry(&self.limiters, account.host_id(), |_| true, HostLimiter::default).enter()
    }
}

fn entry<K: Eq + Hash, V>(
    map: &Mutex<HashMap<K, Arc<V>>>,
    key: K,
    is_idle: impl Fn(&V) -> bool,
    new: impl FnOnce() -> V,
) -> Arc<V> {
    let mut map = lock(map);
    if map.len() >= SWEEP_AT && !map.contains_key(&key) {
        map.retain(|_, value| Arc::strong_count(value) > 1 || !is_idle(value));
    }
    Arc::clone(map.entry(key).or_insert_with(|| Arc::new(new())))
}

#[cfg(test)]
mod tests;
