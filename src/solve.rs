//! The story of each call: what is done in which order, bounded by the deadline and the caller's signal.

use std::{pin::pin, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{
    error::Error,
    poll::within,
    request::{CreateTaskRequest, GetBalanceRequest, GetTaskResultRequest, SolveRequest, WaitForTaskRequest},
    run::{Run, Solution, Task, Watch},
    wire::Balance,
};

// Thousands of these calls wait at once, and an `async fn` keeps room for its arguments twice over: so requests come boxed,
// and the work stays where it is pinned.

/// Creates a task and polls it until its token is there.
pub async fn solve(
    request: Box<SolveRequest>,
    watch: Option<Arc<Watch>>,
    cancel: CancellationToken,
) -> Result<Solution, Error> {
    let SolveRequest { account, task, poll_interval } = *request;
    let mut run = Run::new(&account, watch);
    let ended = within(
        run.deadline(),
        &cancel,
        pin!(async {
            let task_id = run.create_task(task).await?.id;
            run.wait_for_task(&task_id, poll_interval).await
        }),
    )
    .await;
    run.conclude(ended)
}

pub async fn create_task(
    request: Box<CreateTaskRequest>,
    watch: Option<Arc<Watch>>,
    cancel: CancellationToken,
) -> Result<Task, Error> {
    let CreateTaskRequest { account, task } = *request;
    let mut run = Run::new(&account, watch);
    let ended = within(run.deadline(), &cancel, pin!(run.create_task(task))).await;
    run.conclude(ended)
}

/// `None` while the task is processed.
pub async fn get_task_result(
    request: Box<GetTaskResultRequest>,
    watch: Option<Arc<Watch>>,
    cancel: CancellationToken,
) -> Result<Option<Solution>, Error> {
    let mut run = Run::of_task(&request.account, watch, &request.task_id);
    let ended = within(run.deadline(), &cancel, pin!(run.get_task_result(&request.task_id))).await;
    run.conclude(ended)
}

pub async fn wait_for_task(
    request: Box<WaitForTaskRequest>,
    watch: Option<Arc<Watch>>,
    cancel: CancellationToken,
) -> Result<Solution, Error> {
    let mut run = Run::of_task(&request.account, watch, &request.task_id);
    let (task_id, interval) = (&request.task_id, request.poll_interval);
    let ended = within(run.deadline(), &cancel, pin!(run.wait_for_task(task_id, interval))).await;
    run.conclude(ended)
}

pub async fn get_balance(
    request: Box<GetBalanceRequest>,
    watch: Option<Arc<Watch>>,
    cancel: CancellationToken,
) -> Result<Balance, Error> {
    let mut run = Run::new(&request.account, watch);
    let ended = within(run.deadline(), &cancel, pin!(run.get_balance())).await;
    run.conclude(ended)
}

#[cfg(test)]
mod tests;
