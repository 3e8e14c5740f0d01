//! Bounds the requests to one host that are in flight at once: first come, first served.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    pin,
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{error::RequestError, transport::Reply, wire::Method};

/// Requests in flight over HTTP/1.1, where each needs a connection of its own. createTask has its own, so that it is never
/// stuck behind thousands of polls.
const MAX_H1_CREATE: usize = 16;
const MAX_H1_POLL: usize = 32;
/// Requests in flight in a lane, those included that have waited so long that they gave their place to others; and all
/// there are over HTTP/2, where another stream costs next to nothing.
const MAX_IN_FLIGHT: usize = 256;
/// A request that takes longer waits for the server: others need not wait with it, and find out whether it answers.
const SLOW_REPLY: Duration = Duration::from_secs(2);
/// From so many calls at once on, their polls are spread out.
const MANY_CALLS: usize = 1000;

pub struct HostLimiter {
    create: Lane,
    poll: Lane,
    create_was_lost: AtomicBool,
    calls: AtomicUsize,
}

/// Requests that share a pool of connections.
struct Lane {
    in_flight: Semaphore,
    h1: Semaphore,
    /// Whether the latest reply came over HTTP/2.
    multiplexed: AtomicBool,
}

/// Leave to send one request.
pub struct Permit<'a> {
    lane: &'a Lane,
    _in_flight: Option<SemaphorePermit<'a>>,
    h1: Option<SemaphorePermit<'a>>,
}

/// One call among those in flight to a host.
pub struct InFlight(Arc<HostLimiter>);

impl Default for HostLimiter {
    fn default() -> Self {
        HostLimiter {
            create: Lane::new(MAX_H1_CREATE),
            poll: Lane::new(MAX_H1_POLL),
            create_was_lost: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
        }
    }
}

impl HostLimiter {
    /// Counts a call until the returned value is dropped.
    pub fn enter(self: Arc<Self>) -> InFlight {
        self.calls.fetch_add(1, Ordering::Relaxed);
        InFlight(self)
    }

    /// Waits for a permit.
    pub async fn acquire(&self, method: Method) -> Permit<'_> {
        let lane = match method {
            Method::CreateTask => &self.create,
            Method::GetTaskResult | Method::GetBalance => &self.poll,
        };
        // The semaphores are never closed, so each gives a permit in the end.
        let in_flight = lane.in_flight.acquire().await.ok();
        let h1 = match lane.multiplexed.load(Ordering::Relaxed) {
            true => None,
            false => lane.h1.acquire().await.ok(),
        };
        Permit { lane, _in_flight: in_flight, h1 }
    }

    /// Whether so many calls are in flight that their polls should be spread out.
    pub fn has_many_calls(&self) -> bool {
        self.calls.load(Ordering::Relaxed) >= MANY_CALLS
    }

    /// Whether a createTask was lost here. It may have gone out just as the server closed its connection, and it cannot be
    /// sent again: from then on each goes out over a connection of its own.
    pub fn create_was_lost(&self) -> bool {
        self.create_was_lost.load(Ordering::Relaxed)
    }

    pub fn record_lost_create(&self) {
        self.create_was_lost.store(true, Ordering::Relaxed);
    }
}

impl Lane {
    fn new(max_h1: usize) -> Self {
        Lane {
            in_flight: Semaphore::new(MAX_IN_FLIGHT),
            h1: Semaphore::new(max_h1),
            multiplexed: AtomicBool::new(false),
        }
    }
}

impl Permit<'_> {
    /// Runs the exchange that the permit is for.
    pub async fn run(
        mut self,
        exchange: impl Future<Output = Result<Reply, RequestError>>,
    ) -> Result<Reply, RequestError> {
        pin!(exchange);
        let outcome = match timeout(SLOW_REPLY, &mut exchange).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.h1 = None;
                exchange.await
            }
        };
        if let Ok(reply) = &outcome {
            self.lane.multiplexed.store(reply.multiplexed, Ordering::Relaxed);
        }
        outcome
    }
}

impl std::ops::Deref for InFlight {
    type Target = HostLimiter;

    fn deref(&self) -> &HostLimiter {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
