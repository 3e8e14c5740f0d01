//! What the tests of whole calls share: calls to be made, and a run of one with all that can be seen of it.

use std::{
    fmt, future,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    task::{JoinHandle, yield_now},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    api,
    call::{Event, Phase, ProgressListener},
    error::{Error, ErrorKind, RequestError},
    options::{
        CreateTaskRequest, GetBalanceRequest, GetTaskResultRequest, RawOption, RawOptions, SolveRequest,
        WaitForTaskRequest,
    },
    registry::Registry,
    sync::lock,
    transport::scripted::Scripted,
    wire::Method,
};

pub use super::replies::*;
pub use CallKind::{CreateTask, GetBalance, GetTaskResult, Solve, WaitForTask};

pub const KEY: &str = "test-key-0123456789abcdef";
/// The id that [`created`] gives, and that calls about a task name.
pub const TASK: &str = "task-1";
pub const TOKEN: &str = "0.token";

/// A call of the API.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CallKind {
    Solve,
    CreateTask,
    GetTaskResult,
    WaitForTask,
    GetBalance,
}

impl CallKind {
    pub const ALL: [CallKind; 5] = [Solve, CreateTask, GetTaskResult, WaitForTask, GetBalance];

    /// What its first request is.
    pub fn method(self) -> Method {
        match self {
            Solve | CreateTask => Method::CreateTask,
            GetTaskResult | WaitForTask => Method::GetTaskResult,
            GetBalance => Method::GetBalance,
        }
    }

    /// The instant of its first request.
    pub fn first_request(self) -> u64 {
        if self == WaitForTask { 3000 } else { 0 }
    }

    /// The task that is known before its first request.
    pub fn task_id(self) -> Option<&'static str> {
        matches!(self, GetTaskResult | WaitForTask).then_some(TASK)
    }
}

/// A call to be made: an account at YesCaptcha and every option at its default, unless said otherwise.
#[derive(Clone, Debug)]
pub struct TestCall {
    pub kind: CallKind,
    options: RawOptions,
    cancel_at: Option<Duration>,
}

pub fn call(kind: CallKind) -> TestCall {
    let made =
        TestCall { kind, options: Vec::new(), cancel_at: None }.text("provider", "yescaptcha").text("clientKey", KEY);
    match kind {
        Solve | CreateTask => made.text("websiteURL", "https://shop.example/login").text("websiteKey", "0x4AAAAAAAB"),
        GetTaskResult | WaitForTask => made.text("taskId", TASK),
        GetBalance => made,
    }
}

impl TestCall {
    pub fn option(mut self, name: &str, value: RawOption) -> Self {
        self.options.retain(|(given, _)| given != name);
        self.options.push((name.to_owned(), value));
        self
    }

    pub fn text(self, name: &str, value: &str) -> Self {
        self.option(name, RawOption::Text(value.to_owned()))
    }

    pub fn number(self, name: &str, value: u64) -> Self {
        self.option(name, RawOption::Number(value as f64))
    }

    pub fn timeout_ms(self, ms: u64) -> Self {
        self.number("timeoutMs", ms)
    }

    pub fn request_timeout_ms(self, ms: u64) -> Self {
        self.number("requestTimeoutMs", ms)
    }

    /// One whose requests never end by themselves.
    pub fn patient(self) -> Self {
        self.request_timeout_ms(300_000)
    }

    /// One with the longest time there is.
    pub fn slow(self) -> Self {
        self.timeout_ms(300_000)
    }

    pub fn provider(self, name: &str) -> Self {
        self.text("provider", name)
    }

    /// Cancelled so long after its start.
    pub fn cancel_at(self, ms: u64) -> Self {
        TestCall { cancel_at: Some(Duration::from_millis(ms)), ..self }
    }

    /// Cancelled before it starts.
    pub fn cancelled(self) -> Self {
        self.cancel_at(0)
    }

    /// Runs it against a script of its own.
    pub async fn run(&self, transport: Scripted) -> Report {
        let registry = Registry::new(transport);
        let ended = self.run_in(&registry).await;
        let polls = registry.transport.count(Method::GetTaskResult);
        assert_eq!(ended.polls as usize, polls, "the polls that the call counted and that were sent");
        Report { sent: Some(registry), ..ended }
    }

