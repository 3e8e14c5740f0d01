//! A ban through whole calls: nothing is sent while it lasts but one probe a minute, and the polls for tasks that are paid
//! for.

use tokio::time::sleep;

use super::support::*;
use crate::{
    registry::Registry,
    transport::scripted::{Scripted, Step},
    wire::Method,
};

const MINUTE: u64 = 60_000;

/// A provider that answers the first request with a ban, the others with success.
fn ban_then_success(method: Method, ban: Step) -> Registry<Scripted> {
    let script = Scripted::default().then(method, [ban]);
    Registry::new(
        script
            .always(Method::CreateTask, created())
            .always(Method::GetTaskResult, ready())
            .always(Method::GetBalance, balance()),
    )
}

/// The calls that a ban stops.
const STOPPED: [CallKind; 3] = [CreateTask, Solve, GetBalance];

/// That each call that a ban stops is refused at once and sends nothing; the pause that they name.
async fn refused_at_once(registry: &Registry<Scripted>) -> Option<u64> {
    let before = registry.transport.sent().len();
    let mut pause = None;
    for kind in STOPPED {
        let ended = call(kind).run_in(registry).await;
        assert_eq!((ended.at, ended.polls, ended.error().code()), (0, 0, "PROVIDER_ERROR"), "{kind:?}");
        assert!(!ended.error().may_be_charged, "{kind:?}");
        assert_eq!(ended.refusal().error_code, "ERROR_REQUEST_BANNED");
        let named = ended.refusal().retry_after.map(milliseconds);
        assert!(pause.is_none() || pause == named, "{kind:?}");
        pause = named;
    }
    assert_eq!(registry.transport.sent().len(), before, "nothing is sent");
    pause
}

#[tokio::test(start_paused = true)]
async fn a_ban_refuses_at_once_whatever_is_not_paid_for() {
    for kind in STOPPED {
        let registry = ban_then_success(kind.method(), banned());
        let ended = call(kind).run_in(&registry).await;
        let facts = Facts { code: "PROVIDER_ERROR", task_id: None, may_be_charged: false, cause: None };
        assert_eq!((ended.at, ended.facts()), (0, facts), "{kind:?}");
        assert_eq!(ended.refusal().retry_after, Some(ms(MINUTE)));
        assert_eq!(refused_at_once(&registry).await, Some(MINUTE));
        sleep(ms(20_000)).await;
        assert_eq!(refused_at_once(&registry).await, Some(40_000));
    }
}

