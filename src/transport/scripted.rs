//! A transport for tests: it replies from a script, in Tokio time, and notes what was sent and when.

use std::{collections::VecDeque, future, sync::Mutex, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{BodySent, Reply, Request, Transport};
use crate::{error::RequestError, sync::lock, wire::Method};

/// What the network does with one request.
#[derive(Clone, Debug)]
pub struct Step {
    /// Before the body leaves.
    pub connect_takes: Duration,
    /// Whether the body leaves at all.
    pub body_leaves: bool,
    /// From then to the result.
    pub reply_takes: Duration,
    /// `None`: never a result.
    pub result: Option<Result<Reply, RequestError>>,
}

impl Step {
    pub fn result(result: Result<Reply, RequestError>) -> Self {
        let body_leaves = !matches!(
            result,
            Err(RequestError::Connect { .. }
                | RequestError::Configuration { .. }
                | RequestError::Certificate { .. }
                | RequestError::NotProcessed { .. })
        );
        Step { connect_takes: Duration::ZERO, body_leaves, reply_takes: Duration::ZERO, result: Some(result) }
    }

    pub fn error(error: RequestError) -> Self {
        Step::result(Err(error))
    }

    pub fn reply(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Step::result(Ok(Reply { status, body: body.into(), retry_after: None, multiplexed: false }))
    }

    pub fn json(body: &Value) -> Self {
        Step::reply(200, body.to_string())
    }

    /// The body leaves, or does not, and nothing ever comes back.
    pub fn silence(body_leaves: bool) -> Self {
        Step { connect_takes: Duration::ZERO, body_leaves, reply_takes: Duration::ZERO, result: None }
    }

    pub fn retry_after(mut self, wait: Duration) -> Self {
        if let Some(Ok(reply)) = &mut self.result {
            reply.retry_after = Some(wait);
        }
        self
    }

    pub fn connect_takes(self, connect_takes: Duration) -> Self {
        Step { connect_takes, ..self }
    }

    pub fn reply_takes(self, reply_takes: Duration) -> Self {
        Step { reply_takes, ..self }
    }
}

/// A request as it was handed to the transport.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Since the script began.
    pub at: Duration,
    pub method: Method,
    pub body: Value,
    pub host: String,
    pub own_connection: bool,
}

/// Replies to each request with the next step of its method, and with `otherwise` once these have run out.
pub struct Scripted {
    started: Instant,
    steps: Mutex<Vec<(Method, VecDeque<Step>)>>,
    otherwise: Mutex<Vec<(Method, Step)>>,
    sent: Mutex<Vec<Sent>>,
}

impl Default for Scripted {
    fn default() -> Self {
        Scripted {
            started: Instant::now(),
            steps: Mutex::default(),
            otherwise: Mutex::default(),
            sent: Mutex::default(),
        }
    }
}

impl Scripted {
    /// The next requests of this method meet these steps, in order.
    pub fn then(self, method: Method, steps: impl IntoIterator<Item = Step>) -> Self {
        lock(&self.steps).push((method, steps.into_iter().collect()));
        self
    }

    /// Every request of this method meets this step once its script has run out.
    pub fn always(self, method: Method, step: Step) -> Self {
        lock(&self.otherwise).push((method, step));
        self
    }

    pub fn sent(&self) -> Vec<Sent> {
        lock(&self.sent).clone()
    }

    /// The instants at which requests of the method were sent, in milliseconds.
    pub fn instants(&self, method: Method) -> Vec<u64> {
        self.sent().iter().filter(|sent| sent.method == method).map(|sent| sent.at.as_millis() as u64).collect()
    }

    pub fn count(&self, method: Method) -> usize {
        self.instants(method).len()
    }

    fn next(&self, method: Method) -> Step {
        let scripted =
            lock(&self.steps).iter_mut().filter(|(of, _)| *of == method).find_map(|(_, steps)| steps.pop_front());
        let otherwise = || lock(&self.otherwise).iter().find(|(of, _)| *of == method).map(|(_, step)| step.clone());
        scripted.or_else(otherwise).unwrap_or_else(|| panic!("an unexpected {}", method.name()))
    }
}

impl Transport for Scripted {
    async fn send(&self, request: Request<'_>, body_sent: &BodySent) -> Result<Reply, RequestError> {
        let body = serde_json::from_slice(&request.body).expect("a request's body is JSON");
        let host = request.account.base_url.host_str().unwrap_or_default().to_owned();
        let Request { method, own_connection, .. } = request;
        lock(&self.sent).push(Sent { at: self.started.elapsed(), method, body, host, own_connection });
        let step = self.next(method);
        sleep(step.connect_takes).await;
        if step.body_leaves {
            body_sent.set();
        }
        sleep(step.reply_takes).await;
        match step.result {
            Some(result) => result,
            None => future::pending().await,
        }
    }
}
