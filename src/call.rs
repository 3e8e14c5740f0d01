//! One call of the API while it runs: its state, its events, and the context of its error.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::{
    attempt::{Activity, Endpoint, attempt},
    error::{Error, ErrorKind, RequestError, UnusableSolution},
    options::{Account, NewTask, TaskId},
    poll::{self, Alignment, Operation, Outcome, PollPolicy, RetryDelay, Stopped},
    provider::{IdType, Reason},
    registry::Registry,
    retry::{Retry, retry_policy},
    transport::Transport,
    wire::{self, Balance, Created, Method, ProviderSolution, TaskStatus},
};

/// How the requests of a single call follow each other when one has to go out again.
const SINGLE: PollPolicy = PollPolicy {
    first_delay: Duration::ZERO,
    interval: Duration::from_millis(500),
    max_backoff: Duration::from_secs(10),
    alignment: None,
};
/// How often a request that cannot even connect is sent, where [`Retry::Limited`] says so.
const MAX_CONNECT_ATTEMPTS: u32 = 5;
/// How far back-off spreads polls while a provider fails.
const MAX_POLL_BACKOFF: Duration = Duration::from_secs(20);
/// The least wait of a poll that was refused since the account is banned.
const MIN_WAIT_WHILE_BANNED: Duration = Duration::from_secs(3);
/// The polls of many calls at once go out at multiples of this.
const ALIGNMENT_STEP: Duration = Duration::from_millis(250);

/// Called with what happens on the way.
pub type ProgressListener = dyn Fn(Event) + Send + Sync;

#[derive(Clone, Debug)]
pub struct Event {
    pub phase: Phase,
    pub provider: &'static str,
    pub label: Option<Arc<str>>,
    pub task_id: Option<String>,
    pub polls: u32,
    pub retries: u32,
    pub elapsed: Duration,
}

#[derive(Clone, Debug)]
pub enum Phase {
    Created,
    Processing,
    Retrying {
        delay: Duration,
        code: &'static str,
        message: String,
    },
    Ready,
    /// The call is over, with whatever result.
    Ended,
}

/// A task as createTask left it.
#[derive(Debug)]
pub struct Task {
    pub id: TaskId,
    pub provider: &'static str,
    pub created_at: SystemTime,
}

/// A token and where it came from.
#[derive(Debug)]
pub struct Solution {
    pub provided: ProviderSolution,
    pub provider: &'static str,
    pub label: Option<Arc<str>>,
    pub task_id: String,
    /// Known only to the call that created the task.
    pub created_at: Option<SystemTime>,
    pub ready_at: SystemTime,
    pub elapsed: Duration,
    pub polls: u32,
    pub retries: u32,
}

pub struct Call<'a, T> {
    endpoint: Endpoint<'a, T>,
    registry: &'a Registry<T>,
    state: State<'a>,
}

/// What changes while a call runs.
struct State<'a> {
    listener: Option<Arc<ProgressListener>>,
    account: &'a Account,
    started: Instant,
    activity: Activity,
    retries: u32,
    /// As it is shown: a provider may put a secret into it.
    task_id: Option<String>,
    created_at: Option<SystemTime>,
    last_error: Option<RequestError>,
}

impl<'a, T: Transport> Call<'a, T> {
    pub fn new(account: &'a Account, registry: &'a Registry<T>, listener: Option<Arc<ProgressListener>>) -> Self {
        let started = Instant::now();
        Call {
            endpoint: Endpoint::new(account, registry, started + account.timeout),
            registry,
            state: State {
                listener,
                account,
                started,
                activity: Activity::default(),
                retries: 0,
                task_id: None,
                created_at: None,
                last_error: None,
            },
        }
    }

    /// A call about a task that exists.
    pub fn of_task(
        account: &'a Account,
        registry: &'a Registry<T>,
        listener: Option<Arc<ProgressListener>>,
        task_id: &TaskId,
    ) -> Self {
        let mut call = Call::new(account, registry, listener);
        call.state.task_id = Some(account.secrets.redact(task_id.to_string()));
        call.state.activity = Activity::of_task();
        call
    }

    pub fn deadline(&self) -> Instant {
        self.endpoint.deadline
    }

    /// Creates a task: the call that is billed.
    pub async fn create_task(&mut self, task: NewTask) -> Result<Created, Error> {
        let (task, beside) = task.into_fields();
        let body = wire::create_task_body(self.client_key(), &task, &beside);
        drop((task, beside));
        let decode = |status, body: &[u8]| wire::created(status, body).map(Some);
        let created = self.send(Method::CreateTask, body, None, &SINGLE, decode).await?;
        self.state.last_error = None;
        self.state.created_at = Some(SystemTime::now());
        if let Created::Pending(id) | Created::Ready { id: Some(id), .. } = &created {
            self.state.task_id = Some(self.endpoint.account.secrets.redact(id.to_string()));
        }
        self.state.emit(Phase::Created);
        Ok(created)
    }

