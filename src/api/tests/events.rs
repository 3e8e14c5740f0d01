//! The events of a call, in order. That each ends with one `Ended` event, whose counters are those of the result, is
//! checked for every call that a test makes.

use super::support::*;
use crate::{
    call::Phase,
    transport::scripted::{Scripted, Step},
    wire::Method,
};

/// Replies to createTask and to the polls, in order.
fn script(creates: impl IntoIterator<Item = Step>, polls: impl IntoIterator<Item = Step>) -> Scripted {
    Scripted::default().then(Method::CreateTask, creates).then(Method::GetTaskResult, polls)
}

#[tokio::test(start_paused = true)]
async fn a_solve_that_goes_well() {
    let slow = |step: Step| step.reply_takes(ms(100));
    let ended = call(Solve).run(script([slow(created())], [slow(processing()), slow(ready())])).await;
    let events = [
        "100 created, polls 0, retries 0, task-1",
        "3200 processing, polls 1, retries 0, task-1",
        "6300 ready, polls 2, retries 0, task-1",
        "6300 ended, polls 2, retries 0, task-1",
    ];
    assert_eq!(ended.events, events);
    let solution = serde_json::json!({
        "token": TOKEN, "provider": "yescaptcha", "taskId": TASK, "created": true, "elapsedMs": 6300, "polls": 2, "retries": 0,
    });
    assert_eq!(ended.outcome.unwrap(), solution);
}

#[tokio::test(start_paused = true)]
async fn a_solve_in_which_requests_fail() {
    let creates = [busy().retry_after(ms(2000)), not_processed(), created()];
    let polls =
        [interrupted(), gateway(503).retry_after(ms(9000)), processing(), busy().retry_after(ms(7000)), ready()];
    fastrand::seed(3);
    let ended = call(Solve).run(script(creates, polls)).await;
    // The first poll that failed is repeated after a back-off of 3 to 6 s.
    let second = ended.polled_at()[1];
    let first = second - 5000;
    assert!((3000..=6001).contains(&first), "{first}");
    let events = [
        "0 retrying in 2000 after PROVIDER_ERROR, polls 0, retries 1, no task".to_owned(),
        "2000 retrying in 0 after CONNECTION_FAILED, polls 0, retries 2, no task".to_owned(),
        "2000 created, polls 0, retries 2, task-1".to_owned(),
        format!("5000 retrying in {} after CONNECTION_FAILED, polls 1, retries 3, task-1", first - 1),
        format!("{second} retrying in 9000 after HTTP_ERROR, polls 2, retries 4, task-1"),
        format!("{} processing, polls 3, retries 4, task-1", second + 9000),
        format!("{} retrying in 7000 after PROVIDER_ERROR, polls 4, retries 5, task-1", second + 12_000),
        format!("{} ready, polls 5, retries 5, task-1", second + 19_000),
        format!("{} ended, polls 5, retries 5, task-1", second + 19_000),
    ];
    assert_eq!(ended.events, events);
    assert_eq!(ended.token(), TOKEN);
}

#[tokio::test(start_paused = true)]
async fn the_other_calls_that_go_well() {
    let table: [(CallKind, Step, &[&str]); 5] = [
        (CreateTask, created(), &["0 created, polls 0, retries 0, task-1", "0 ended, polls 0, retries 0, task-1"]),
        (GetTaskResult, ready(), &["0 ready, polls 1, retries 0, task-1", "0 ended, polls 1, retries 0, task-1"]),
        (
            GetTaskResult,
            processing(),
            &["0 processing, polls 1, retries 0, task-1", "0 ended, polls 1, retries 0, task-1"],
        ),
        (WaitForTask, ready(), &["3000 ready, polls 1, retries 0, task-1", "3000 ended, polls 1, retries 0, task-1"]),
        (GetBalance, balance(), &["0 ended, polls 0, retries 0, no task"]),
    ];
    for (kind, reply, events) in table {
        let ended = call(kind).run(Scripted::default().then(kind.method(), [reply])).await;
        assert_eq!(ended.events, events, "{kind:?}");
        assert!(ended.outcome.is_ok());
        assert!(ended.recorded.iter().all(|event| event.provider == "yescaptcha"));
    }
}

