//! A layer around the connector in which dials take turns.
//!
//! The pool below dials for every request that finds no idle connection, without a limit, and goes on dialling when another
//! connection serves the request meanwhile. So a dial waits here for its turn. The pool moves the dial of a request that
//! has been served to a task of its own, so a waiting dial whose task has changed is not needed any more and gives up.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task,
    time::timeout,
};
use tower_layer::Layer;
use tower_service::Service;

/// For name resolution, TCP and TLS together. Waiting for a turn does not count.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How many dials may be under way at once.
#[derive(Clone)]
pub struct DialTurns {
    turns: Arc<Semaphore>,
    widened: Arc<AtomicBool>,
}

impl DialTurns {
    /// One at a time: over HTTP/2 one connection then serves all that wait.
    pub fn one_at_a_time() -> Self {
        DialTurns { turns: Arc::new(Semaphore::new(1)), widened: Arc::default() }
    }

    /// Lets so many dial at once: the server speaks HTTP/1.1, where each request under way needs a connection of its own.
    /// Only the first call counts.
    pub fn widen(&self, turns: usize) {
        if !self.widened.swap(true, Ordering::Relaxed) {
            self.turns.add_permits(turns.saturating_sub(1));
        }
    }

    /// A turn, or `None` if the dial is not needed any more.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        let request = task::try_id();
        let mut turn = pin!(Arc::clone(&self.turns).acquire_owned());
        poll_fn(|context| match task::try_id() == request {
            true => turn.as_mut().poll(context).map(Result::ok),
            false => Poll::Ready(None),
        })
        .await
    }
}

impl<S> Layer<S> for DialTurns {
    type Service = Dial<S>;

    fn layer(&self, connector: S) -> Dial<S> {
        Dial { connector: Arc::new(connector), turns: self.clone() }
    }
}

/// A connector whose dials wait for their turns.
pub struct Dial<S> {
    // Shared, since the client clones its connector several times a request.
    connector: Arc<S>,
    turns: DialTurns,
}

impl<S> Clone for Dial<S> {
    fn clone(&self) -> Self {
        Dial { connector: Arc::clone(&self.connector), turns: self.turns.clone() }
    }
}

impl<S, Target> Service<Target> for Dial<S>
where
    S: Service<Target, Error = BoxError> + Clone + Send + Sync + 'static,
    S::Response: Send + 'static,
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
        let (connector, turns) = (Arc::clone(&self.connector), self.turns.clone());
        Box::pin(async move {
            let _turn = turns.take().await.ok_or("another connection serves the request")?;
            let mut connector = (*connector).clone();
            let dial = async {
                poll_fn(|context| connector.poll_ready(context)).await?;
                connector.call(target).await
            };
            timeout(CONNECT_TIMEOUT, dial).await.map_err(|_| "no connection within 5 s")?
        })
    }
}
