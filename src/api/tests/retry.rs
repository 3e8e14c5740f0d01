//! Which requests go out again, when, and what a call that gives up says.

use super::support::*;
use crate::{
    transport::scripted::{Scripted, Step},
    wire::Method,
};

/// What every request of the kind's first method meets.
fn always(kind: CallKind, step: Step) -> Scripted {
    Scripted::default().always(kind.method(), step)
}

/// What the first requests of the kind's first method meet, and success after that.
fn first(kind: CallKind, steps: impl IntoIterator<Item = Step>) -> Scripted {
    Scripted::default()
        .then(kind.method(), steps)
        .always(kind.method(), success(kind))
        .always(Method::GetTaskResult, ready())
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_sent_and_not_answered_in_time_is_never_resent() {
    for kind in [Solve, CreateTask] {
        let ended = call(kind).request_timeout_ms(700).run(always(kind, Step::silence(true))).await;
        let facts = Facts { code: "CONNECTION_FAILED", task_id: None, may_be_charged: true, cause: None };
        assert_eq!((ended.at, ended.facts(), ended.creates()), (700, facts, vec![0]), "{kind:?}");
        let message = "createTask failed: api.yescaptcha.com:443 sent no complete reply within requestTimeoutMs (700 ms) \
                       [yescaptcha]; the task may have been created and charged all the same";
        assert_eq!(ended.error().to_string(), message);
        assert_eq!(ended.phases(), ["700 ended"]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_reply_is_awaited_for_the_whole_request_timeout_that_the_connection_is_part_of() {
    for (takes, ok) in [(700, true), (701, false)] {
        for kind in [CreateTask, GetTaskResult, GetBalance] {
            let reply = success(kind).connect_takes(ms(300)).reply_takes(ms(takes - 300));
            let ended = call(kind).request_timeout_ms(700).timeout_ms(1000).run(always(kind, reply)).await;
            assert_eq!(ended.outcome.is_ok(), ok, "{kind:?}, {takes} ms: {ended:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_and_a_question_for_the_balance_that_were_not_answered_in_time_are_repeated() {
    for (kind, earliest, latest) in [(GetTaskResult, 500, 1000), (WaitForTask, 3000, 6000), (GetBalance, 500, 1000)] {
        let ended = call(kind).request_timeout_ms(700).run(first(kind, [Step::silence(true)])).await;
        let sent = ended.sent_at();
        assert_eq!((sent[0], sent.len()), (kind.first_request(), 2), "{kind:?}");
        let wait = sent[1] - sent[0] - 700;
        assert!((earliest..=latest + 1).contains(&wait), "{kind:?} after {wait} ms");
        assert!(ended.outcome.is_ok(), "{ended:?}");
    }
}

/// Nothing was sent within the time: the request may go out again, whatever it is.
#[tokio::test(start_paused = true)]
async fn a_request_whose_body_did_not_leave_in_time_counts_as_a_connection_that_failed() {
    for kind in [Solve, CreateTask, GetBalance] {
        let ended =
            call(kind).request_timeout_ms(700).timeout_ms(120_000).run(always(kind, Step::silence(false))).await;
        let facts = Facts { code: "CONNECTION_FAILED", task_id: None, may_be_charged: false, cause: None };
        assert_eq!((ended.facts(), ended.sent_at().len()), (facts, 5), "{kind:?}");
        let message = ended.error().to_string();
        let cause =
            "failed: nothing could be sent to api.yescaptcha.com:443 within requestTimeoutMs (700 ms) [yescaptcha]";
        assert!(message.ends_with(cause), "{message}");
    }
    for kind in [GetTaskResult, WaitForTask] {
        let ended =
            call(kind).request_timeout_ms(700).timeout_ms(120_000).run(always(kind, Step::silence(false))).await;
        let cause = Some("CONNECTION_FAILED");
        let facts = Facts { code: "TIMEOUT", task_id: Some(TASK), may_be_charged: true, cause };
        assert_eq!((ended.at, ended.facts()), (120_000, facts), "{kind:?}");
        assert!(ended.sent_at().len() > 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_is_tried_five_times_for_what_is_not_paid_for_yet() {
    for kind in [Solve, CreateTask, GetBalance] {
        for failures in [4, 5] {
            let script = first(kind, vec![connect_failed(); failures]);
            let ended = call(kind).timeout_ms(120_000).run(script).await;
            assert_eq!(ended.retries, 4);
            assert_eq!(ended.outcome.is_ok(), failures == 4, "{kind:?}: {ended:?}");
            if failures == 5 {
                let facts = Facts { code: "CONNECTION_FAILED", task_id: None, may_be_charged: false, cause: None };
                assert_eq!((ended.facts(), ended.sent_at().len()), (facts, 5));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn another_error_ends_the_count_of_connections_that_failed() {
    for kind in [Solve, CreateTask, GetBalance] {
        let failures = vec![connect_failed(); 4];
        let script = first(kind, [failures.clone(), vec![busy()], failures.clone()].concat());
        let ended = call(kind).slow().run(script).await;
        assert_eq!((ended.retries, ended.outcome.is_ok()), (9, true), "{kind:?}: {ended:?}");

        let script = always(kind, connect_failed()).then(kind.method(), [failures, vec![busy()]].concat());
        let ended = call(kind).slow().run(script).await;
        assert_eq!((ended.sent_at().len(), ended.error().code()), (10, "CONNECTION_FAILED"), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_fails_is_tried_until_the_deadline_for_a_task_that_exists() {
    for kind in [GetTaskResult, WaitForTask] {
        let ended = call(kind).timeout_ms(60_000).run(always(kind, connect_failed())).await;
        let cause = Some("CONNECTION_FAILED");
        let facts = Facts { code: "TIMEOUT", task_id: Some(TASK), may_be_charged: true, cause };
        assert_eq!((ended.at, ended.facts()), (60_000, facts), "{kind:?}");
        let sent = ended.sent_at();
        assert!(sent.len() > 5 && sent.last().is_some_and(|last| *last > 50_000), "{kind:?}: {sent:?}");
    }
    let script = Scripted::default()
        .always(Method::CreateTask, created())
        .then(Method::GetTaskResult, vec![connect_failed(); 7])
        .always(Method::GetTaskResult, ready());
    let ended = call(Solve).slow().run(script).await;
    assert_eq!((ended.token(), ended.polls, ended.retries), (TOKEN, 8, 7));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_processed_is_resent_at_once_and_then_with_back_off() {
    for kind in CallKind::ALL {
        let script = first(kind, vec![not_processed(); 3]);
        let ended = call(kind).timeout_ms(120_000).run(script).await;
        let sent = ended.sent_at();
        let start = kind.first_request();
        assert_eq!(sent[..2], [start, start], "{kind:?}");
        let least = if kind == WaitForTask { 3000 } else { 500 };
        assert!(sent[2] - start >= least && sent[3] - sent[2] >= least, "from then on it waits: {kind:?} {sent:?}");
        assert!(ended.outcome.is_ok(), "{ended:?}");
        let phases = ended.phases();
        let at_once = format!("{start} retrying in 0 after CONNECTION_FAILED");
        assert_eq!(phases[0], at_once, "{kind:?}");
        assert_ne!(phases[1], at_once, "{kind:?}");
        assert_eq!(ended.retries, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_processed_is_resent_at_once_again_after_a_poll_that_was_answered() {
    for kind in [Solve, WaitForTask] {
        let polls = [not_processed(), processing(), not_processed(), ready()];
        let script = Scripted::default().always(Method::CreateTask, created()).then(Method::GetTaskResult, polls);
        let ended = call(kind).run(script).await;
        assert_eq!(ended.polled_at(), [3000, 3000, 6000, 6000]);
        assert_eq!((ended.token(), ended.polls, ended.retries), (TOKEN, 4, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_between_does_not_let_what_was_not_processed_be_resent_at_once_again() {
    for kind in CallKind::ALL {
        let script = first(kind, [not_processed(), busy().retry_after(ms(7000)), not_processed()]);
        let sent = call(kind).run(script).await.sent_at();
        let start = kind.first_request();
        assert_eq!(sent[..3], [start, start, start + 7000], "{kind:?}");
        assert!(sent[3] - sent[2] >= 500, "{kind:?}: {sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_never_processed_times_out_without_a_charge() {
    for kind in [Solve, CreateTask] {
        let ended = call(kind).timeout_ms(10_000).run(always(kind, not_processed())).await;
        let cause = Some("CONNECTION_FAILED");
        assert_eq!(ended.facts(), Facts { code: "TIMEOUT", task_id: None, may_be_charged: false, cause });
        assert!(ended.creates().len() > 4, "{:?}", ended.creates());
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_is_refused_ends_every_call_at_once() {
    for kind in CallKind::ALL {
        let ended = call(kind).run(always(kind, certificate_refused())).await;
        let (task_id, may_be_charged) = (kind.task_id(), kind.task_id().is_some());
        let facts = Facts { code: "CONNECTION_FAILED", task_id, may_be_charged, cause: None };
        assert_eq!((ended.at, ended.facts()), (kind.first_request(), facts), "{kind:?}");
        assert_eq!(ended.sent_at().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_is_resent_only_where_the_first_surely_created_nothing() {
    let table: [(Step, bool, bool); 12] = [
        (busy(), true, false),
        (refusal("ERROR_REQUEST_LIMIT"), true, false),
        (gateway(429), true, false),
        (refusal_with(429, "ERROR_NEVER_SEEN", ""), true, false),
        (gateway(503), false, true),
        (gateway(408), false, true),
        (gateway(404), false, false),
        (gateway(302), false, true),
        (Step::reply(200, ""), false, true),
        (Step::reply(200, r#"{"errorId":0}"#), false, true),
        (interrupted(), false, true),
        (refusal("ERROR_NEVER_SEEN"), false, false),
    ];
    for (step, resent, may_be_charged) in table {
        for kind in [Solve, CreateTask] {
            let named = format!("{kind:?} {step:?}");
            let ended = call(kind).run(first(kind, [step.clone()])).await;
            assert_eq!(ended.creates().len(), 1 + usize::from(resent), "{named}");
            match resent {
                true => assert!(ended.outcome.is_ok(), "{named}: {ended:?}"),
                false => {
                    let error = ended.error();
                    assert_eq!((error.may_be_charged, &error.task_id), (may_be_charged, &None), "{named}");
                }
            }
        }
    }
}

/// A charge that was possible at one request stays possible only if that request is the last.
#[tokio::test(start_paused = true)]
async fn a_create_that_ends_in_a_refusal_after_others_is_not_charged() {
    let script = first(CreateTask, [busy(), not_processed(), connect_failed(), zero_balance()]);
    let ended = call(CreateTask).run(script).await;
    let facts = Facts { code: "PROVIDER_ERROR", task_id: None, may_be_charged: false, cause: None };
    assert_eq!((ended.facts(), ended.creates().len()), (facts, 4));
}