    pub async fn run_in(&self, registry: &Registry<Scripted>) -> Report {
        let started = Instant::now();
        let (recorder, listener) = Recorder::new(started);
        let cancel = CancellationToken::new();
        let cancelling = async {
            match self.cancel_at {
                Some(Duration::ZERO) => cancel.cancel(),
                Some(at) => {
                    sleep(at).await;
                    cancel.cancel();
                }
                None => {}
            }
            future::pending().await
        };
        // What happens at the same instant meets a signal that is already there.
        let ended = tokio::select! {
            biased;
            never = cancelling => never,
            ended = self.start(registry, listener, cancel.clone()) => ended,
        };
        let at = started.elapsed();
        recorder.check(&ended, at);
        let recorded = lock(&recorder.events);
        Report {
            at: milliseconds(at),
            polls: recorded.last().map_or(0, |last| last.polls),
            retries: recorded.last().map_or(0, |last| last.retries),
            events: recorded.iter().map(described).collect(),
            recorded: recorded.clone(),
            outcome: ended,
            sent: None,
        }
    }

    /// Runs it beside the test, and returns once it waits for something.
    pub async fn spawn(self, registry: &Arc<Registry<Scripted>>) -> JoinHandle<Report> {
        let registry = Arc::clone(registry);
        let task = tokio::spawn(async move { self.run_in(&registry).await });
        yield_now().await;
        task
    }

    async fn start(
        &self,
        registry: &Registry<Scripted>,
        listener: Arc<ProgressListener>,
        cancel: CancellationToken,
    ) -> Result<Value, Error> {
        let (options, listener) = (self.options.clone(), Some(listener));
        match self.kind {
            Solve => {
                let request = SolveRequest::parse(options).unwrap();
                api::solve(registry, request.into(), listener, cancel).await.map(solution)
            }
            CreateTask => {
                let request = CreateTaskRequest::parse(options).unwrap();
                let task = api::create_task(registry, request.into(), listener, cancel).await?;
                Ok(json!({ "taskId": task.id, "provider": task.provider }))
            }
            GetTaskResult => {
                let request = GetTaskResultRequest::parse(options).unwrap();
                let ended = api::get_task_result(registry, request.into(), listener, cancel).await?;
                Ok(ended.map_or(json!("processing"), solution))
            }
            WaitForTask => {
                let request = WaitForTaskRequest::parse(options).unwrap();
                api::wait_for_task(registry, request.into(), listener, cancel).await.map(solution)
            }
            GetBalance => {
                let request = GetBalanceRequest::parse(options).unwrap();
                let balance = api::get_balance(registry, request.into(), listener, cancel).await?;
                Ok(json!(balance.balance))
            }
        }
    }
}

fn solution(solution: crate::call::Solution) -> Value {
    let mut shown = json!({
        "token": solution.provided.token,
        "provider": solution.provider,
        "taskId": solution.task_id,
        "created": solution.created_at.is_some(),
        "elapsedMs": milliseconds(solution.elapsed),
        "polls": solution.polls,
        "retries": solution.retries,
    });
    if let Some(label) = solution.label {
        shown["label"] = json!(label);
    }
    shown
}

/// What came of a call.
pub struct Report {
    pub outcome: Result<Value, Error>,
    /// When it ended, in milliseconds since it began.
    pub at: u64,
    /// As its last event counts them.
    pub polls: u32,
    pub retries: u32,
    /// Each as "3000 processing, polls 1, retries 0, task-1".
    pub events: Vec<String>,
    pub recorded: Vec<Event>,
    sent: Option<Registry<Scripted>>,
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} after {} ms, {:#?}", self.outcome, self.at, self.events)
    }
}

impl Report {
    /// What was sent, where the call had a script of its own.
    pub fn transport(&self) -> &Scripted {
        &self.sent.as_ref().expect("the call had a script of its own").transport
    }

    pub fn creates(&self) -> Vec<u64> {
        self.transport().instants(Method::CreateTask)
    }

    pub fn polled_at(&self) -> Vec<u64> {
        self.transport().instants(Method::GetTaskResult)
    }

