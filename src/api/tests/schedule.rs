//! The instants at which the requests of a call go out.

use super::support::*;
use crate::{
    transport::scripted::{Scripted, Step},
    wire::Method,
};

/// A solve or a wait whose polls meet these steps.
fn polls(steps: impl IntoIterator<Item = Step>) -> Scripted {
    Scripted::default().always(Method::CreateTask, created()).then(Method::GetTaskResult, steps)
}

#[tokio::test(start_paused = true)]
async fn a_single_call_sends_its_request_at_once_and_once() {
    for kind in [CreateTask, GetTaskResult, GetBalance] {
        let reply = success(kind).reply_takes(ms(120));
        let ended = call(kind).run(Scripted::default().then(kind.method(), [reply])).await;
        assert_eq!((ended.sent_at(), ended.at), (vec![0], 120), "{kind:?}");
    }
    let ended = call(GetTaskResult).run(polls([processing()])).await;
    assert_eq!((ended.polled_at(), ended.outcome.unwrap()), (vec![0], "processing".into()));
}

#[tokio::test(start_paused = true)]
async fn the_first_poll_waits_an_interval_from_the_reply_to_createtask() {
    let script = Scripted::default()
        .always(Method::CreateTask, created().connect_takes(ms(200)).reply_takes(ms(250)))
        .always(Method::GetTaskResult, ready());
    let ended = call(Solve).run(script).await;
    assert_eq!((ended.creates(), ended.polled_at(), ended.at), (vec![0], vec![3450], 3450));
    let ended = call(WaitForTask).run(polls([ready()])).await;
    assert_eq!(ended.polled_at(), [3000]);
}

