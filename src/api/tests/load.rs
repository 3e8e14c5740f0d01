//! Very many calls at once.

use std::{collections::BTreeSet, sync::Arc};

use tokio::time::sleep;

use super::support::*;
use crate::{registry::Registry, transport::scripted::Scripted, wire::Method};

/// From so many calls in flight on, their polls are aligned.
const MANY: usize = 1000;

fn registry() -> Arc<Registry<Scripted>> {
    Arc::new(Registry::new(Scripted::default().always(Method::GetTaskResult, processing())))
}

/// A call that sends nothing for longer than the tests take.
fn waiting() -> TestCall {
    call(WaitForTask).slow().number("pollIntervalMs", 100_000)
}

/// Puts so many calls in flight.
async fn in_flight(registry: &Arc<Registry<Scripted>>, waiting: TestCall, calls: usize) {
    for _ in 0..calls {
        waiting.clone().spawn(registry).await;
    }
}

/// The instants of the polls of calls that begin 7 ms apart.
async fn polled_at(registry: &Arc<Registry<Scripted>>, calls: usize) -> Vec<Vec<u64>> {
    let mut all = Vec::new();
    for n in 0..calls {
        let made = call(WaitForTask).timeout_ms(20_000).text("taskId", &format!("task-of-{n}"));
        all.push(made.spawn(registry).await);
        sleep(ms(7)).await;
    }
    for ended in all {
        ended.await.unwrap();
    }
    let sent = registry.transport.sent();
    let of = |n: usize| {
        let mine = sent.iter().filter(|sent| sent.body["taskId"] == format!("task-of-{n}"));
        mine.map(|sent| milliseconds(sent.at)).collect()
    };
    (0..calls).map(of).collect()
}

#[tokio::test(start_paused = true)]
async fn from_a_thousand_calls_on_polls_are_aligned_and_spread_over_an_interval() {
    fastrand::seed(7);
    let registry = registry();
    in_flight(&registry, waiting(), MANY - 1).await;
    let polls = polled_at(&registry, 40).await;
    let mut first = BTreeSet::new();
    for (n, at) in polls.iter().enumerate() {
        // The last poll before the deadline keeps to the deadline.
        let (_, aligned) = at.split_last().unwrap();
        assert!(aligned.iter().all(|at| at % 250 == 0), "{at:?}");
        assert!(aligned.windows(2).all(|pair| pair[1] - pair[0] == 3000), "{at:?}");
        let begun = n as u64 * 7;
        let wait = at[0] - begun;
        assert!((3000..=6250).contains(&wait), "the first of {at:?}");
        first.insert(at[0] / 250);
    }
    assert!(first.len() >= 8, "spread over {} steps", first.len());
}

#[tokio::test(start_paused = true)]
async fn with_fewer_calls_polls_go_out_each_at_its_own_time() {
    let registry = registry();
    in_flight(&registry, waiting(), MANY - 2).await;
    for (n, at) in polled_at(&registry, 1).await.iter().enumerate() {
        let begun = n as u64 * 7;
        assert_eq!(at[..3], [3000, 6000, 9000].map(|due| begun + due));
    }
}

#[tokio::test(start_paused = true)]
async fn calls_to_other_hosts_do_not_count() {
    let registry = registry();
    in_flight(&registry, waiting().text("baseURL", "https://api.example.com"), MANY).await;
    assert_eq!(polled_at(&registry, 1).await[0][..2], [3000, 6000]);
}

#[tokio::test(start_paused = true)]
async fn calls_that_have_ended_do_not_count() {
    let registry = registry();
    in_flight(&registry, waiting().cancel_at(1000), MANY).await;
    sleep(ms(1000)).await;
    assert_eq!(polled_at(&registry, 1).await[0][..2], [4000, 7000]);
}
