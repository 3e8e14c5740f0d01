//! Stops sending before a vendor bans the key, and while it has banned it. One guard for each host and key, shared by the
//! whole process.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::ExposeSecret;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::{
    client::Method,
    error::{Fault, Refusal},
    provider::Reason,
    request::Account,
};

/// Vendors count refusals by the minute.
const WINDOW: Duration = Duration::from_secs(60);
/// After so many account refusals in a minute there is no point in another.
const MOST_REFUSALS: usize = 9;
/// While banned, one request a minute finds out whether that is over.
const PROBE_EVERY: Duration = Duration::from_secs(60);
/// The longest that a `Retry-After` beside a ban is believed.
const LONGEST_BAN: Duration = Duration::from_secs(30 * 60);

pub struct Guard {
    /// Bounds the createTask requests under way. Together with [`MOST_REFUSALS`] it stays below what the vendor bans for,
    /// even if the balance runs out and all of them come back refused.
    creating: Semaphore,
    /// Bounds the others in the same way until the key is known to be good.
    asking: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The latest refusals of the account, apart for each method as vendors count them: an empty balance must never keep a
    /// paid result away.
    refusals: [Refusals; 3],
    known_key: bool,
    ban: Option<Ban>,
    /// How many bans there have been.
    bans: u64,
}

#[derive(Default)]
struct Refusals {
    at: VecDeque<Instant>,
    last: Option<Refusal>,
}

struct Ban {
    refusal: Refusal,
    next_probe: Instant,
}

/// Leave to send one request.
pub struct Pass<'a> {
    guard: &'a Guard,
    method: Method,
    bans: u64,
    _permit: Option<SemaphorePermit<'a>>,
}

impl Guard {
    /// The guard of an account.
    pub fn of(account: &Account) -> Arc<Guard> {
        static GUARDS: LazyLock<Mutex<HashMap<u64, Arc<Guard>>>> = LazyLock::new(Mutex::default);
        // The key itself is not kept: its hash tells accounts apart well enough.
        static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let key = account.client_key.expose_secret();
        let id = HASHER.hash_one((account.base_url.host_str(), account.base_url.port_or_known_default(), key));
        let mut guards = locked(&GUARDS);
        if guards.len() >= 256 && !guards.contains_key(&id) {
            guards.retain(|_, guard| Arc::strong_count(guard) > 1 || !guard.is_idle());
        }
        Arc::clone(guards.entry(id).or_insert_with(|| Arc::new(Guard::new(account.provider.ban_after))))
    }

    pub fn new(ban_after: usize) -> Self {
        let under_way = ban_after - MOST_REFUSALS - 1;
        Guard { creating: Semaphore::new(under_way), asking: Semaphore::new(under_way), state: Mutex::default() }
    }

    /// Waits for its turn; or answers at once what the provider would only say again.
    pub async fn pass(&self, method: Method) -> Result<Pass<'_>, Refusal> {
        // The semaphores are never closed, so each gives a permit in the end.
        let permit = match method {
            Method::CreateTask => self.creating.acquire().await.ok(),
            _ if self.knows_the_key() => None,
            _ => self.asking.acquire().await.ok().filter(|_| !self.knows_the_key()),
        };
        let mut state = locked(&self.state);
        let now = Instant::now();
        if let Some(refusal) = state.refusals[method as usize].stop(now) {
            return Err(refusal);
        }
        if let Some(ban) = &mut state.ban {
            if now < ban.next_probe {
                return Err(Refusal { retry_after: Some(ban.next_probe - now), ..ban.refusal.clone() });
            }
            ban.next_probe = now + PROBE_EVERY;
        }
        Ok(Pass { guard: self, method, bans: state.bans, _permit: permit })
    }

    fn knows_the_key(&self) -> bool {
        locked(&self.state).known_key
    }

    fn is_idle(&self) -> bool {
        let state = locked(&self.state);
        let recent = |refusals: &Refusals| refusals.at.back().is_some_and(|last| last.elapsed() < WINDOW);
        let banned = state.ban.as_ref().is_some_and(|ban| Instant::now() < ban.next_probe);
        !banned && !state.refusals.iter().any(recent)
    }
}

impl Pass<'_> {
    /// Learns from the provider's answer, and tells in a refusal when the next request may go out.
    pub fn learn<T>(&self, answer: &mut Result<T, Fault>, retry_after: Option<Duration>) {
        let mut state = locked(&self.guard.state);
        let now = Instant::now();
        match answer {
            Ok(_) => {
                state.known_key = true;
                self.lift_ban(&mut state);
            }
            Err(Fault::Refused(refusal)) if refusal.reason == Reason::Banned => {
                let pause = retry_after.unwrap_or_default().clamp(PROBE_EVERY, LONGEST_BAN);
                refusal.retry_after = Some(pause);
                state.ban = Some(Ban { refusal: (**refusal).clone(), next_probe: now + pause });
                state.bans += 1;
            }
            Err(Fault::Refused(refusal)) => {
                self.lift_ban(&mut state);
                if refusal.reason == Reason::Account {
                    // An empty balance says nothing against the key.
                    state.known_key &= self.method == Method::CreateTask;
                    let refusals = &mut state.refusals[self.method as usize];
                    refusals.at.push_back(now);
                    refusals.last = Some((**refusal).clone());
                    refusal.retry_after = refusals.stop(now).and_then(|stopped| stopped.retry_after);
                }
            }
            // Not the provider's word.
            Err(_) => {}
        }
    }

    /// An answer to what was sent before the ban says nothing about it.
    fn lift_ban(&self, state: &mut State) {
        if self.bans == state.bans {
            state.ban = None;
        }
    }
}

impl Refusals {
    /// The last refusal again, if there were too many within the window.
    fn stop(&mut self, now: Instant) -> Option<Refusal> {
        while self.at.front().is_some_and(|at| now - *at >= WINDOW) {
            self.at.pop_front();
        }
        let over = self.at.len().checked_sub(MOST_REFUSALS)?;
        let until = *self.at.get(over)? + WINDOW;
        Some(Refusal { retry_after: Some(until - now), ..self.last.clone()? })
    }
}

/// A panic elsewhere left no half-made change: each is a single assignment or push.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
