//! One call of the API while it runs: what it has done, what is known, and what to say when it ends.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use crate::{
    body::Departed,
    client::{self, Method, Repeat},
    error::{Error, Fault, Kind},
    guard::Guard,
    host::{Host, Visit},
    poll::{self, Ask, Interrupt, Pace, Verdict},
    request::{Account, NewTask},
    wire::{self, Answer, Balance, TaskId, TaskStatus},
};

/// How the requests of a single call follow each other when one has to go out again.
const SINGLE: Pace = Pace {
    first: Duration::ZERO,
    interval: Duration::from_millis(500),
    ceiling: Duration::from_secs(10),
    grain: Duration::ZERO,
};
/// How often a request that cannot even connect is sent, where [`Repeat::Briefly`] says so.
const BRIEF_TRIES: u32 = 5;
/// How far back-off spreads polls while a provider is in trouble.
const POLL_CEILING: Duration = Duration::from_secs(20);

/// Told of what happens on the way, if the caller wants to know.
pub type Watch = dyn Fn(Event) + Send + Sync;

#[derive(Clone, Debug)]
pub struct Event {
    pub phase: Phase,
    pub provider: &'static str,
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
        wait: Duration,
        code: &'static str,
        message: String,
    },
    Ready,
    /// The call is over, whatever it came to.
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
    pub answer: Answer,
    pub provider: &'static str,
    pub task_id: String,
    /// Known only to the call that created the task.
    pub created_at: Option<SystemTime>,
    pub ready_at: SystemTime,
    pub elapsed: Duration,
    pub polls: u32,
    pub retries: u32,
}

pub struct Run<'a> {
    account: &'a Account,
    guard: Arc<Guard>,
    visit: Visit,
    watch: Option<Arc<Watch>>,
    started: Instant,
    polls: u32,
    retries: u32,
    task_id: Option<TaskId>,
    created_at: Option<SystemTime>,
    may_be_charged: bool,
    /// The createTask under way.
    purchase: Option<Departed>,
    last_fault: Option<Fault>,
}

impl<'a> Run<'a> {
    pub fn new(account: &'a Account, watch: Option<Arc<Watch>>) -> Self {
        Run {
            account,
            guard: Guard::of(account),
            visit: Host::visit(account),
            watch,
            started: Instant::now(),
            polls: 0,
            retries: 0,
            task_id: None,
            created_at: None,
            may_be_charged: false,
            purchase: None,
            last_fault: None,
        }
    }

    /// A call about a task that exists. It is taken to be paid for: whoever asks for its result has bought it.
    pub fn of_task(account: &'a Account, watch: Option<Arc<Watch>>, task_id: &TaskId) -> Self {
        Run { task_id: Some(task_id.clone()), may_be_charged: true, ..Run::new(account, watch) }
    }

    pub fn deadline(&self) -> Instant {
        self.started + self.account.timeout
    }

    /// Creates a task: the call that is billed.
    pub async fn create_task(&mut self, task: NewTask) -> Result<Task, Error> {
        let body = self.create_body(task);
        let id =
            self.send(Method::CreateTask, body, &SINGLE, |status, body| wire::task_id(status, body).map(Some)).await?;
        let created_at = SystemTime::now();
        self.purchase = None;
        self.last_fault = None;
        self.may_be_charged = true;
        self.task_id = Some(id.clone());
        self.created_at = Some(created_at);
        self.tell(Phase::Created);
        Ok(Task { id, provider: self.account.provider.name, created_at })
    }

    /// Asks once how a task stands.
    pub async fn get_task_result(&mut self, task_id: &TaskId) -> Result<Option<Solution>, Error> {
        let body = self.result_body(task_id);
        let read = |status, body: &[u8]| wire::task_status(status, body).map(Some);
        match self.send(Method::GetTaskResult, body, &SINGLE, read).await? {
            TaskStatus::Processing => {
                self.tell(Phase::Processing);
                Ok(None)
            }
            TaskStatus::Ready(answer) => {
                self.tell(Phase::Ready);
                Ok(Some(self.solution(task_id, answer)))
            }
        }
    }

