//! Stops sending before a provider bans the key, and while it has banned it; only polls for paid tasks go on then. One
//! circuit breaker for each account.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use crate::{
    error::{ProviderError, RequestError},
    provider::Reason,
    sync::lock,
    wire::Method,
};

/// Providers count refusals by the minute.
const WINDOW: Duration = Duration::from_secs(60);
/// After so many account refusals in a minute there is no point in another.
const MAX_REFUSALS: usize = 9;
/// While banned, one request a minute finds out whether the ban is over.
const HALF_OPEN_INTERVAL: Duration = Duration::from_secs(60);
/// The longest time for which a `Retry-After` beside a ban is obeyed.
const MAX_BAN: Duration = Duration::from_secs(30 * 60);

pub struct CircuitBreaker {
    /// Bounds the createTask requests in flight. Together with [`MAX_REFUSALS`] it stays below what the provider bans for,
    /// even if the balance runs out and all of them come back refused.
    create: Semaphore,
    /// Bounds the others in the same way until the key is known to be good.
    poll: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The latest refusals of the account, apart for each method as providers count them: an empty balance must never keep
    /// a paid result away.
    refusals: [SlidingWindow; 3],
    known_key: bool,
    open: Option<Open>,
    /// How often it has opened.
    opened: u64,
}

#[derive(Default)]
struct SlidingWindow {
    at: VecDeque<Instant>,
    last: Option<ProviderError>,
}

/// The provider has banned the account.
struct Open {
    error: ProviderError,
    at: Instant,
    next_probe: Instant,
}

/// Leave to send one request.
pub struct Permit<'a> {
    breaker: &'a CircuitBreaker,
    method: Method,
    /// How often the breaker had opened when the permit was given.
    opened: u64,
    _permit: Option<SemaphorePermit<'a>>,
}

impl CircuitBreaker {
    pub fn new(ban_after: usize) -> Self {
        let in_flight = ban_after - MAX_REFUSALS - 1;
        CircuitBreaker { create: Semaphore::new(in_flight), poll: Semaphore::new(in_flight), state: Mutex::default() }
    }

    /// Waits for a permit; or returns at once what the provider would only say again.
    pub async fn acquire(&self, method: Method) -> Result<Permit<'_>, ProviderError> {
        // The semaphores are never closed, so each gives a permit in the end.
        let permit = match method {
            Method::CreateTask => self.create.acquire().await.ok(),
            _ if self.knows_the_key() => None,
            _ => self.poll.acquire().await.ok().filter(|_| !self.knows_the_key()),
        };
        let mut state = lock(&self.state);
        let now = Instant::now();
        if let Some(error) = state.refusals[method as usize].refusal(now) {
            return Err(error);
        }
        // A poll asks for what is paid for: at worst the query is refused.
        if let Some(open) = state.open.as_mut().filter(|_| method != Method::GetTaskResult) {
            if now < open.next_probe {
                return Err(open.error.repeated(now - open.at, open.next_probe - now));
            }
            open.next_probe = now + HALF_OPEN_INTERVAL;
        }
        Ok(Permit { breaker: self, method, opened: state.opened, _permit: permit })
    }

    /// Whether it can be forgotten: nothing is remembered that would keep a request from going out.
    pub fn is_idle(&self) -> bool {
        let state = lock(&self.state);
        let recent = |window: &SlidingWindow| window.at.back().is_some_and(|last| last.elapsed() < WINDOW);
        let open = state.open.as_ref().is_some_and(|open| Instant::now() < open.next_probe);
        !open && !state.refusals.iter().any(recent)
    }

    fn knows_the_key(&self) -> bool {
        lock(&self.state).known_key
    }
}

impl Permit<'_> {
    /// Records what the provider answered, and notes in a refusal when the next request may go out.
    pub fn record<T>(&self, result: &mut Result<T, RequestError>, retry_after: Option<Duration>) {
        let mut state = lock(&self.breaker.state);
        let now = Instant::now();
        match result {
            Ok(_) => {
                state.known_key = true;
                self.close(&mut state);
            }
            Err(RequestError::Provider(error)) if error.reason == Reason::Banned => {
                let pause = retry_after.unwrap_or_default().clamp(HALF_OPEN_INTERVAL, MAX_BAN);
                error.retry_after = Some(pause);
                state.open = Some(Open { error: (**error).clone(), at: now, next_probe: now + pause });
                state.opened += 1;
            }
            Err(RequestError::Provider(error)) => {
                self.close(&mut state);
                if error.reason == Reason::Account {
                    // An empty balance says nothing against the key.
                    state.known_key &= self.method == Method::CreateTask;
                    let window = &mut state.refusals[self.method as usize];
                    window.at.push_back(now);
                    window.last = Some((**error).clone());
                    error.retry_after = window.refusal(now).and_then(|refusal| refusal.retry_after);
                }
            }
            // Not the provider's word.
            Err(_) => {}
        }
    }

    /// A reply to what was sent before the ban says nothing about it.
    fn close(&self, state: &mut State) {
        if self.opened == state.opened {
            state.open = None;
        }
    }
}

impl SlidingWindow {
    /// The last refusal again, if there were too many within the window.
    fn refusal(&mut self, now: Instant) -> Option<ProviderError> {
        while self.at.front().is_some_and(|at| now - *at >= WINDOW) {
            self.at.pop_front();
        }
        let over = self.at.len().checked_sub(MAX_REFUSALS)?;
        let until = *self.at.get(over)? + WINDOW;
        Some(self.last.as_ref()?.repeated(now - *self.at.back()?, until - now))
    }
}

#[cfg(test)]
mod tests;
