//! One request, from its turn to what was learned from its reply.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use crate::{
    breaker::CircuitBreaker,
    error::RequestError,
    limiter::InFlight,
    options::Account,
    poll::final_poll_margin,
    registry::Registry,
    transport::{BodySent, Reply, Request, Transport},
    wire::Method,
};

/// An account, and what all calls to it share.
pub struct Endpoint<'a, T> {
    pub account: &'a Account,
    pub limiter: InFlight,
    pub deadline: Instant,
    transport: &'a T,
    breaker: Arc<CircuitBreaker>,
}

impl<'a, T> Endpoint<'a, T> {
    pub fn new(account: &'a Account, registry: &'a Registry<T>, deadline: Instant) -> Self {
        Endpoint {
            account,
            limiter: registry.enter(account),
            deadline,
            transport: &registry.transport,
            breaker: registry.breaker(account),
        }
    }
}

/// What the requests of one call have done so far.
#[derive(Debug, Default)]
pub struct Activity {
    /// How many getTaskResult requests went out.
    pub polls: u32,
    /// Whether a task was created, or may have been.
    charged: bool,
    /// The createTask in flight.
    create: Option<BodySent>,
}

impl Activity {
    /// Of a call about a task that exists. It is taken to be paid for: whoever asks for its result has bought it.
    pub fn of_task() -> Self {
        Activity { charged: true, ..Activity::default() }
    }

    /// Whether money may have been spent. A createTask whose body has left may have been accepted until its reply is known.
    pub fn may_be_charged(&self) -> bool {
        self.charged || self.create.as_ref().is_some_and(BodySent::get)
    }

    fn sent(&mut self, method: Method) -> BodySent {
        let body_sent = BodySent::default();
        match method {
            Method::CreateTask => self.create = Some(body_sent.clone()),
            Method::GetTaskResult => self.polls += 1,
            Method::GetBalance => {}
        }
        body_sent
    }

    fn ended<R>(&mut self, method: Method, result: &Result<R, RequestError>) {
        if method == Method::CreateTask {
            self.create = None;
            self.charged = match result {
                Ok(_) => true,
                Err(error) => error.may_have_been_accepted(),
            };
        }
    }
}

/// A request that came to no usable reply.
#[derive(Debug)]
pub struct Failed {
    pub error: RequestError,
    /// How long the server asks for no further request.
    pub retry_after: Option<Duration>,
}

/// Sends one request and decodes its reply. No text in an error holds a secret.
pub async fn attempt<T: Transport, R>(
    endpoint: &Endpoint<'_, T>,
    activity: &mut Activity,
    method: Method,
    body: &Bytes,
    decode: impl Fn(u16, &[u8]) -> Result<R, RequestError>,
) -> Result<R, Failed> {
    let permit = match endpoint.breaker.acquire(method).await {
        Ok(permit) => permit,
        Err(refusal) => return Err(RequestError::Provider(Box::new(refusal)).into()),
    };
    let result = exchange(endpoint, activity, method, body).await;
    if let (Method::CreateTask, Err(RequestError::Interrupted { .. })) = (method, &result) {
        endpoint.limiter.record_lost_create();
    }
    let (result, retry_after) = match result {
        Ok(reply) => (decode(reply.status, &reply.body), reply.retry_after),
        Err(error) => (Err(error), None),
    };
    activity.ended(method, &result);
    let mut result = result.map_err(|error| error.redact(|text| endpoint.account.secrets.redact(text)));
    permit.record(&mut result, retry_after);
    result.map_err(|error| Failed { error, retry_after })
}

/// Waits for a turn at the host, sends the request and reads the whole reply within `requestTimeoutMs`.
async fn exchange<T: Transport>(
    endpoint: &Endpoint<'_, T>,
    activity: &mut Activity,
    method: Method,
    body: &Bytes,
) -> Result<Reply, RequestError> {
    let Endpoint { account, limiter, transport, .. } = endpoint;
    let permit = limiter.acquire(method).await;
    if method == Method::CreateTask && Instant::now() > endpoint.deadline - final_poll_margin(account.timeout) / 2 {
        // It waited so long that its reply would come too late, and it costs money.
        return Err(RequestError::Connect { detail: "no time was left to send it".into() });
    }
    let body_sent = activity.sent(method);
    let own_connection = method == Method::CreateTask && limiter.create_was_lost();
    let reply = async {
        let request = Request { account, method, body: body.clone(), own_connection };
        timeout(account.request_timeout, transport.send(request, &body_sent)).await.unwrap_or_else(|_| {
            let (host, limit) = (account.authority(), account.request_timeout.as_millis());
            let detail = match body_sent.get() {
                true => format!("{host} sent no complete reply within requestTimeoutMs ({limit} ms)"),
                false => format!("nothing could be sent to {host} within requestTimeoutMs ({limit} ms)"),
            };
            Err(RequestError::Interrupted { detail })
        })
    };
    match permit.run(reply).await {
        // As long as nothing was sent, nothing can have been acted on.
        Err(RequestError::Interrupted { detail }) if !body_sent.get() => Err(RequestError::Connect { detail }),
        result => result,
    }
}

impl From<RequestError> for Failed {
    fn from(error: RequestError) -> Self {
        Failed { error, retry_after: None }
    }
}

#[cfg(test)]
mod tests;