    /// Polls a task until it is ready.
    pub async fn wait_for_task(&mut self, task_id: &TaskId, interval: Duration) -> Result<Solution, Error> {
        let body = self.result_body(task_id);
        let pace = Pace { first: interval, interval, ceiling: POLL_CEILING, grain: Duration::ZERO };
        let pace = if self.visit.host().is_crowded() { pace.in_a_crowd() } else { pace };
        let read = |status, body: &[u8]| match wire::task_status(status, body)? {
            TaskStatus::Processing => Ok(None),
            TaskStatus::Ready(answer) => Ok(Some(answer)),
        };
        let answer = self.send(Method::GetTaskResult, body, &pace, read).await?;
        self.tell(Phase::Ready);
        Ok(self.solution(task_id, answer))
    }

    pub async fn get_balance(&mut self) -> Result<Balance, Error> {
        let body = wire::get_balance_body(self.account.client_key.expose_secret());
        self.send(Method::GetBalance, body, &SINGLE, |status, body| wire::balance(status, body).map(Some)).await
    }

    /// What the call comes to, however it ended.
    pub fn conclude<T>(&self, ended: Result<Result<T, Error>, Interrupt>) -> Result<T, Error> {
        self.tell(Phase::Ended);
        match ended {
            Ok(outcome) => outcome,
            Err(Interrupt::Cancelled) => Err(self.error(Kind::Aborted)),
            Err(Interrupt::Deadline) => {
                let timeout = self.account.timeout;
                let kind = Kind::Timeout { timeout, elapsed: self.started.elapsed(), polls: self.polls };
                Err(Error { cause: self.last_fault.clone().map(Box::new), ..self.error(kind) })
            }
        }
    }

    /// Sends one request as often as it takes. `read` answers `None` for "not yet".
    async fn send<T>(
        &mut self,
        method: Method,
        body: Bytes,
        pace: &Pace,
        read: impl Fn(u16, &[u8]) -> Result<Option<T>, Fault> + Send,
    ) -> Result<T, Error>
    where
        T: Send,
    {
        let deadline = self.deadline();
        let mut errand = Errand { run: self, method, body, read, unreachable: 0 };
        let outcome = poll::poll(pace, deadline, &mut errand).await;
        outcome.map_err(|fault| self.error(Kind::Fault { call: method.name(), fault }))
    }

    /// Until the outcome is known, a createTask that has left may have been accepted.
    fn sending(&mut self, method: Method) -> Departed {
        let departed = Departed::default();
        match method {
            Method::CreateTask => self.purchase = Some(Arc::clone(&departed)),
            Method::GetTaskResult => self.polls += 1,
            Method::GetBalance => {}
        }
        departed
    }

    fn failed(&mut self, method: Method, fault: Fault) -> Fault {
        if method == Method::CreateTask {
            self.purchase = None;
            self.may_be_charged = fault.may_have_been_accepted();
        }
        fault.map_text(|text| self.account.secrets.scrub(text))
    }

    fn create_body(&self, task: NewTask) -> Bytes {
        let developer_id = task.developer_id;
        wire::create_task_body(self.account.client_key.expose_secret(), &task.into_fields(), developer_id)
    }

    fn result_body(&self, task_id: &TaskId) -> Bytes {
        wire::get_task_result_body(self.account.client_key.expose_secret(), task_id)
    }

    fn solution(&self, task_id: &TaskId, answer: Answer) -> Solution {
        Solution {
            answer,
            provider: self.account.provider.name,
            task_id: task_id.to_string(),
            created_at: self.created_at,
            ready_at: SystemTime::now(),
            elapsed: self.started.elapsed(),
            polls: self.polls,
            retries: self.retries,
        }
    }

    fn error(&self, kind: Kind) -> Error {
        Error {
            kind,
            provider: Some(self.account.provider.name),
            task_id: self.task_id.as_ref().map(TaskId::to_string),
            may_be_charged: self.may_be_charged
                || self.purchase.as_ref().is_some_and(|left| left.load(Ordering::Relaxed)),
            cause: None,
        }
    }

