use std::cell::Cell;

use super::*;
use crate::{
    error::{ProviderError, RequestError},
    options::{GetBalanceRequest, RawOption},
    provider::Reason,
    wire::Method,
};

fn account(key: &str, base_url: &str) -> Account {
    let options = [("provider", "custom"), ("clientKey", key), ("baseURL", base_url)];
    let options = options.map(|(name, value)| (name.to_owned(), RawOption::Text(value.to_owned())));
    GetBalanceRequest::parse(options.into()).unwrap().account
}

/// So many accounts, each at a host of its own.
fn accounts(count: usize) -> Vec<Account> {
    (0..count).map(|n| account("test-key", &format!("https://api-{n}.example.com"))).collect()
}

#[test]
fn an_account_has_one_breaker_and_a_host_one_limiter() {
    let registry = Registry::new(());
    let one = account("test-key", "https://api.example.com");
    let (breaker, limiter) = (registry.breaker(&one), registry.enter(&one));
    let same_host = |other: &Account| std::ptr::eq(&*registry.enter(other), &*limiter);
    for (other, same_account, at_same_host) in [
        (account("test-key", "https://api.example.com/v2"), true, true),
        (account("test-kez", "https://api.example.com"), false, true),
        (account("test-key", "https://api.example.com:8443"), false, false),
        (account("test-key", "https://api.example.org"), false, false),
    ] {
        assert_eq!(Arc::ptr_eq(&registry.breaker(&other), &breaker), same_account, "{other:?}");
        assert_eq!(same_host(&other), at_same_host, "{other:?}");
    }
}

#[test]
fn a_registry_knows_nothing_of_another() {
    let (one, other) = (Registry::new(()), Registry::new(()));
    let account = account("test-key", "https://api.example.com");
    assert!(!Arc::ptr_eq(&one.breaker(&account), &other.breaker(&account)));
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_or_remembers_a_refusal_is_never_dropped() {
    let registry = Registry::new(());
    let all = accounts(SWEEP_FROM + 2);
    let (used, entered) = (registry.breaker(&all[0]), registry.enter(&all[0]));
    let ban = ProviderError::new(200, String::new(), Reason::Banned);
    let mut refusal: Result<(), RequestError> = Err(RequestError::Provider(Box::new(ban)));
    registry.breaker(&all[1]).acquire(Method::GetBalance).await.ok().unwrap().record(&mut refusal, None);
    for account in &all[2..] {
        registry.breaker(account);
        registry.enter(account);
    }
    assert!(lock(&registry.breakers).entries.len() < SWEEP_FROM);
    assert!(Arc::ptr_eq(&registry.breaker(&all[0]), &used));
    assert!(registry.breaker(&all[1]).acquire(Method::GetBalance).await.is_err(), "the ban is remembered");
    assert!(std::ptr::eq(&*registry.enter(&all[0]), &*entered));
}

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