    /// The instants of its requests, whatever they were.
    pub fn sent_at(&self) -> Vec<u64> {
        self.transport().sent().iter().map(|sent| milliseconds(sent.at)).collect()
    }

    pub fn error(&self) -> &Error {
        self.outcome.as_ref().expect_err("the call fails")
    }

    /// The facts about an error that a caller acts on.
    pub fn facts(&self) -> Facts<'_> {
        let error = self.error();
        Facts {
            code: error.code(),
            task_id: error.task_id.as_deref(),
            may_be_charged: error.may_be_charged,
            cause: error.cause.as_ref().map(|cause| cause.code()),
        }
    }

    pub fn token(&self) -> &str {
        self.outcome.as_ref().expect("the call succeeds")["token"].as_str().expect("it has a token")
    }

    /// The provider's refusal that it failed with.
    pub fn refusal(&self) -> &crate::error::ProviderError {
        match &self.error().kind {
            ErrorKind::Request { error: RequestError::Provider(refusal), .. } => refusal,
            other => panic!("no refusal: {other:?}"),
        }
    }

    /// The events without their counters: "3000 processing".
    pub fn phases(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.split(", polls").next().unwrap_or_default()).collect()
    }
}

#[derive(Debug, PartialEq)]
pub struct Facts<'a> {
    pub code: &'a str,
    pub task_id: Option<&'a str>,
    pub may_be_charged: bool,
    pub cause: Option<&'a str>,
}

/// Notes the events of a call, and holds what is true of each call to be true of this one.
struct Recorder {
    started: Instant,
    events: Arc<Mutex<Vec<Event>>>,
}

impl Recorder {
    fn new(started: Instant) -> (Recorder, Arc<ProgressListener>) {
        let events = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&events);
        let listener = move |event: Event| {
            assert_eq!(event.elapsed, started.elapsed(), "{event:?}");
            lock(&noted).push(event);
        };
        (Recorder { started, events }, Arc::new(listener))
    }

    fn check(&self, ended: &Result<Value, Error>, at: Duration) {
        let events = lock(&self.events);
        let (last, before) = events.split_last().expect("every call ends with an event");
        assert!(matches!(last.phase, Phase::Ended), "{last:?}");
        assert!(!before.iter().any(|event| matches!(event.phase, Phase::Ended)), "{before:?}");
        assert_eq!(last.elapsed, at);
        assert_eq!(self.started.elapsed(), at);
        let retrying = before.iter().filter(|event| matches!(event.phase, Phase::Retrying { .. })).count();
        assert_eq!(last.retries as usize, retrying);
        assert!(events.is_sorted_by(|a, b| a.polls <= b.polls && a.retries <= b.retries), "{events:#?}");
        match ended {
            Ok(value) if value["token"].is_string() => {
                assert_eq!(value["elapsedMs"], milliseconds(at));
                assert_eq!((&value["polls"], &value["retries"]), (&json!(last.polls), &json!(last.retries)));
                assert_eq!(value["taskId"], last.task_id.as_deref().unwrap_or_default());
            }
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.task_id, last.task_id);
                assert_eq!(error.provider, Some(last.provider));
                if let ErrorKind::Timeout { timeout, elapsed, polls } = error.kind {
                    assert_eq!((timeout, elapsed, polls), (at, at, last.polls), "of a call that timed out");
                }
            }
        }
        for text in
            [format!("{events:?}"), format!("{ended:?}"), ended.as_ref().err().map_or(String::new(), Error::to_string)]
        {
            assert!(!text.contains(KEY), "the key is in {text}");
        }
    }
}

fn described(event: &Event) -> String {
    let Event { phase, task_id, polls, retries, elapsed, .. } = event;
    let phase = match phase {
        Phase::Created => "created".to_owned(),
        Phase::Processing => "processing".to_owned(),
        Phase::Retrying { delay, code, .. } => format!("retrying in {} after {code}", delay.as_millis()),
        Phase::Ready => "ready".to_owned(),
        Phase::Ended => "ended".to_owned(),
    };
    let task_id = task_id.as_deref().unwrap_or("no task");
    format!("{} {phase}, polls {polls}, retries {retries}, {task_id}", milliseconds(*elapsed))
}

pub fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis() as u64
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}
