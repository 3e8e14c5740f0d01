//! Services that answer a createTask with its solution.

use serde_json::{Value, json};

use super::support::*;
use crate::{
    error::{ErrorKind, RequestError},
    transport::scripted::{Scripted, Step},
    wire::Method,
};

/// A reply to createTask with a solution, and these fields beside it.
fn solved(fields: &Value) -> Scripted {
    let mut reply = json!({ "errorId": 0, "status": "ready", "solution": { "token": TOKEN, "userAgent": KEY } });
    reply.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Scripted::default().then(Method::CreateTask, [Step::json(&reply)]).always(Method::GetTaskResult, processing())
}

#[tokio::test(start_paused = true)]
async fn a_solve_delivers_it_without_a_poll() {
    for (fields, task_id, shown) in [(json!({ "taskId": TASK }), TASK, TASK), (json!({}), "", "no task")] {
        let ended = call(Solve).run(solved(&fields)).await;
        let event = |phase| format!("0 {phase}, polls 0, retries 0, {shown}");
        assert_eq!(ended.events, ["created", "ready", "ended"].map(event));
        let solution = json!({
            "token": TOKEN, "provider": "yescaptcha", "taskId": task_id, "created": true, "elapsedMs": 0, "polls": 0, "retries": 0,
        });
        assert_eq!((ended.sent_at(), ended.outcome.unwrap()), (vec![0], solution));
    }
}

#[tokio::test(start_paused = true)]
async fn a_solution_of_a_task_that_is_not_ready_is_none() {
    let ended = call(Solve).timeout_ms(5000).run(solved(&json!({ "taskId": TASK, "status": "processing" }))).await;
    let facts = Facts { code: "TIMEOUT", task_id: Some(TASK), may_be_charged: true, cause: None };
    assert_eq!((ended.facts(), ended.polled_at()), (facts, vec![3000, 4000]));
}

#[tokio::test(start_paused = true)]
async fn create_task_returns_the_task() {
    let ended = call(CreateTask).run(solved(&json!({ "taskId": 42 }))).await;
    assert_eq!(ended.outcome.unwrap(), json!({ "taskId": 42, "provider": "yescaptcha" }));
    assert_eq!(ended.events, ["created", "ended"].map(|phase| format!("0 {phase}, polls 0, retries 0, 42")));
}

/// Nothing else can fetch the token, so it is in the error.
#[tokio::test(start_paused = true)]
async fn create_task_fails_with_the_solution_where_there_is_no_id() {
    let ended = call(CreateTask).run(solved(&json!({}))).await;
    let facts = Facts { code: "INVALID_RESPONSE", task_id: None, may_be_charged: true, cause: None };
    assert_eq!(ended.facts(), facts);
    match &ended.error().kind {
        ErrorKind::Request { error: RequestError::Solution(solution), call: "createTask" } => {
            assert_eq!(solution.problem, "the reply to createTask has a solution but no taskId");
            let raw: Value = serde_json::from_str(&solution.raw).unwrap();
            assert_eq!(raw, json!({ "token": TOKEN, "userAgent": "[clientKey]" }));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(ended.phases(), ["0 created", "0 ended"]);
}
