//! One cell of the matrix: a whole call against a scripted transport.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    KEY,
    rows::{Row, success},
};
use crate::{
    api,
    call::Event,
    error::Error,
    options::{
        CreateTaskRequest, GetBalanceRequest, GetTaskResultRequest, RawOption, RawOptions, SolveRequest,
        WaitForTaskRequest,
    },
    registry::Registry,
    sync::lock,
    transport::scripted::{Scripted, Step},
    wire::Method,
};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Call {
    CreateTask,
    Solve,
    WaitForTask,
    GetTaskResult,
    GetBalance,
}

/// A call, and which of its requests meets the fault.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub call: Call,
    pub method: Method,
    pub title: &'static str,
}

pub const COLUMNS: [Column; 6] = [
    Column { call: Call::CreateTask, method: Method::CreateTask, title: "createTask" },
    Column { call: Call::Solve, method: Method::CreateTask, title: "solveTurnstile, creating" },
    Column { call: Call::Solve, method: Method::GetTaskResult, title: "solveTurnstile, polling" },
    Column { call: Call::WaitForTask, method: Method::GetTaskResult, title: "waitForTask" },
    Column { call: Call::GetTaskResult, method: Method::GetTaskResult, title: "getTaskResult" },
    Column { call: Call::GetBalance, method: Method::GetBalance, title: "getBalance" },
];

pub const TASK_ID: &str = "task-1";
pub const TIMEOUT: Duration = Duration::from_secs(60);
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
pub const POLL_INTERVAL: Duration = Duration::from_secs(3);

/// What a call delivered: a task id, a token, a balance, or that the task is being processed.
pub type Delivered = Option<String>;

pub struct Played {
    pub result: Result<Delivered, Error>,
    pub events: Vec<Event>,
    pub elapsed: Duration,
    pub transport: Scripted,
}

/// Plays a row: the fault comes once, or always.
pub async fn play(row: &Row, column: Column, always: bool) -> Played {
    let Column { call, method, .. } = column;
    let mut transport = Scripted::default();
    for other in [Method::CreateTask, Method::GetTaskResult, Method::GetBalance] {
        let right = Step::reply(200, success(other));
        transport = match (other == method, always) {
            (true, true) => transport.always(method, (row.step)(method)),
            (true, false) => transport.then(method, [(row.step)(method)]).always(method, right),
            (false, _) => transport.always(other, right),
        };
    }
    play_call(call, transport, &[]).await
}

/// Runs one call with the test's options and these.
pub async fn play_call(call: Call, transport: Scripted, more: &[(&str, RawOption)]) -> Played {
    let registry = Registry::new(transport);
    let events = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::new({
        let events = Arc::clone(&events);
        move |event| lock(&events).push(event)
    });
    let (cancel, started) = (CancellationToken::new(), Instant::now());
    let options = options_of(call, more);
    let result = match call {
        Call::CreateTask => {
            let request = Box::new(CreateTaskRequest::parse(options).unwrap());
            api::create_task(&registry, request, Some(listener), cancel).await.map(|task| Some(task.id.to_string()))
        }
        Call::Solve => {
            let request = Box::new(SolveRequest::parse(options).unwrap());
            api::solve(&registry, request, Some(listener), cancel).await.map(|solution| Some(solution.provided.token))
        }
        Call::WaitForTask => {
            let request = Box::new(WaitForTaskRequest::parse(options).unwrap());
            let solution = api::wait_for_task(&registry, request, Some(listener), cancel).await;
            solution.map(|solution| Some(solution.provided.token))
        }
        Call::GetTaskResult => {
            let request = Box::new(GetTaskResultRequest::parse(options).unwrap());
            let solution = api::get_task_result(&registry, request, Some(listener), cancel).await;
            solution.map(|solution| solution.map(|solution| solution.provided.token))
        }
        Call::GetBalance => {
            let request = Box::new(GetBalanceRequest::parse(options).unwrap());
            let balance = api::get_balance(&registry, request, Some(listener), cancel).await;
            balance.map(|balance| Some(balance.balance.to_string()))
        }
    };
    let events = lock(&events).clone();
    Played { result, events, elapsed: started.elapsed(), transport: registry.transport }
}

fn options_of(call: Call, more: &[(&str, RawOption)]) -> RawOptions {
    let text = |value: &str| RawOption::Text(value.to_owned());
    let milliseconds = |time: Duration| RawOption::Number(time.as_millis() as f64);
    let mut options = vec![
        ("provider", text("ezcaptcha")),
        ("clientKey", text(KEY.plain)),
        ("timeoutMs", milliseconds(TIMEOUT)),
        ("requestTimeoutMs", milliseconds(REQUEST_TIMEOUT)),
    ];
    if let Call::CreateTask | Call::Solve = call {
        options.extend([("websiteURL", text("https://shop.example/login")), ("websiteKey", text("0x4AAAAAAA"))]);
    }
    if let Call::WaitForTask | Call::GetTaskResult = call {
        options.push(("taskId", text(TASK_ID)));
    }
    if let Call::WaitForTask | Call::Solve = call {
        options.push(("pollIntervalMs", milliseconds(POLL_INTERVAL)));
    }
    options.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    options.extend_from_slice(more);
    options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