/// The results of calls about a task that was created elsewhere.
#[tokio::test(start_paused = true)]
async fn the_solution_of_a_task_that_was_created_elsewhere_has_no_time_of_creation() {
    for kind in [GetTaskResult, WaitForTask] {
        let ended = call(kind).run(script([], [ready().reply_takes(ms(40))])).await;
        let elapsed = kind.first_request() + 40;
        let solution = serde_json::json!({
            "token": TOKEN, "provider": "yescaptcha", "taskId": TASK, "created": false, "elapsedMs": elapsed,
            "polls": 1, "retries": 0,
        });
        assert_eq!(ended.outcome.unwrap(), solution, "{kind:?}");
    }
}

/// A call that fails at once, one that gives up after retries, one that times out and one that is cancelled.
#[tokio::test(start_paused = true)]
async fn calls_that_fail() {
    for kind in CallKind::ALL {
        let (start, polls, task) = (
            kind.first_request(),
            u32::from(kind.method() == Method::GetTaskResult),
            kind.task_id().unwrap_or("no task"),
        );
        let ended_at = |at: u64| format!("{at} ended, polls {polls}, retries 0, {task}");
        let always = |step: Step| Scripted::default().always(kind.method(), step);
        let ended = call(kind).run(always(refusal("ERROR_TASKID_INVALID"))).await;
        assert_eq!(ended.events, [ended_at(start)], "{kind:?}");
        let ended = call(kind).patient().timeout_ms(12_000).run(always(Step::silence(true))).await;
        assert_eq!(ended.events, [ended_at(12_000)], "{kind:?}");
        let ended = call(kind).patient().cancel_at(5000).run(always(Step::silence(true))).await;
        assert_eq!(ended.events, [ended_at(5000)], "{kind:?}");
    }
    let ended = call(CreateTask).run(Scripted::default().always(Method::CreateTask, connect_failed())).await;
    let phases: Vec<_> = ended.phases().iter().map(|phase| phase.split(' ').nth(1).unwrap_or_default()).collect();
    assert_eq!(phases, ["retrying", "retrying", "retrying", "retrying", "ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_the_deadline_leaves_no_time_for_is_no_event() {
    for kind in [CreateTask, GetTaskResult, GetBalance] {
        let reply = busy().reply_takes(ms(4500));
        let ended = call(kind).timeout_ms(5000).run(Scripted::default().then(kind.method(), [reply])).await;
        assert_eq!((ended.phases(), ended.retries), (vec!["5000 ended"], 0), "{kind:?}");
        assert_eq!(ended.facts().cause, Some("PROVIDER_ERROR"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_says_why_and_when() {
    let ended = call(CreateTask).run(script([busy().retry_after(ms(2500)), created()], [])).await;
    match &ended.recorded[0].phase {
        Phase::Retrying { delay, code, message } => {
            assert_eq!((*delay, *code, message.as_str()), (ms(2500), "PROVIDER_ERROR", "ERROR_NO_SLOT_AVAILABLE"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_were_not_sent_are_no_polls() {
    let script = Scripted::default().always(Method::GetTaskResult, zero_balance());
    let registry = crate::registry::Registry::new(script);
    for _ in 0..9 {
        call(GetTaskResult).run_in(&registry).await;
    }
    for kind in [GetTaskResult, WaitForTask] {
        let ended = call(kind).run_in(&registry).await;
        assert_eq!(ended.events, [format!("{} ended, polls 0, retries 0, task-1", kind.first_request())]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_label_is_on_every_event_and_on_what_comes_of_the_call() {
    for kind in CallKind::ALL {
        let script = || {
            Scripted::default()
                .then(Method::CreateTask, [busy()])
                .always(Method::CreateTask, created())
                .then(Method::GetTaskResult, [interrupted()])
                .always(Method::GetTaskResult, ready())
                .always(Method::GetBalance, balance())
        };
        let ended = call(kind).text("label", "main").run(script()).await;
        assert!(ended.recorded.iter().all(|event| event.label.as_deref() == Some("main")), "{ended:?}");
        let failed = call(kind).text("label", "main").cancelled().run(script()).await;
        assert_eq!(failed.error().label.as_deref(), Some("main"));
        assert!(failed.error().to_string().contains("[yescaptcha 'main'"), "{}", failed.error());
    }
    let ended = call(Solve).text("label", "main").run(script([created()], [ready()])).await;
    assert_eq!(ended.outcome.unwrap()["label"], "main");
}