    fn tell(&self, phase: Phase) {
        if let Some(watch) = &self.watch {
            watch(Event {
                phase,
                provider: self.account.provider.name,
                task_id: self.task_id.as_ref().map(TaskId::to_string),
                polls: self.polls,
                retries: self.retries,
                elapsed: self.started.elapsed(),
            });
        }
    }
}

/// One request of a run, as the poll loop sees it.
struct Errand<'r, 'a, R> {
    run: &'r mut Run<'a>,
    method: Method,
    body: Bytes,
    read: R,
    /// How often in a row there was no connection.
    unreachable: u32,
}

impl<T, R> Errand<'_, '_, R>
where
    R: Fn(u16, &[u8]) -> Result<Option<T>, Fault>,
{
    /// One request and its reply, if the guard lets it pass. A fault comes with the `Retry-After` beside it.
    async fn exchange(&mut self) -> Result<Option<T>, (Fault, Option<Duration>)> {
        let (guard, host) = (Arc::clone(&self.run.guard), Arc::clone(self.run.visit.host()));
        let pass = guard.pass(self.method).await.map_err(|refusal| (Fault::Refused(Box::new(refusal)), None))?;
        let keep_alive = self.method != Method::CreateTask || !host.drops_connections();
        let too_late = self.run.deadline() - poll::reserve(self.run.account.timeout) / 2;
        let exchange = async {
            if self.method == Method::CreateTask && Instant::now() > too_late {
                // It waited for its turn until nobody would be there to hear the answer, and it costs money.
                return Err(Fault::Unreachable { detail: "no time was left to send it".into() });
            }
            let departed = self.run.sending(self.method);
            client::post(self.run.account, self.method, self.body.clone(), departed, keep_alive).await
        };
        // Boxed, so that a call that only waits for its next poll does not carry the space of an exchange.
        let reply = Box::pin(host.exchange(self.method, exchange)).await;
        if let (Method::CreateTask, Err(Fault::Lost { .. })) = (self.method, &reply) {
            host.dropped_a_connection();
        }
        let reply = reply.map_err(|fault| (fault, None))?;
        let secrets = &self.run.account.secrets;
        let mut outcome =
            (self.read)(reply.status, &reply.body).map_err(|fault| fault.map_text(|text| secrets.scrub(text)));
        pass.learn(&mut outcome, reply.retry_after);
        outcome.map_err(|fault| (fault, reply.retry_after))
    }
}

impl<T, R> Ask for Errand<'_, '_, R>
where
    T: Send,
    R: Fn(u16, &[u8]) -> Result<Option<T>, Fault> + Send,
{
    type Answer = T;
    type Fault = Fault;

    async fn ask(&mut self) -> Verdict<T, Fault> {
        let (fault, after) = match self.exchange().await {
            Ok(Some(answer)) => return Verdict::Done(answer),
            Ok(None) => return Verdict::NotYet,
            Err(failed) => failed,
        };
        let fault = self.run.failed(self.method, fault);
        self.unreachable = if let Fault::Unreachable { .. } = fault { self.unreachable + 1 } else { 0 };
        match client::repeat(self.method, &fault) {
            Repeat::Yes => Verdict::Again { fault, after },
            Repeat::Briefly if self.unreachable < BRIEF_TRIES => Verdict::Again { fault, after },
            Repeat::Briefly | Repeat::No => Verdict::Failed(fault),
        }
    }

    fn not_yet(&mut self) {
        self.run.last_fault = None;
        self.run.tell(Phase::Processing);
    }

    fn again(&mut self, fault: Fault, wait: Duration) {
        // Otherwise the call is only waiting for its end.
        if Instant::now() + wait < self.run.deadline() {
            self.run.retries += 1;
            self.run.tell(Phase::Retrying { wait, code: fault.code(), message: fault.to_string() });
        }
        self.run.last_fault = Some(fault);
    }
}

/// Milliseconds since the epoch, as `Date.now()`.
pub fn milliseconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as f64
}
