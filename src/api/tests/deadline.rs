//! What the deadline leaves time for. That it ends every wait is in `await_points`.

use std::sync::Arc;

use super::support::*;
use crate::{
    registry::Registry,
    transport::scripted::{Scripted, Step},
    wire::Method,
};

/// A script in which a task is created at once and then never ready, but for what `last` says.
fn never_ready() -> Scripted {
    Scripted::default().always(Method::CreateTask, created()).always(Method::GetTaskResult, processing())
}

#[tokio::test(start_paused = true)]
async fn the_last_poll_goes_out_in_time_for_its_reply() {
    // Two seconds before the deadline, or a quarter of the time where that is less.
    let table: [(u64, u64, &[u64]); 7] = [
        (1000, 3000, &[750]),
        (4000, 3000, &[3000]),
        (5000, 3000, &[3000, 4000]),
        (8000, 3000, &[3000, 6000]),
        (10_000, 3000, &[3000, 6000, 8000]),
        (14_500, 3000, &[3000, 6000, 9000, 12_000, 13_000]),
        (120_000, 100_000, &[100_000, 118_000]),
    ];
    for (timeout, interval, polls) in table {
        for kind in [Solve, WaitForTask] {
            let made = call(kind).timeout_ms(timeout).number("pollIntervalMs", interval);
            let ended = made.run(never_ready()).await;
            assert_eq!(ended.polled_at(), polls, "{kind:?}, {timeout} ms");
            let facts = Facts { code: "TIMEOUT", task_id: Some(TASK), may_be_charged: true, cause: None };
            assert_eq!((ended.at, ended.facts()), (timeout, facts));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_reply_to_the_last_poll_is_used_up_to_the_deadline() {
    for (takes, token) in [(1999, true), (2000, true), (2001, false)] {
        for kind in [Solve, WaitForTask] {
            let script = Scripted::default()
                .always(Method::CreateTask, created())
                .then(Method::GetTaskResult, [processing(), processing(), ready().reply_takes(ms(takes))]);
            let ended = call(kind).timeout_ms(10_000).run(script).await;
            assert_eq!(ended.polled_at(), [3000, 6000, 8000]);
            assert_eq!(ended.outcome.is_ok(), token, "{kind:?}, {takes} ms: {ended:?}");
            assert_eq!(ended.at, 8000 + takes.min(2000));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_at_the_very_deadline_is_used() {
    for kind in [CreateTask, GetTaskResult, WaitForTask, GetBalance] {
        let takes = 10_000 - kind.first_request();
        for (late, ok) in [(0, true), (1, false)] {
            let reply = success(kind).reply_takes(ms(takes + late));
            let ended =
                call(kind).timeout_ms(10_000).patient().run(Scripted::default().always(kind.method(), reply)).await;
            assert_eq!((ended.at, ended.outcome.is_ok()), (10_000, ok), "{kind:?}: {ended:?}");
        }
    }
}

/// The caller can still fetch the token of a task whose id came so late.
#[tokio::test(start_paused = true)]
async fn a_task_that_is_created_at_the_very_deadline_is_in_the_error() {
    for (takes, task_id) in [(10_000, Some(TASK)), (10_001, None)] {
        let script = Scripted::default()
            .always(Method::CreateTask, created().reply_takes(ms(takes)))
            .always(Method::GetTaskResult, processing().reply_takes(ms(1)));
        let ended = call(Solve).timeout_ms(10_000).run(script).await;
        let facts = Facts { code: "TIMEOUT", task_id, may_be_charged: true, cause: None };
        assert_eq!((ended.at, ended.facts()), (10_000, facts));
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_created_late_is_polled_once() {
    // A quarter of what is left.
    for (created_at, polled_at) in [(7000, 9250), (9000, 9750), (9600, 9900)] {
        let script = Scripted::default()
            .always(Method::CreateTask, created().reply_takes(ms(created_at)))
            .always(Method::GetTaskResult, ready().reply_takes(ms(50)));
        let ended = call(Solve).timeout_ms(10_000).run(script).await;
        assert_eq!(ended.polled_at(), [polled_at]);
        assert_eq!((ended.token(), ended.at), (TOKEN, polled_at + 50));
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_comes_too_late_is_not_sent() {
    // A turn at the host after 1750 ms. Half of a quarter of 2000 ms before the end is the latest moment to use it.
    for (timeout, sent) in [(1999, false), (2000, true), (2001, true)] {
        for kind in [Solve, CreateTask] {
            let script = Scripted::default()
                .then(Method::CreateTask, vec![zero_balance().reply_takes(ms(1750)); 16])
                .always(Method::CreateTask, created().reply_takes(ms(10_000)));
            let registry = Arc::new(Registry::new(script));
            for _ in 0..16 {
                call(CreateTask).text("clientKey", "another-key").spawn(&registry).await;
            }
            let ended = call(kind).timeout_ms(timeout).run_in(&registry).await;
            let instants = registry.transport.instants(Method::CreateTask);
            assert_eq!(instants[16..].to_vec(), if sent { vec![1750] } else { vec![] }, "{kind:?}, {timeout} ms");
            let cause = if sent { None } else { Some("CONNECTION_FAILED") };
            let facts = Facts { code: "TIMEOUT", task_id: None, may_be_charged: sent, cause };
            assert_eq!((ended.at, ended.facts()), (timeout, facts));
            assert_eq!(ended.phases(), [format!("{timeout} ended")]);
            if !sent {
                let cause = ended.error().cause.as_ref().unwrap().to_string();
                assert_eq!(cause, "no time was left to send it");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_turn_is_no_reason_not_to_poll_or_to_ask_for_the_balance() {
    for kind in [GetTaskResult, GetBalance] {
        let script = Scripted::default()
            .then(Method::GetBalance, vec![zero_balance().reply_takes(ms(1950)); 32])
            .always(kind.method(), success(kind).reply_takes(ms(49)));
        let registry = Arc::new(Registry::new(script));
        for _ in 0..32 {
            call(GetBalance).text("clientKey", "another-key").spawn(&registry).await;
        }
        let ended = call(kind).timeout_ms(2000).run_in(&registry).await;
        assert_eq!((ended.at, ended.outcome.is_ok()), (1999, true), "{kind:?}: {ended:?}");
    }
}

/// Whether money may have been spent changes as the body leaves, not before.
#[tokio::test(start_paused = true)]
async fn a_create_may_be_charged_from_the_moment_its_body_leaves() {
    for (timeout, may_be_charged) in [(1999, false), (2000, true), (2001, true)] {
        for kind in [Solve, CreateTask] {
            let reply = created().connect_takes(ms(2000)).reply_takes(ms(60_000));
            let script = Scripted::default().always(Method::CreateTask, reply);
            let ended = call(kind).timeout_ms(timeout).run(script).await;
            let facts = Facts { code: "TIMEOUT", task_id: None, may_be_charged, cause: None };
            assert_eq!((ended.at, ended.facts()), (timeout, facts), "{kind:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_cause_of_a_timeout_is_the_error_of_the_last_request_and_a_reply_clears_it() {
    let table: [(&[Step], Option<&str>); 4] = [
        (&[gateway(502), gateway(502)], Some("HTTP_ERROR")),
        (&[gateway(502), connect_failed()], Some("CONNECTION_FAILED")),
        (&[gateway(502), processing()], None),
        (&[processing(), busy()], Some("PROVIDER_ERROR")),
    ];
    for (replies, cause) in table {
        for kind in [Solve, WaitForTask] {
            fastrand::seed(1);
            let script = Scripted::default()
                .always(Method::CreateTask, created())
                .then(Method::GetTaskResult, replies.iter().cloned())
                .always(Method::GetTaskResult, replies[1].clone());
            let ended = call(kind).timeout_ms(20_000).run(script).await;
            assert!(ended.polls >= 2, "{ended:?}");
            assert_eq!(ended.facts(), Facts { code: "TIMEOUT", task_id: Some(TASK), may_be_charged: true, cause });
        }
    }
}

/// A createTask that failed for a while is no cause of what happens to its task.
#[tokio::test(start_paused = true)]
async fn what_createtask_met_is_not_the_cause_of_a_timeout_of_the_polls() {
    let script =
        Scripted::default().then(Method::CreateTask, [busy(), created()]).always(Method::GetTaskResult, processing());
    let ended = call(Solve).timeout_ms(5000).run(script).await;
    assert_eq!(ended.facts(), Facts { code: "TIMEOUT", task_id: Some(TASK), may_be_charged: true, cause: None });
    assert_eq!(ended.creates().len(), 2);
}
