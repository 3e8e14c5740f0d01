//! The circuit breaker through whole calls: it stops before the provider bans, and says so.

use std::sync::Arc;

use tokio::time::sleep;

use super::support::*;
use crate::{
    registry::Registry,
    transport::scripted::{Scripted, Step},
    wire::Method,
};

/// The most account refusals that are provoked within a minute.
const REFUSALS: usize = 9;

/// A provider that answers every request with this.
fn always(step: &Step) -> Registry<Scripted> {
    let methods = [Method::CreateTask, Method::GetTaskResult, Method::GetBalance];
    Registry::new(methods.into_iter().fold(Scripted::default(), |script, method| script.always(method, step.clone())))
}

/// A call that sends its first request as soon as its method allows.
fn direct(kind: CallKind) -> TestCall {
    if kind == WaitForTask { call(kind).timeout_ms(100_000).number("pollIntervalMs", 1000) } else { call(kind) }
}

/// Provokes as many refusals as the breaker lets through, a second apart.
async fn provoke(kind: CallKind, registry: &Registry<Scripted>) {
    for n in 1..=REFUSALS {
        let ended = call(kind).run_in(registry).await;
        assert_eq!(ended.refusal().error_code, "ERROR_ZERO_BALANCE");
        let pause = if n == REFUSALS { Some(ms(60_000 - 8000)) } else { None };
        assert_eq!(ended.refusal().retry_after, pause, "refusal {n}");
        assert_eq!(registry.transport.count(kind.method()), n);
        sleep(ms(1000)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn nine_account_refusals_in_a_minute_stop_the_tenth() {
    for kind in [Solve, CreateTask, GetTaskResult, GetBalance] {
        let registry = always(&zero_balance());
        provoke(kind, &registry).await;
        let ended = call(kind).run_in(&registry).await;
        let (task_id, may_be_charged) = (kind.task_id(), kind.task_id().is_some());
        let facts = Facts { code: "PROVIDER_ERROR", task_id, may_be_charged, cause: None };
        assert_eq!((ended.at, ended.polls, ended.facts()), (0, 0, facts), "{kind:?}");
        assert_eq!(registry.transport.count(kind.method()), REFUSALS, "nothing is sent: {kind:?}");
        assert_eq!(ended.refusal().retry_after, Some(ms(51_000)));
        assert_eq!(ended.refusal().remembered, Some(ms(1000)), "the age of the last refusal");
        assert_eq!(ended.events.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn polls_of_a_task_are_stopped_too() {
    let registry = always(&zero_balance());
    provoke(GetTaskResult, &registry).await;
    let ended = call(WaitForTask).run_in(&registry).await;
    assert_eq!((ended.at, ended.polls, ended.refusal().retry_after), (3000, 0, Some(ms(48_000))));
    assert_eq!(registry.transport.count(Method::GetTaskResult), REFUSALS);
}

#[tokio::test(start_paused = true)]
async fn the_window_slides() {
    let registry = always(&zero_balance());
    provoke(CreateTask, &registry).await;
    sleep(ms(51_000 - 1)).await;
    let ended = call(CreateTask).run_in(&registry).await;
    assert_eq!((registry.transport.count(Method::CreateTask), ended.refusal().retry_after), (9, Some(ms(1))));
    sleep(ms(1)).await;
    // The first refusal is a minute old, the second will be in a second.
    let ended = call(CreateTask).run_in(&registry).await;
    assert_eq!((registry.transport.count(Method::CreateTask), ended.refusal().retry_after), (10, Some(ms(1000))));
    let ended = call(CreateTask).run_in(&registry).await;
    assert_eq!((registry.transport.count(Method::CreateTask), ended.refusal().retry_after), (10, Some(ms(1000))));
    sleep(ms(1000)).await;
    call(CreateTask).run_in(&registry).await;
    assert_eq!(registry.transport.count(Method::CreateTask), 11);
}

#[tokio::test(start_paused = true)]
async fn each_method_is_stopped_apart() {
    for stopped in [CreateTask, GetTaskResult, GetBalance] {
        let registry = always(&zero_balance());
        provoke(stopped, &registry).await;
        for kind in [Solve, CreateTask, GetTaskResult, GetBalance] {
            let before = registry.transport.sent().len();
            call(kind).run_in(&registry).await;
            let sent = registry.transport.sent().len() - before;
            assert_eq!(sent, usize::from(kind.method() != stopped.method()), "{kind:?} with {stopped:?} stopped");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_remembered_refusal_says_what_the_provider_said_and_no_key() {
    let text = format!("the balance of {KEY} is 0");
    let registry = always(&refusal_with(402, "ERROR_ZERO_BALANCE", &text));
    for _ in 0..REFUSALS {
        call(CreateTask).run_in(&registry).await;
    }
    let remembered = call(CreateTask).run_in(&registry).await;
    assert_eq!(registry.transport.count(Method::CreateTask), REFUSALS);
    let message = remembered.error().to_string();
    assert!(message.contains("ERROR_ZERO_BALANCE (the balance of [clientKey] is 0)"), "{message}");
    assert_eq!(remembered.refusal().error_description, "the balance of [clientKey] is 0");
    assert_eq!((remembered.refusal().status, remembered.refusal().error_id), (402, 1));
}

#[tokio::test(start_paused = true)]
async fn the_latest_refusal_is_the_one_that_is_remembered() {
    let script = Scripted::default()
        .then(Method::CreateTask, vec![zero_balance(); 8])
        .then(Method::CreateTask, [refusal("ERROR_KEY_DOES_NOT_EXIST")]);
    let registry = Registry::new(script);
    for _ in 0..9 {
        call(CreateTask).run_in(&registry).await;
    }
    assert_eq!(call(CreateTask).run_in(&registry).await.refusal().error_code, "ERROR_KEY_DOES_NOT_EXIST");
}

#[tokio::test(start_paused = true)]
async fn refusals_that_are_no_fault_of_the_account_stop_nothing() {
    for code in ["ERROR_TASK_NOT_SUPPORTED", "ERROR_CAPTCHA_UNSOLVABLE", "ERROR_TASKID_INVALID", "ERROR_PROXY_X", "X"] {
        let registry = always(&refusal(code));
        for _ in 0..100 {
            assert_eq!(call(CreateTask).run_in(&registry).await.refusal().retry_after, None);
        }
        assert_eq!(registry.transport.count(Method::CreateTask), 100);
    }
}

/// Sends so many calls at once; how many requests went out.
async fn burst(provider: &str, kind: CallKind, calls: usize, step: Step) -> usize {
    let registry = Arc::new(always(&step.reply_takes(ms(300))));
    let made = direct(kind).provider(provider);
    // Only the named providers have a base URL and a task type of their own.
    let made = made.text("baseURL", "https://api.example.com");
    let made =
        if matches!(kind, Solve | CreateTask) && provider == "custom" { made.text("taskType", "T") } else { made };
    let mut all = Vec::new();
    for _ in 0..calls {
        all.push(made.clone().spawn(&registry).await);
    }
    for ended in all {
        let ended = ended.await.unwrap();
        assert_eq!(ended.error().code(), "PROVIDER_ERROR");
    }
    registry.transport.sent().len()
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_calls_never_provokes_as_many_refusals_as_the_provider_bans_for() {
    for kind in CallKind::ALL {
        let calls = if matches!(kind, CreateTask | GetTaskResult) { 1000 } else { 100 };
        let sent = burst("ezcaptcha", kind, calls, zero_balance()).await;
        assert!((REFUSALS..30).contains(&sent), "{sent} by {kind:?}");
    }
    for kind in [Solve, CreateTask, GetBalance] {
        let sent = burst("ezcaptcha", kind, 100, banned()).await;
        assert!((REFUSALS..30).contains(&sent), "{sent} by {kind:?}, each answered with a ban");
    }
    for (provider, calls, bans_for) in [("custom", 100, 30), ("yescaptcha", 1200, 1000)] {
        let sent = burst(provider, CreateTask, calls, zero_balance()).await;
        assert!((REFUSALS..bans_for).contains(&sent), "{sent} at {provider}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_keys_and_hosts_are_not_affected() {
    for kind in [Solve, CreateTask, GetTaskResult, GetBalance] {
        let registry = always(&zero_balance());
        let base = call(kind).text("baseURL", "https://api.example.com/v1");
        for _ in 0..REFUSALS {
            base.run_in(&registry).await;
        }
        let same = [
            base.clone(),
            base.clone().text("baseURL", "https://api.example.com:443/v2/"),
            base.clone().text("baseURL", "https://API.example.com"),
        ];
        for made in same {
            made.run_in(&registry).await;
            assert_eq!(registry.transport.sent().len(), REFUSALS, "{made:?}");
        }
        let others = [
            base.clone().text("clientKey", "test-key-0123456789abcdeF"),
            base.clone().text("baseURL", "https://api.example.com:8443"),
            base.clone().text("baseURL", "https://api.example.org"),
            call(kind),
        ];
        for (n, made) in others.iter().enumerate() {
            made.run_in(&registry).await;
            assert_eq!(registry.transport.sent().len(), REFUSALS + n + 1, "{made:?}");
        }
    }
}

/// As of many scripts of one process: what one has learned holds for all.
#[tokio::test(start_paused = true)]
async fn calls_at_the_same_time_share_what_is_known_of_their_account() {
    let registry = Arc::new(always(&zero_balance().reply_takes(ms(100))));
    let mut all = Vec::new();
    for n in 0..12 {
        all.push(call(if n % 2 == 0 { Solve } else { CreateTask }).spawn(&registry).await);
    }
    sleep(ms(50)).await;
    assert_eq!(registry.transport.count(Method::CreateTask), 12, "none is refused yet");
    for ended in all {
        ended.await.unwrap();
    }
    call(Solve).run_in(&registry).await;
    assert_eq!(registry.transport.count(Method::CreateTask), 12);
}

/// What is known only of others is not held against a task that is paid for.
#[tokio::test(start_paused = true)]
async fn a_solve_whose_task_exists_gets_its_token_while_no_other_is_created() {
    let script = Scripted::default()
        .then(Method::CreateTask, [created()])
        .always(Method::CreateTask, zero_balance())
        .then(Method::GetTaskResult, [ready()]);
    let registry = Arc::new(Registry::new(script));
    let solving = call(Solve).spawn(&registry).await;
    for _ in 0..20 {
        call(CreateTask).run_in(&registry).await;
    }
    assert_eq!(registry.transport.count(Method::CreateTask), 1 + REFUSALS);
    assert_eq!(solving.await.unwrap().token(), TOKEN);
}
