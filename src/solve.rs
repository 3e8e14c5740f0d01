//! The story of each call: what is done in which order, bounded by the deadline and the caller's signal.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    error::Error,
    poll::within,
    request::{CreateTaskRequest, GetBalanceRequest, GetTaskResultRequest, SolveRequest, WaitForTaskRequest},
    run::{Run, Solution, Task, Watch},
    wire::Balance,
};

/// Creates a task and polls it until its token is there.
pub async fn solve(
    request: SolveRequest,
    watch: Option<Arc<Watch>>,
    cancel: CancellationToken,
) -> Result<Solution, Error> {
    let mut run = Run::new(&request.account, watch);
    let ended = within(run.deadline(), &cancel, async {
        let task = run.create_task(&request.task).await?;
        run.wait_for_task(&task.id, request.poll_interval).await
    })
    .await;
    run.conclude(ended)
}

pub async fn create_task(request: CreateTaskRequest, cancel: CancellationToken) -> Result<Task, Error> {
    let mut run = Run::new(&request.account, None);
    let ended = within(run.deadline(), &cancel, run.create_task(&request.task)).await;
    run.conclude(ended)
}

/// `None` while the task is processed.
pub async fn get_task_result(
    request: GetTaskResultRequest,
    cancel: CancellationToken,
) -> Result<Option<Solution>, Error> {
    let mut run = Run::of_task(&request.account, None, &request.task_id);
    let ended = within(run.deadline(), &cancel, run.get_task_result(&request.task_id)).await;
    run.conclude(ended)
}

pub async fn wait_for_task(
    request: WaitForTaskRequest,
    watch: Option<Arc<Watch>>,
    cancel: CancellationToken,
) -> Result<Solution, Error> {
    let mut run = Run::of_task(&request.account, watch, &request.task_id);
    let ended = within(run.deadline(), &cancel, run.wait_for_task(&request.task_id, request.poll_interval)).await;
    run.conclude(ended)
}

pub async fn get_balance(request: GetBalanceRequest, cancel: CancellationToken) -> Result<Balance, Error> {
    let mut run = Run::new(&request.account, None);
    let ended = within(run.deadline(), &cancel, run.get_balance()).await;
    run.conclude(ended)
}
