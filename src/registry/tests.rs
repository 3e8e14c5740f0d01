use std::cell::Cell;

use super::*;

#[tokio::test(start_paused = true)]
async fn values_that_are_not_in_use_are_dropped_and_those_that_are_stay() {
    let mut map = SharedMap::new();
    let used: Vec<_> = (0..10).map(|key| map.get(key, |_| true, || key)).collect();
    for key in 10..SWEEP_FROM {
        map.get(key, |_| true, || key);
    }
    assert_eq!(map.entries.len(), SWEEP_FROM);
    map.get(0, |_| true, || 0);
    assert_eq!(map.entries.len(), SWEEP_FROM, "a known key is no reason to sweep");
    map.get(1000, |_| true, || 1000);
    assert_eq!(map.entries.len(), used.len() + 1);
    assert!(Arc::ptr_eq(&used[3], &map.get(3, |_| true, || 0)));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_idle_stays_and_is_not_looked_at_by_every_call() {
    let mut map = SharedMap::new();
    let looked_at = Cell::new(0);
    let busy = |_: &usize| {
        looked_at.set(looked_at.get() + 1);
        false
    };
    for key in 0..10_000 {
        map.get(key, busy, || key);
    }
    assert_eq!(map.entries.len(), 10_000);
    assert_eq!(looked_at.get(), SWEEP_FROM, "one sweep");
    tokio::time::advance(SWEEP_INTERVAL).await;
    map.get(10_000, |_| true, || 0);
    assert_eq!(map.entries.len(), 1);
}