    /// The task that was created, for a call that delivers nothing else. An error, if it has no id, or none that can be
    /// shown: the id is all that another call can fetch the token with.
    pub fn task(&self, created: Created) -> Result<Task, Error> {
        let (problem, raw) = match created {
            Created::Pending(id) | Created::Ready { id: Some(id), .. } => {
                if self.state.task_id.as_deref() == Some(&id.to_string()) {
                    let created_at = self.state.created_at.unwrap_or_else(SystemTime::now);
                    return Ok(Task { id, provider: self.state.account.provider.name, created_at });
                }
                ("the reply to createTask has a taskId that repeats a secret of the account", "null".into())
            }
            Created::Ready { id: None, solution } => {
                ("the reply to createTask has a solution but no taskId", solution.raw.get().into())
            }
        };
        let error = RequestError::Solution(Box::new(UnusableSolution { status: 200, problem, raw }));
        let error = error.redact(|text| self.endpoint.account.secrets.redact(text));
        Err(self.state.error(ErrorKind::Request { call: Method::CreateTask.name(), error }))
    }

    /// The solution that came with the reply to createTask.
    pub fn deliver(&self, provided: ProviderSolution) -> Solution {
        self.state.emit(Phase::Ready);
        self.state.solution(provided)
    }

    /// Asks once for a task's status.
    pub async fn get_task_result(&mut self, task_id: &TaskId) -> Result<Option<Solution>, Error> {
        let body = wire::get_task_result_body(self.client_key(), task_id);
        let decode = |status, body: &[u8]| wire::task_status(status, body).map(Some);
        let other_body = self.body_of_other_type(task_id);
        match self.send(Method::GetTaskResult, body, other_body, &SINGLE, decode).await? {
            TaskStatus::Processing => {
                self.state.emit(Phase::Processing);
                Ok(None)
            }
            TaskStatus::Ready(provided) => Ok(Some(self.deliver(provided))),
        }
    }

    /// Polls a task until it is ready.
    pub async fn wait_for_task(&mut self, task_id: &TaskId, interval: Duration) -> Result<Solution, Error> {
        let body = wire::get_task_result_body(self.client_key(), task_id);
        let policy = self.poll_policy(interval);
        let decode = |status, body: &[u8]| match wire::task_status(status, body)? {
            TaskStatus::Processing => Ok(None),
            TaskStatus::Ready(provided) => Ok(Some(provided)),
        };
        let other_body = self.body_of_other_type(task_id);
        let provided = self.send(Method::GetTaskResult, body, other_body, &policy, decode).await?;
        Ok(self.deliver(provided))
    }

    pub async fn get_balance(&mut self) -> Result<Balance, Error> {
        let body = wire::get_balance_body(self.client_key());
        self.send(Method::GetBalance, body, None, &SINGLE, |status, body| wire::balance(status, body).map(Some)).await
    }

    /// The result of the call, however it ended.
    pub fn finish<R>(&self, ended: Result<Result<R, Error>, Stopped>) -> Result<R, Error> {
        self.state.emit(Phase::Ended);
        match ended {
            Ok(result) => result,
            Err(Stopped::Cancelled) => Err(self.state.error(ErrorKind::Aborted)),
            Err(Stopped::Deadline) => {
                let State { started, activity, last_error, .. } = &self.state;
                let timeout = self.endpoint.account.timeout;
                let kind = ErrorKind::Timeout { timeout, elapsed: started.elapsed(), polls: activity.polls };
                Err(Error { cause: last_error.clone().map(Box::new), ..self.state.error(kind) })
            }
        }
    }

    /// Where the type of ids is not documented: digits that were kept as text may have been a number.
    fn body_of_other_type(&self, task_id: &TaskId) -> Option<Box<Bytes>> {
        match self.endpoint.account.provider.task_id {
            IdType::Text => None,
            IdType::AsGiven => Some(wire::get_task_result_body(self.client_key(), &task_id.as_number()?).into()),
        }
    }

    /// Sends one request as often as needed; with the other body from the time that the first is refused as one that the
    /// provider does not know. `decode` returns `None` for "not yet".
    async fn send<R: Send>(
        &mut self,
        method: Method,
        body: Bytes,
        other_body: Option<Box<Bytes>>,
        policy: &PollPolicy,
        decode: impl Fn(u16, &[u8]) -> Result<Option<R>, RequestError> + Send + Sync,
    ) -> Result<R, Error> {
        let Call { endpoint, state, .. } = self;
        let deadline = endpoint.deadline;
        let mut sending =
            Sending { endpoint, state, method, body, other_body, decode, connect_failures: 0, resent_at_once: false };
        let result = poll::poll(policy, deadline, &mut sending).await;
        result.map_err(|error| self.state.error(ErrorKind::Request { call: method.name(), error }))
    }

