//! The options of each call.

use std::time::Duration;

use super::{
    ACCOUNT, Account, DEFAULT_SINGLE_CALL, DEFAULT_WAIT, NewTask, POLLING, RawOptions, TASK, TASK_ID, TaskId, parse,
};
use crate::error::Error;

/// What the options of every call have.
pub trait Request {
    fn account(&self) -> &Account;

    /// The task that the call is about, if it does not create one.
    fn task_id(&self) -> Option<&TaskId> {
        None
    }
}

#[derive(Debug)]
pub struct SolveRequest {
    pub account: Account,
    pub task: NewTask,
    pub poll_interval: Duration,
}

#[derive(Debug)]
pub struct CreateTaskRequest {
    pub account: Account,
    pub task: NewTask,
}

#[derive(Debug)]
pub struct GetTaskResultRequest {
    pub account: Account,
    pub task_id: TaskId,
}

#[derive(Debug)]
pub struct WaitForTaskRequest {
    pub account: Account,
    pub task_id: TaskId,
    pub poll_interval: Duration,
}

#[derive(Debug)]
pub struct GetBalanceRequest {
    pub account: Account,
}

impl SolveRequest {
    pub fn parse(given: RawOptions) -> Result<Self, Error> {
        parse(given, "solveTurnstile", &[ACCOUNT, TASK, POLLING], |options| {
            let mut account = options.account(DEFAULT_WAIT)?;
            let task = options.task(&mut account)?;
            let poll_interval = options.polling(&account)?;
            Ok(SolveRequest { account, task, poll_interval })
        })
    }
}

impl CreateTaskRequest {
    pub fn parse(given: RawOptions) -> Result<Self, Error> {
        parse(given, "createTask", &[ACCOUNT, TASK], |options| {
            let mut account = options.account(DEFAULT_SINGLE_CALL)?;
            let task = options.task(&mut account)?;
            Ok(CreateTaskRequest { account, task })
        })
    }
}

impl GetTaskResultRequest {
    pub fn parse(given: RawOptions) -> Result<Self, Error> {
        parse(given, "getTaskResult", &[ACCOUNT, TASK_ID], |options| {
            let account = options.account(DEFAULT_SINGLE_CALL)?;
            let task_id = options.task_id(&account)?;
            Ok(GetTaskResultRequest { account, task_id })
        })
    }
}

impl WaitForTaskRequest {
    pub fn parse(given: RawOptions) -> Result<Self, Error> {
        parse(given, "waitForTask", &[ACCOUNT, TASK_ID, POLLING], |options| {
            let account = options.account(DEFAULT_WAIT)?;
            let task_id = options.task_id(&account)?;
            let poll_interval = options.polling(&account)?;
            Ok(WaitForTaskRequest { account, task_id, poll_interval })
        })
    }
}

impl GetBalanceRequest {
    pub fn parse(given: RawOptions) -> Result<Self, Error> {
        parse(given, "getBalance", &[ACCOUNT], |options| {
            Ok(GetBalanceRequest { account: options.account(DEFAULT_SINGLE_CALL)? })
        })
    }
}

impl Request for SolveRequest {
    fn account(&self) -> &Account {
        &self.account
    }
}

impl Request for CreateTaskRequest {
    fn account(&self) -> &Account {
        &self.account
    }
}

impl Request for GetTaskResultRequest {
    fn account(&self) -> &Account {
        &self.account
    }

    fn task_id(&self) -> Option<&TaskId> {
        Some(&self.task_id)
    }
}

impl Request for WaitForTaskRequest {
    fn account(&self) -> &Account {
        &self.account
    }

    fn task_id(&self) -> Option<&TaskId> {
        Some(&self.task_id)
    }
}

impl Request for GetBalanceRequest {
    fn account(&self) -> &Account {
        &self.account
    }
}