#[tokio::test(start_paused = true)]
async fn the_interval_runs_from_the_reply_and_is_the_callers() {
    let slow = |step: Step| step.connect_takes(ms(100)).reply_takes(ms(300));
    for kind in [Solve, WaitForTask] {
        let ended = call(kind).run(polls([slow(processing()), slow(processing()), ready()])).await;
        assert_eq!(ended.polled_at(), [3000, 6400, 9800], "{kind:?}");
        let made = call(kind).number("pollIntervalMs", 1250);
        let ended = made.run(polls([slow(processing()), slow(processing()), ready()])).await;
        assert_eq!(ended.polled_at(), [1250, 2900, 4550], "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_where_it_is_longer_than_the_back_off() {
    for kind in [CreateTask, GetTaskResult, GetBalance] {
        for step in [busy(), gateway(429), refusal_with(429, "ERROR_NEVER_SEEN", "")] {
            let script = Scripted::default()
                .then(kind.method(), [step.retry_after(ms(7300)), success(kind)])
                .always(Method::GetTaskResult, ready());
            let ended = call(kind).run(script).await;
            assert_eq!(ended.sent_at(), [0, 7300], "{kind:?}");
        }
    }
    for kind in [Solve, WaitForTask] {
        for step in [busy(), gateway(429), gateway(503), refusal("ERROR_REQUEST_LIMIT")] {
            let ended = call(kind).run(polls([step.retry_after(ms(41_000)), ready()])).await;
            assert_eq!(ended.polled_at(), [3000, 44_000], "{kind:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_shortens_no_back_off() {
    for seed in 0..20 {
        for kind in [CreateTask, GetTaskResult, GetBalance] {
            fastrand::seed(seed);
            let script = Scripted::default().then(kind.method(), [busy().retry_after(ms(1)), success(kind)]);
            let ended = call(kind).run(script).await;
            assert!((500..=1001).contains(&ended.sent_at()[1]), "{kind:?}: {:?}", ended.sent_at());
        }
        fastrand::seed(seed);
        let ended = call(WaitForTask).run(polls([busy().retry_after(ms(1)), ready()])).await;
        assert!((6000..=9001).contains(&ended.polled_at()[1]), "{:?}", ended.polled_at());
    }
}

/// However long a server asks to wait, the caller gets one last chance before the deadline.
#[tokio::test(start_paused = true)]
async fn retry_after_is_clamped_to_the_last_request_before_the_deadline() {
    for asked in [29_000, 600_000, 86_400_000 * 400] {
        for kind in [CreateTask, GetTaskResult, GetBalance] {
            let script = Scripted::default().then(kind.method(), [busy().retry_after(ms(asked)), success(kind)]);
            let ended = call(kind).timeout_ms(30_000).run(script).await;
            assert_eq!(ended.sent_at(), [0, 28_000], "{kind:?}");
            assert!(ended.outcome.is_ok());
        }
        let ended = call(WaitForTask).timeout_ms(30_000).run(polls([busy().retry_after(ms(asked)), ready()])).await;
        assert_eq!(ended.polled_at(), [3000, 28_000]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_provider_is_sent_the_same_create_until_it_takes_it() {
    for kind in [Solve, CreateTask] {
        let waits = [1500, 2500, 2200, 4100];
        let script = Scripted::default()
            .then(Method::CreateTask, waits.map(|wait| busy().retry_after(ms(wait))))
            .always(Method::CreateTask, created())
            .always(Method::GetTaskResult, ready());
        let ended = call(kind).run(script).await;
        let creates = ended.creates();
        assert_eq!((creates[1], creates.len(), ended.retries), (1500, 5, 4), "{kind:?}");
        let bodies = ended.transport().sent();
        assert!(bodies[..5].iter().all(|sent| sent.body == bodies[0].body));
    }
}

/// The waits between the requests of a call that is refused each time, and the bounds of each.
async fn waits(kind: CallKind, seed: u64) -> Vec<u64> {
    fastrand::seed(seed);
    let script = Scripted::default().always(kind.method(), busy());
    let ended = call(kind).timeout_ms(60_000).run(script).await;
    ended.sent_at().windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn back_off_doubles_up_to_ten_seconds_and_never_falls_below_half_a_second() {
    let ceilings = [1000, 2000, 4000, 8000, 10_000, 10_000, 10_000];
    for kind in [CreateTask, GetTaskResult, GetBalance] {
        let mut longest = [0; 7];
        for seed in 0..25 {
            for ((wait, ceiling), longest) in waits(kind, seed).await.into_iter().zip(ceilings).zip(&mut longest) {
                assert!((500..=ceiling + 1).contains(&wait), "{kind:?}: {wait} of at most {ceiling}");
                *longest = wait.max(*longest);
            }
        }
        let far = longest.iter().zip(ceilings).all(|(longest, ceiling)| *longest * 10 > ceiling * 8);
        assert!(far, "{kind:?}: {longest:?} of at most {ceilings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn polls_back_off_up_to_twenty_seconds_and_never_below_their_interval() {
    for (interval, ceilings) in [
        (3000, [6000, 12_000, 20_000, 20_000, 20_000]),
        (2500, [5000, 10_000, 20_000, 20_000, 20_000]),
        (25_000, [25_000, 25_000, 25_000, 25_000, 25_000]),
    ] {
        let mut longest = [0; 5];
        for seed in 0..25 {
            fastrand::seed(seed);
            let script = Scripted::default().always(Method::GetTaskResult, busy());
            let made = call(WaitForTask).timeout_ms(160_000).number("pollIntervalMs", interval);
            let sent = made.run(script).await.polled_at();
            for ((pair, ceiling), longest) in sent.windows(2).zip(ceilings).zip(&mut longest) {
                let wait = pair[1] - pair[0];
                assert!((interval..=ceiling + 1).contains(&wait), "{wait} of at most {ceiling}");
                *longest = wait.max(*longest);
            }
        }
        assert!(longest.iter().zip(ceilings).all(|(longest, ceiling)| *longest * 10 > ceiling * 8), "{longest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_answered_ends_the_back_off() {
    for seed in 0..20 {
        fastrand::seed(seed);
        let steps = [busy(), busy(), busy(), processing(), busy(), ready()];
        let ended = call(WaitForTask).run(polls(steps)).await;
        let sent = ended.polled_at();
        assert_eq!(sent[4] - sent[3], 3000, "the interval after a reply");
        assert!((3000..=6001).contains(&(sent[5] - sent[4])), "the first back-off again: {sent:?}");
    }
}