/// At worst the question is refused: the task is paid for, and its token may be there.
#[tokio::test(start_paused = true)]
async fn polls_go_on_while_the_account_is_banned_and_a_reply_ends_the_ban() {
    for kind in [GetTaskResult, WaitForTask] {
        let registry = ban_then_success(Method::CreateTask, banned());
        call(CreateTask).run_in(&registry).await;
        assert_eq!(call(kind).run_in(&registry).await.token(), TOKEN);
        assert!(call(CreateTask).run_in(&registry).await.outcome.is_ok(), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_answered_with_a_ban_is_repeated_and_stops_all_but_polls() {
    for kind in [Solve, GetTaskResult, WaitForTask] {
        for seed in 0..10 {
            fastrand::seed(seed);
            let script = Scripted::default()
                .always(Method::CreateTask, created())
                .then(Method::GetTaskResult, [banned(), banned(), ready()]);
            let registry = std::sync::Arc::new(Registry::new(script));
            let polling = call(kind).spawn(&registry).await;
            sleep(ms(3001)).await;
            assert!(refused_at_once(&registry).await.is_some());
            let ended = polling.await.unwrap();
            assert_eq!((ended.token(), ended.retries), (TOKEN, 2), "{kind:?}");
            let polls = registry.transport.instants(Method::GetTaskResult);
            // Three seconds at least, however short the interval.
            assert!(polls.windows(2).all(|pair| pair[1] - pair[0] >= 3000), "{kind:?}: {polls:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_waits_as_long_as_the_provider_asks_beside_a_ban() {
    let script = Scripted::default().then(Method::GetTaskResult, [banned().retry_after(ms(42_000)), ready()]);
    let ended = call(WaitForTask).run(script).await;
    assert_eq!((ended.polled_at(), ended.token()), (vec![3000, 45_000], TOKEN));
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_polls_are_all_answered_with_a_ban_times_out() {
    for kind in [GetTaskResult, WaitForTask] {
        let script = Scripted::default().always(Method::GetTaskResult, banned());
        let ended = call(kind).timeout_ms(60_000).run(script).await;
        let facts = Facts { code: "TIMEOUT", task_id: Some(TASK), may_be_charged: true, cause: Some("PROVIDER_ERROR") };
        assert_eq!((ended.at, ended.facts()), (60_000, facts), "{kind:?}");
        assert!(ended.polls > 2);
    }
}

#[tokio::test(start_paused = true)]
async fn one_probe_a_minute_goes_out_while_the_ban_lasts() {
    let registry = Registry::new(Scripted::default().always(Method::CreateTask, banned()));
    for _ in 0..400 {
        call(CreateTask).run_in(&registry).await;
        sleep(ms(1000)).await;
    }
    assert_eq!(registry.transport.instants(Method::CreateTask), [0, 1, 2, 3, 4, 5, 6].map(|minute| minute * MINUTE));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_succeeds_ends_the_ban_for_all() {
    for kind in [CreateTask, GetBalance] {
        let registry = ban_then_success(Method::CreateTask, banned());
        call(CreateTask).run_in(&registry).await;
        sleep(ms(MINUTE - 1)).await;
        assert_eq!(refused_at_once(&registry).await, Some(1));
        sleep(ms(1)).await;
        assert!(call(kind).run_in(&registry).await.outcome.is_ok(), "{kind:?}");
        for kind in CallKind::ALL {
            assert!(call(kind).run_in(&registry).await.outcome.is_ok(), "{kind:?}");
        }
    }
}

/// A refusal of another kind is the provider's word too: it answers again.
#[tokio::test(start_paused = true)]
async fn a_probe_that_is_refused_for_another_reason_ends_the_ban_and_one_without_an_answer_does_not() {
    for (probe, ends) in [
        (refusal("ERROR_TASK_NOT_SUPPORTED"), true),
        (zero_balance(), true),
        (gateway(404), false),
        (interrupted(), false),
        (certificate_refused(), false),
        (banned(), false),
    ] {
        let named = format!("{probe:?}");
        let script = Scripted::default().then(Method::CreateTask, [banned(), probe, created()]);
        let registry = Registry::new(script);
        call(CreateTask).run_in(&registry).await;
        sleep(ms(MINUTE)).await;
        assert!(call(CreateTask).run_in(&registry).await.outcome.is_err());
        assert_eq!(call(CreateTask).run_in(&registry).await.outcome.is_ok(), ends, "{named}");
        assert_eq!(registry.transport.count(Method::CreateTask), 2 + usize::from(ends), "{named}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beside_a_ban_is_obeyed_for_one_to_thirty_minutes() {
    for (asked, obeyed) in [(0, 60), (59, 60), (61, 61), (180, 180), (1800, 1800), (1801, 1800), (86_400, 1800)] {
        let ban = banned().retry_after(ms(asked * 1000));
        let registry = ban_then_success(Method::CreateTask, ban);
        let ended = call(CreateTask).run_in(&registry).await;
        assert_eq!(ended.refusal().retry_after, Some(ms(obeyed * 1000)), "{asked} s");
        assert_eq!(refused_at_once(&registry).await, Some(obeyed * 1000));
        sleep(ms(obeyed * 1000 - 1)).await;
        assert_eq!(refused_at_once(&registry).await, Some(1));
        sleep(ms(1)).await;
        assert!(call(CreateTask).run_in(&registry).await.outcome.is_ok(), "{asked} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_to_what_was_sent_before_does_not_end_a_ban() {
    for late in [balance(), zero_balance()] {
        let script = Scripted::default()
            .always(Method::GetBalance, late.reply_takes(ms(5000)))
            .always(Method::CreateTask, banned().reply_takes(ms(1000)));
        let registry = std::sync::Arc::new(Registry::new(script));
        let before = call(GetBalance).spawn(&registry).await;
        call(CreateTask).run_in(&registry).await;
        before.await.unwrap();
        assert_eq!(refused_at_once(&registry).await, Some(MINUTE - 4000));
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_ban_is_a_ban_and_begins_anew() {
    let script = Scripted::default()
        .always(Method::GetBalance, banned().reply_takes(ms(5000)))
        .always(Method::CreateTask, banned().reply_takes(ms(1000)));
    let registry = std::sync::Arc::new(Registry::new(script));
    let before = call(GetBalance).spawn(&registry).await;
    call(CreateTask).run_in(&registry).await;
    before.await.unwrap();
    assert_eq!(refused_at_once(&registry).await, Some(MINUTE));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_cancelled_is_not_followed_by_another_within_a_minute() {
    let script = Scripted::default().then(Method::CreateTask, [banned(), Step::silence(true)]);
    let registry = Registry::new(script);
    call(CreateTask).run_in(&registry).await;
    sleep(ms(MINUTE)).await;
    assert_eq!(call(CreateTask).cancel_at(7000).run_in(&registry).await.error().code(), "ABORT_ERR");
    assert_eq!(refused_at_once(&registry).await, Some(MINUTE - 7000));
}

#[tokio::test(start_paused = true)]
async fn a_remembered_ban_says_what_the_provider_said_and_no_key() {
    let text = format!("{KEY} is banned");
    let registry = ban_then_success(Method::CreateTask, refusal_with(403, "ERROR_REQUEST_BANNED", &text));
    call(CreateTask).run_in(&registry).await;
    let remembered = call(CreateTask).run_in(&registry).await;
    let message = remembered.error().to_string();
    assert!(message.contains("ERROR_REQUEST_BANNED ([clientKey] is banned)"), "{message}");
    assert_eq!(remembered.refusal().error_description, "[clientKey] is banned");
    assert_eq!(registry.transport.count(Method::CreateTask), 1);
}

#[tokio::test(start_paused = true)]
async fn a_ban_of_one_account_is_none_of_another() {
    let registry = ban_then_success(Method::CreateTask, banned());
    call(CreateTask).run_in(&registry).await;
    for other in [call(CreateTask).text("clientKey", "another-key"), call(CreateTask).provider("ezcaptcha")] {
        assert!(other.run_in(&registry).await.outcome.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_sent_says_so_and_until_when() {
    let registry = ban_then_success(Method::CreateTask, banned());
    let sent = call(CreateTask).run_in(&registry).await;
    assert!(!sent.error().to_string().contains("not sent"), "{}", sent.error());
    assert_eq!(sent.refusal().remembered, None);
    sleep(ms(12_345)).await;
    let refused = call(Solve).run_in(&registry).await;
    let message = refused.error().to_string();
    let start = "createTask failed: not sent: refused 12 s ago with ERROR_REQUEST_BANNED";
    assert!(message.starts_with(start), "{message}");
    assert!(message.contains("; the next request goes out in 48 s"), "{message}");
    assert_eq!(refused.refusal().remembered, Some(ms(12_345)));
}
