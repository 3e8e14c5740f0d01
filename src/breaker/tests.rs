use std::sync::Arc;

use super::*;

const EZ: usize = 30;

fn refused(reason: Reason) -> Result<(), RequestError> {
    Err(RequestError::Provider(Box::new(ProviderError::new(500, "ERROR_ZERO_BALANCE".into(), reason))))
}

/// One createTask that the provider answers with a refusal; whether it was sent, and the pause that the error names.
async fn call(breaker: &CircuitBreaker, method: Method, reason: Reason) -> (bool, Option<Duration>) {
    match breaker.acquire(method).await {
        Err(refusal) => (false, refusal.retry_after),
        Ok(pass) => {
            let mut answer = refused(reason);
            pass.record(&mut answer, None);
            match answer {
                Err(RequestError::Provider(refusal)) => (true, refusal.retry_after),
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn succeed(breaker: &CircuitBreaker, method: Method) -> bool {
    let pass = breaker.acquire(method).await;
    if let Ok(pass) = &pass {
        pass.record(&mut Ok::<(), RequestError>(()), None);
    }
    pass.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_runaway_loop_is_stopped_well_before_the_provider_bans() {
    let breaker = CircuitBreaker::new(EZ);
    let mut sent = Vec::new();
    let started = Instant::now();
    for _ in 0..10_000 {
        if call(&breaker, Method::CreateTask, Reason::Account).await.0 {
            sent.push(started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let most = sent.iter().map(|from| sent.iter().filter(|at| *at >= from && **at < *from + WINDOW).count()).max();
    assert_eq!(most, Some(MAX_REFUSALS));
    assert!(sent.len() > 100, "{} in 1000 s: it goes on once the minute has passed", sent.len());
}

/// How many of a thousand calls at once are sent when all that are under way come back refused together.
async fn sent_of_a_burst(method: Method) -> usize {
    let breaker = Arc::new(CircuitBreaker::new(EZ));
    let calls = (0..1000).map(|_| {
        let breaker = Arc::clone(&breaker);
        tokio::spawn(async move {
            let pass = breaker.acquire(method).await;
            if let Ok(pass) = &pass {
                tokio::time::sleep(Duration::from_millis(200)).await;
                pass.record(&mut refused(Reason::Account), None);
            }
            pass.is_ok()
        })
    });
    let mut sent = 0;
    for call in calls.collect::<Vec<_>>() {
        sent += usize::from(call.await.unwrap());
    }
    sent
}

#[tokio::test(start_paused = true)]
async fn even_a_burst_stays_below_what_the_provider_bans_for() {
    for method in [Method::CreateTask, Method::GetTaskResult, Method::GetBalance] {
        let sent = sent_of_a_burst(method).await;
        assert!((MAX_REFUSALS..EZ).contains(&sent), "{sent} sent");
    }
}

#[tokio::test(start_paused = true)]
async fn polls_are_unbounded_once_the_key_is_known_to_be_good() {
    let breaker = CircuitBreaker::new(EZ);
    let mut passes = Vec::new();
    for _ in 0..breaker.poll.available_permits() {
        passes.push(breaker.acquire(Method::GetTaskResult).await.ok());
    }
    let one_more = tokio::time::timeout(WINDOW, breaker.acquire(Method::GetTaskResult)).await;
    assert!(one_more.is_err(), "it waits");
    assert!(succeed(&breaker, Method::CreateTask).await);
    for _ in 0..1000 {
        passes.push(breaker.acquire(Method::GetTaskResult).await.ok());
    }
    assert!(passes.iter().all(Option::is_some));
}

#[tokio::test(start_paused = true)]
async fn the_stop_says_for_how_long_and_ends_when_the_minute_has_passed() {
    let breaker = CircuitBreaker::new(EZ);
    for n in 1..=MAX_REFUSALS {
        let (sent, pause) = call(&breaker, Method::CreateTask, Reason::Account).await;
        assert!(sent);
        assert_eq!(pause, (n == MAX_REFUSALS).then_some(WINDOW), "refusal {n}");
    }
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(call(&breaker, Method::CreateTask, Reason::Account).await, (false, Some(Duration::from_secs(40))));
    tokio::time::advance(Duration::from_secs(40)).await;
    assert!(call(&breaker, Method::CreateTask, Reason::Account).await.0);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_create_task_never_keeps_a_paid_result_away() {
    let breaker = CircuitBreaker::new(EZ);
    for _ in 0..MAX_REFUSALS {
        call(&breaker, Method::CreateTask, Reason::Account).await;
    }
    assert!(!succeed(&breaker, Method::CreateTask).await);
    assert!(succeed(&breaker, Method::GetTaskResult).await);
    assert!(succeed(&breaker, Method::GetBalance).await);
}

#[tokio::test(start_paused = true)]
async fn refusals_that_are_not_the_accounts_stop_nothing() {
    let breaker = CircuitBreaker::new(EZ);
    for reason in [Reason::Busy, Reason::Request, Reason::Unsolvable, Reason::Expired, Reason::Proxy, Reason::Unknown] {
        for _ in 0..100 {
            assert_eq!(call(&breaker, Method::CreateTask, reason).await, (true, None));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ban_stops_all_but_polls_at_once_and_lets_one_probe_a_minute_through() {
    let breaker = CircuitBreaker::new(EZ);
    assert_eq!(call(&breaker, Method::GetTaskResult, Reason::Banned).await, (true, Some(HALF_OPEN_INTERVAL)));
    assert!(call(&breaker, Method::GetTaskResult, Reason::Banned).await.0);
    for method in [Method::CreateTask, Method::GetBalance] {
        assert_eq!(call(&breaker, method, Reason::Banned).await, (false, Some(HALF_OPEN_INTERVAL)));
    }
    for _ in 0..3 {
        tokio::time::advance(HALF_OPEN_INTERVAL).await;
        assert!(call(&breaker, Method::CreateTask, Reason::Banned).await.0);
        assert!(!call(&breaker, Method::CreateTask, Reason::Banned).await.0);
    }
    tokio::time::advance(HALF_OPEN_INTERVAL).await;
    assert!(succeed(&breaker, Method::CreateTask).await, "the probe");
    assert!(succeed(&breaker, Method::CreateTask).await, "the ban is over");
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_to_what_was_sent_before_does_not_lift_a_ban() {
    for late in [Ok(()), refused(Reason::Busy)] {
        let breaker = CircuitBreaker::new(EZ);
        let before = breaker.acquire(Method::GetTaskResult).await.ok().unwrap();
        call(&breaker, Method::GetTaskResult, Reason::Banned).await;
        before.record(&mut late.clone(), None);
        assert!(!succeed(&breaker, Method::CreateTask).await);
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_probe_is_under_way_nothing_else_is_sent() {
    let breaker = CircuitBreaker::new(EZ);
    call(&breaker, Method::CreateTask, Reason::Banned).await;
    tokio::time::advance(HALF_OPEN_INTERVAL).await;
    let probe = breaker.acquire(Method::GetBalance).await;
    assert!(probe.is_ok());
    assert!(breaker.acquire(Method::GetBalance).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beside_a_ban_is_honoured_within_reason() {
    for (asked, obeyed) in [(0, 60), (180, 180), (1_000_000, 1800)] {
        let breaker = CircuitBreaker::new(EZ);
        let sent = breaker.acquire(Method::CreateTask).await.ok().unwrap();
        sent.record(&mut refused(Reason::Banned), Some(Duration::from_secs(asked)));
        let pause = breaker.acquire(Method::CreateTask).await.err().and_then(|refusal| refusal.retry_after);
        assert_eq!(pause, Some(Duration::from_secs(obeyed)));
    }
}

#[test]
fn every_provider_bans_for_more_than_the_guard_lets_through() {
    for provider in crate::provider::PROVIDERS {
        assert!(provider.ban_after > MAX_REFUSALS + 1, "{}", provider.name);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_guard_can_be_forgotten_and_a_warned_one_not() {
    let breaker = CircuitBreaker::new(EZ);
    assert!(breaker.is_idle());
    call(&breaker, Method::CreateTask, Reason::Account).await;
    assert!(!breaker.is_idle());
    tokio::time::advance(WINDOW).await;
    assert!(breaker.is_idle());
    call(&breaker, Method::CreateTask, Reason::Banned).await;
    assert!(!breaker.is_idle());
    tokio::time::advance(HALF_OPEN_INTERVAL).await;
    assert!(breaker.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_good_and_is_not_any_more_is_guarded_again() {
    let breaker = CircuitBreaker::new(EZ);
    assert!(succeed(&breaker, Method::GetTaskResult).await);
    call(&breaker, Method::CreateTask, Reason::Account).await;
    assert!(breaker.knows_the_key(), "an empty balance says nothing against it");
    call(&breaker, Method::GetTaskResult, Reason::Account).await;
    assert!(!breaker.knows_the_key());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_stopped_anyway_does_not_spend_the_probe() {
    let breaker = CircuitBreaker::new(EZ);
    call(&breaker, Method::GetTaskResult, Reason::Banned).await;
    tokio::time::advance(HALF_OPEN_INTERVAL).await;
    {
        let mut state = lock(&breaker.state);
        let refusals = &mut state.refusals[Method::CreateTask as usize];
        refusals.at.extend([Instant::now(); MAX_REFUSALS]);
        refusals.last = refused(Reason::Account).err().and_then(|fault| match fault {
            RequestError::Provider(refusal) => Some(*refusal),
            _ => None,
        });
    }
    assert!(!succeed(&breaker, Method::CreateTask).await);
    assert!(succeed(&breaker, Method::GetBalance).await, "the probe is still there");
}