    fn poll_policy(&self, interval: Duration) -> PollPolicy {
        let policy = PollPolicy { first_delay: interval, interval, max_backoff: MAX_POLL_BACKOFF, alignment: None };
        match self.endpoint.limiter.has_many_calls() {
            true => policy.spread(Alignment { origin: self.registry.started, step: ALIGNMENT_STEP }),
            false => policy,
        }
    }

    fn client_key(&self) -> &str {
        self.endpoint.account.client_key.expose_secret()
    }
}

impl State<'_> {
    fn solution(&self, provided: ProviderSolution) -> Solution {
        Solution {
            provided,
            provider: self.account.provider.name,
            label: self.account.label.clone(),
            task_id: self.task_id.clone().unwrap_or_default(),
            created_at: self.created_at,
            ready_at: SystemTime::now(),
            elapsed: self.started.elapsed(),
            polls: self.activity.polls,
            retries: self.retries,
        }
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error {
            kind,
            provider: Some(self.account.provider.name),
            label: self.account.label.clone(),
            task_id: self.task_id.clone(),
            may_be_charged: self.activity.may_be_charged(),
            cause: None,
        }
    }

    fn emit(&self, phase: Phase) {
        if let Some(listener) = &self.listener {
            listener(Event {
                phase,
                provider: self.account.provider.name,
                label: self.account.label.clone(),
                task_id: self.task_id.clone(),
                polls: self.activity.polls,
                retries: self.retries,
                elapsed: self.started.elapsed(),
            });
        }
    }
}

/// One request of a call, as the poll loop sees it.
struct Sending<'c, 'a, T, D> {
    endpoint: &'c Endpoint<'a, T>,
    state: &'c mut State<'a>,
    method: Method,
    body: Bytes,
    other_body: Option<Box<Bytes>>,
    decode: D,
    /// How often in a row there was no connection.
    connect_failures: u32,
    /// Whether a request was resent without a wait since the last usable reply.
    resent_at_once: bool,
}

impl<T, R, D> Operation for Sending<'_, '_, T, D>
where
    T: Transport,
    R: Send,
    D: Fn(u16, &[u8]) -> Result<Option<R>, RequestError> + Send + Sync,
{
    type Output = R;
    type Error = RequestError;

    async fn call(&mut self) -> Outcome<R, RequestError> {
        let Sending { endpoint, state, method, body, decode, .. } = self;
        // Boxed, so that a call that only waits for its next poll does not carry the space of an attempt.
        let attempt = Box::pin(attempt(endpoint, &mut state.activity, *method, body, &*decode));
        let failed = match attempt.await {
            Ok(Some(output)) => return Outcome::Success(output),
            Ok(None) => return Outcome::Pending,
            Err(failed) => failed,
        };
        let error = failed.error;
        self.connect_failures = if let RequestError::Connect { .. } = error { self.connect_failures + 1 } else { 0 };
        if let RequestError::Provider(refusal) = &error
            && let Reason::Expired | Reason::Request = refusal.reason
            && let Some(other_body) = self.other_body.take()
        {
            self.body = *other_body;
            return Outcome::Retry { error, delay: RetryDelay::None };
        }
        let retries = match retry_policy(self.method, &error) {
            Retry::UntilDeadline => true,
            Retry::Limited => self.connect_failures < MAX_CONNECT_ATTEMPTS,
            Retry::Never => false,
        };
        if !retries {
            return Outcome::Failure(error);
        }
        // The server closes a connection, say, and has processed nothing: another one serves the request at once.
        let at_once = matches!(error, RequestError::NotProcessed { .. }) && !self.resent_at_once;
        self.resent_at_once |= at_once;
        let banned = matches!(&error, RequestError::Provider(error) if error.reason == Reason::Banned);
        let delay = match at_once {
            true => RetryDelay::None,
            false => RetryDelay::Backoff { at_least: failed.retry_after.max(banned.then_some(MIN_WAIT_WHILE_BANNED)) },
        };
        Outcome::Retry { error, delay }
    }

    fn on_pending(&mut self) {
        self.resent_at_once = false;
        self.state.last_error = None;
        self.state.emit(Phase::Processing);
    }

    fn on_retry(&mut self, error: RequestError, delay: Duration) {
        // Otherwise the call is only waiting for its end.
        if Instant::now() + delay < self.endpoint.deadline {
            self.state.retries += 1;
            self.state.emit(Phase::Retrying { delay, code: error.code(), message: error.to_string() });
        }
        self.state.last_error = Some(error);
    }
}

/// Milliseconds since the epoch, as `Date.now()`.
pub fn milliseconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64
}

#[cfg(test)]
mod tests;
