//! What the caller's signal does to a call beside its results and its deadline. That it ends every wait is in
//! `await_points`.

use super::support::*;
use crate::{
    transport::scripted::{Scripted, Step},
    wire::Method,
};

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_before_it_starts_sends_nothing() {
    for kind in CallKind::ALL {
        let ended = call(kind).cancelled().run(Scripted::default()).await;
        let (task_id, may_be_charged) = (kind.task_id(), kind.task_id().is_some());
        assert_eq!(ended.facts(), Facts { code: "ABORT_ERR", task_id, may_be_charged, cause: None });
        assert_eq!((ended.at, ended.sent_at()), (0, vec![]));
        assert_eq!(ended.phases(), ["0 ended"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_arrives_as_the_call_is_cancelled_wins() {
    for kind in CallKind::ALL.into_iter().filter(|kind| *kind != Solve) {
        let arrives = kind.first_request() + 700;
        let script = Scripted::default().always(kind.method(), success(kind).reply_takes(ms(700)));
        let ended = call(kind).cancel_at(arrives).run(script).await;
        assert_eq!((ended.at, ended.outcome.is_ok()), (arrives, true), "{kind:?}: {ended:?}");

        let script = Scripted::default().always(kind.method(), success(kind).reply_takes(ms(701)));
        let ended = call(kind).cancel_at(arrives).run(script).await;
        assert_eq!((ended.at, ended.error().code()), (arrives, "ABORT_ERR"), "{kind:?}: {ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_solve_that_arrives_as_the_call_is_cancelled_wins() {
    let script = Scripted::default()
        .always(Method::CreateTask, created())
        .always(Method::GetTaskResult, ready().reply_takes(ms(700)));
    let ended = call(Solve).cancel_at(3700).run(script).await;
    assert_eq!((ended.at, ended.token()), (3700, TOKEN));
}

/// The caller needs the id of a task that is paid for, also where the call has ended.
#[tokio::test(start_paused = true)]
async fn a_task_that_is_created_as_the_call_is_cancelled_is_in_the_error() {
    let script = Scripted::default().always(Method::CreateTask, created().reply_takes(ms(700)));
    let ended = call(Solve).cancel_at(700).run(script).await;
    let facts = Facts { code: "ABORT_ERR", task_id: Some(TASK), may_be_charged: true, cause: None };
    assert_eq!((ended.at, ended.facts()), (700, facts));
    assert_eq!(ended.phases(), ["700 created", "700 ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_arrives_as_the_call_is_cancelled_is_what_it_fails_with() {
    for kind in CallKind::ALL {
        let arrives = kind.first_request() + 700;
        let script = Scripted::default().always(kind.method(), refusal("ERROR_TASKID_INVALID").reply_takes(ms(700)));
        let ended = call(kind).cancel_at(arrives).run(script).await;
        assert_eq!((ended.at, ended.error().code()), (arrives, "PROVIDER_ERROR"), "{kind:?}: {ended:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cancelled_at_its_deadline_is_cancelled_and_a_later_signal_changes_nothing() {
    for kind in CallKind::ALL {
        for (cancel_at, code) in [(4999, "ABORT_ERR"), (5000, "ABORT_ERR"), (5001, "TIMEOUT")] {
            let script = Scripted::default().always(kind.method(), Step::silence(true));
            let ended = call(kind).timeout_ms(5000).cancel_at(cancel_at).run(script).await;
            assert_eq!((ended.at, ended.error().code()), (cancel_at.min(5000), code), "{kind:?}");
        }
    }
}

/// Whether money may have been spent changes as the body leaves, not before.
#[tokio::test(start_paused = true)]
async fn a_create_may_be_charged_from_the_moment_its_body_leaves() {
    for (cancel_at, may_be_charged) in [(1999, false), (2001, true)] {
        for kind in [Solve, CreateTask] {
            let reply = created().connect_takes(ms(2000)).reply_takes(ms(60_000));
            let script = Scripted::default().always(Method::CreateTask, reply);
            let ended = call(kind).cancel_at(cancel_at).run(script).await;
            let facts = Facts { code: "ABORT_ERR", task_id: None, may_be_charged, cause: None };
            assert_eq!((ended.at, ended.facts()), (cancel_at, facts), "{kind:?}");
        }
    }
}

/// A createTask that was refused and waits to go out again has created nothing.
#[tokio::test(start_paused = true)]
async fn a_create_that_was_refused_and_is_in_flight_again_is_judged_by_the_second() {
    for (second, may_be_charged) in [(Step::silence(false), false), (Step::silence(true), true)] {
        for kind in [Solve, CreateTask] {
            let script = Scripted::default().then(Method::CreateTask, [busy(), second.clone()]);
            let ended = call(kind).patient().cancel_at(10_000).run(script).await;
            let facts = Facts { code: "ABORT_ERR", task_id: None, may_be_charged, cause: None };
            assert_eq!((ended.creates().len(), ended.facts()), (2, facts), "{kind:?}");
        }
    }
}
