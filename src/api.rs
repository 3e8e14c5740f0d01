//! The calls of the API: what each does in which order, bounded by the deadline and the caller's signal.

use std::{pin::pin, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{
    call::{Call, ProgressListener, Solution, Task},
    error::Error,
    options::{CreateTaskRequest, GetBalanceRequest, GetTaskResultRequest, SolveRequest, WaitForTaskRequest},
    poll::run_until,
    registry::Registry,
    transport::Transport,
    wire::{Balance, Created},
};

// Thousands of these calls wait at once, and an `async fn` keeps room for its arguments twice over: so requests come boxed,
// and the work stays where it is pinned.

/// Creates a task and polls it until its token is there.
pub async fn solve<T: Transport>(
    registry: &Registry<T>,
    request: Box<SolveRequest>,
    listener: Option<Arc<ProgressListener>>,
    cancel: CancellationToken,
) -> Result<Solution, Error> {
    let SolveRequest { account, task, poll_interval } = *request;
    let mut call = Call::new(&account, registry, listener);
    let ended = run_until(
        call.deadline(),
        &cancel,
        pin!(async {
            // Boxed, so that a call that polls does not carry the space of a createTask.
            let task_id = match Box::pin(call.create_task(task)).await? {
                Created::Pending(task_id) => task_id,
                Created::Ready { solution, .. } => return Ok(call.deliver(solution)),
            };
            call.wait_for_task(&task_id, poll_interval).await
        }),
    )
    .await;
    call.finish(ended)
}

pub async fn create_task<T: Transport>(
    registry: &Registry<T>,
    request: Box<CreateTaskRequest>,
    listener: Option<Arc<ProgressListener>>,
    cancel: CancellationToken,
) -> Result<Task, Error> {
    let CreateTaskRequest { account, task } = *request;
    let mut call = Call::new(&account, registry, listener);
    let ended = run_until(
        call.deadline(),
        &cancel,
        pin!(async {
            let created = call.create_task(task).await?;
            call.task(created)
        }),
    )
    .await;
    call.finish(ended)
}

/// `None` while the task is processed.
pub async fn get_task_result<T: Transport>(
    registry: &Registry<T>,
    request: Box<GetTaskResultRequest>,
    listener: Option<Arc<ProgressListener>>,
    cancel: CancellationToken,
) -> Result<Option<Solution>, Error> {
    let mut call = Call::of_task(&request.account, registry, listener, &request.task_id);
    let ended = run_until(call.deadline(), &cancel, pin!(call.get_task_result(&request.task_id))).await;
    call.finish(ended)
}

pub async fn wait_for_task<T: Transport>(
    registry: &Registry<T>,
    request: Box<WaitForTaskRequest>,
    listener: Option<Arc<ProgressListener>>,
    cancel: CancellationToken,
) -> Result<Solution, Error> {
    let mut call = Call::of_task(&request.account, registry, listener, &request.task_id);
    let (task_id, interval) = (&request.task_id, request.poll_interval);
    let ended = run_until(call.deadline(), &cancel, pin!(call.wait_for_task(task_id, interval))).await;
    call.finish(ended)
}

pub async fn get_balance<T: Transport>(
    registry: &Registry<T>,
    request: Box<GetBalanceRequest>,
    listener: Option<Arc<ProgressListener>>,
    cancel: CancellationToken,
) -> Result<Balance, Error> {
    let mut call = Call::new(&request.account, registry, listener);
    let ended = run_until(call.deadline(), &cancel, pin!(call.get_balance())).await;
    call.finish(ended)
}

#[cfg(test)]
mod tests;
