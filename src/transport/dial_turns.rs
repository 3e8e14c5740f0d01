//! A layer around the connector in which dials take turns.
//!
//! The pool below dials for every request that finds no idle connection, without a limit, and goes on dialling when another
//! connection serves the request meanwhile. So a dial waits here for its turn. The pool moves the dial of a request that
//! has been served to a task of its own, so a waiting dial whose task has changed is not needed any more and gives up.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use hyper_util::client::legacy::connect::Connection;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task,
    time::timeout,
};
use tower_service::Service;

use crate::sync::lock;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How many dials may be under way at once: one, until a connection turns out to speak HTTP/1.1. Over HTTP/2 the first
/// connection serves all that wait; over HTTP/1.1 each request under way needs one of its own.
#[derive(Clone)]
pub struct DialTurns(Arc<Turns>);

struct Turns {
    free: Semaphore,
    count: Mutex<Count>,
    max_h1: AtomicUsize,
    slow_dial: Duration,
}

struct Count {
    wanted: usize,
    /// Free and taken. More than wanted as long as too many are taken.
    total: usize,
}

/// Leave to dial, until it is dropped.
struct Turn<'a> {
    turns: &'a Turns,
    permit: Option<SemaphorePermit<'a>>,
}

impl DialTurns {
    /// A dial that takes longer than `slow_dial` lets the next one begin.
    pub fn new(max_h1: usize, slow_dial: Duration) -> Self {
        DialTurns(Arc::new(Turns {
            free: Semaphore::new(1),
            count: Mutex::new(Count { wanted: 1, total: 1 }),
            max_h1: AtomicUsize::new(max_h1),
            slow_dial,
        }))
    }

    /// The connector, whose dials take these turns.
    pub fn layer<S>(&self, connector: S) -> Dial<S> {
        Dial { connector: Arc::new(connector), turns: Arc::clone(&self.0) }
    }

    /// Sets how many may dial at once over HTTP/1.1, from the next connection on.
    pub fn set_max_h1(&self, max_h1: usize) {
        self.0.max_h1.store(max_h1, Ordering::Relaxed);
    }
}

impl Turns {
    /// Waits for a turn. `None` if the dial is not needed any more.
    async fn take(&self) -> Option<Turn<'_>> {
        let request = task::try_id();
        let mut permit = pin!(self.free.acquire());
        let permit = poll_fn(|context| match task::try_id() == request {
            // The semaphore is never closed.
            true => permit.as_mut().poll(context).map(Result::ok),
            false => Poll::Ready(None),
        })
        .await?;
        Some(Turn { turns: self, permit: Some(permit) })
    }

    /// Learns from a connection how many dials the server is worth at once.
    fn connected(&self, multiplexed: bool) {
        let mut count = lock(&self.count);
        count.wanted = match multiplexed {
            true => 1,
            false => self.max_h1.load(Ordering::Relaxed),
        };
        if count.wanted > count.total {
            self.free.add_permits(count.wanted - count.total);
            count.total = count.wanted;
        } else {
            count.total -= self.free.forget_permits(count.total - count.wanted);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut count = lock(&self.turns.count);
        if count.total > count.wanted {
            count.total -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
    }
}

/// A connector whose dials wait for their turns.
pub struct Dial<S> {
    // Shared, since the client clones its connector several times a request.
    connector: Arc<S>,
    turns: Arc<Turns>,
}

impl<S> Clone for Dial<S> {
    fn clone(&self) -> Self {
        Dial { connector: Arc::clone(&self.connector), turns: Arc::clone(&self.turns) }
    }
}

impl<S, Target> Service<Target> for Dial<S>
where
    S: Service<Target, Error = BoxError> + Clone + Send + Sync + 'static,
    S::Response: Connection + Send + 'static,
    S::Future: Send + 'static,
    Target: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Target) -> Self::Future {
        let Dial { connector, turns } = self.clone();
        Box::pin(async move {
            let turn = turns.take().await.ok_or("another connection serves the request")?;
            let mut connector = (*connector).clone();
            let mut dial = pin!(async {
                poll_fn(|context| connector.poll_ready(context)).await?;
                connector.call(target).await
            });
            let connection = match timeout(turns.slow_dial, &mut dial).await {
                Ok(connection) => connection?,
                Err(_) => {
                    drop(turn);
                    dial.await?
                }
            };
            turns.connected(connection.connected().is_negotiated_h2());
            Ok(connection)
        })
    }
}

#[cfg(test)]
mod tests;
