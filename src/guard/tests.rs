use super::*;

const EZ: usize = 30;

fn refused(reason: Reason) -> Result<(), Fault> {
    Err(Fault::Refused(Box::new(Refusal {
        status: 500,
        error_id: 1,
        error_code: "ERROR_ZERO_BALANCE".into(),
        error_description: String::new(),
        reason,
        retry_after: None,
    })))
}

/// One createTask that the provider answers with a refusal; whether it was sent, and the pause that was told.
async fn call(guard: &Guard, method: Method, reason: Reason) -> (bool, Option<Duration>) {
    match guard.pass(method).await {
        Err(refusal) => (false, refusal.retry_after),
        Ok(pass) => {
            let mut answer = refused(reason);
            pass.learn(&mut answer, None);
            match answer {
                Err(Fault::Refused(refusal)) => (true, refusal.retry_after),
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn succeed(guard: &Guard, method: Method) -> bool {
    let pass = guard.pass(method).await;
    if let Ok(pass) = &pass {
        pass.learn(&mut Ok::<(), Fault>(()), None);
    }
    pass.is_ok()
}

#[tokio::test(start_paused = true)]
async fn a_runaway_loop_is_stopped_well_before_the_vendor_bans() {
    let guard = Guard::new(EZ);
    let mut sent = Vec::new();
    let started = Instant::now();
    for _ in 0..10_000 {
        if call(&guard, Method::CreateTask, Reason::Account).await.0 {
            sent.push(started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let most = sent.iter().map(|from| sent.iter().filter(|at| *at >= from && **at < *from + WINDOW).count()).max();
    assert_eq!(most, Some(MOST_REFUSALS));
    assert!(sent.len() > 100, "{} in 1000 s: it goes on once the minute has passed", sent.len());
}

/// How many of a thousand calls at once are sent when all that are under way come back refused together.
async fn sent_of_a_burst(method: Method) -> usize {
    let guard = Arc::new(Guard::new(EZ));
    let calls = (0..1000).map(|_| {
        let guard = Arc::clone(&guard);
        tokio::spawn(async move {
            let pass = guard.pass(method).await;
            if let Ok(pass) = &pass {
                tokio::time::sleep(Duration::from_millis(200)).await;
                pass.learn(&mut refused(Reason::Account), None);
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
async fn even_a_burst_stays_below_what_the_vendor_bans_for() {
    for method in [Method::CreateTask, Method::GetTaskResult, Method::GetBalance] {
        let sent = sent_of_a_burst(method).await;
        assert!((MOST_REFUSALS..EZ).contains(&sent), "{sent} sent");
    }
}

#[tokio::test(start_paused = true)]
async fn polls_are_unbounded_once_the_key_is_known_to_be_good() {
    let guard = Guard::new(EZ);
    let mut passes = Vec::new();
    for _ in 0..guard.asking.available_permits() {
        passes.push(guard.pass(Method::GetTaskResult).await.ok());
    }
    let one_more = tokio::time::timeout(WINDOW, guard.pass(Method::GetTaskResult)).await;
    assert!(one_more.is_err(), "it waits");
    assert!(succeed(&guard, Method::CreateTask).await);
    for _ in 0..1000 {
        passes.push(guard.pass(Method::GetTaskResult).await.ok());
    }
    assert!(passes.iter().all(Option::is_some));
}

#[tokio::test(start_paused = true)]
async fn the_stop_says_for_how_long_and_ends_when_the_minute_has_passed() {
    let guard = Guard::new(EZ);
    for n in 1..=MOST_REFUSALS {
        let (sent, pause) = call(&guard, Method::CreateTask, Reason::Account).await;
        assert!(sent);
        assert_eq!(pause, (n == MOST_REFUSALS).then_some(WINDOW), "refusal {n}");
    }
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(call(&guard, Method::CreateTask, Reason::Account).await, (false, Some(Duration::from_secs(40))));
    tokio::time::advance(Duration::from_secs(40)).await;
    assert!(call(&guard, Method::CreateTask, Reason::Account).await.0);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_create_task_never_keeps_a_paid_result_away() {
    let guard = Guard::new(EZ);
    for _ in 0..MOST_REFUSALS {
        call(&guard, Method::CreateTask, Reason::Account).await;
    }
    assert!(!succeed(&guard, Method::CreateTask).await);
    assert!(succeed(&guard, Method::GetTaskResult).await);
    assert!(succeed(&guard, Method::GetBalance).await);
}

#[tokio::test(start_paused = true)]
async fn refusals_that_are_not_the_accounts_stop_nothing() {
    let guard = Guard::new(EZ);
    for reason in [Reason::Busy, Reason::Request, Reason::Unsolvable, Reason::Expired, Reason::Proxy, Reason::Unknown] {
        for _ in 0..100 {
            assert_eq!(call(&guard, Method::CreateTask, reason).await, (true, None));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_ban_stops_every_call_at_once_and_lets_one_probe_a_minute_through() {
    let guard = Guard::new(EZ);
    assert_eq!(call(&guard, Method::GetTaskResult, Reason::Banned).await, (true, Some(PROBE_EVERY)));
    for method in [Method::CreateTask, Method::GetTaskResult, Method::GetBalance] {
        assert_eq!(call(&guard, method, Reason::Banned).await, (false, Some(PROBE_EVERY)));
    }
    for _ in 0..3 {
        tokio::time::advance(PROBE_EVERY).await;
        assert!(call(&guard, Method::CreateTask, Reason::Banned).await.0);
        assert!(!call(&guard, Method::CreateTask, Reason::Banned).await.0);
    }
    tokio::time::advance(PROBE_EVERY).await;
    assert!(succeed(&guard, Method::CreateTask).await, "the probe");
    assert!(succeed(&guard, Method::CreateTask).await, "the ban is over");
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_to_what_was_sent_before_does_not_lift_a_ban() {
    for late in [Ok(()), refused(Reason::Busy)] {
        let guard = Guard::new(EZ);
        let before = guard.pass(Method::GetTaskResult).await.ok().unwrap();
        call(&guard, Method::GetTaskResult, Reason::Banned).await;
        before.learn(&mut late.clone(), None);
        assert!(!succeed(&guard, Method::GetTaskResult).await);
    }
}

#[tokio::test(start_paused = true)]
async fn while_a_probe_is_under_way_nothing_else_is_sent() {
    let guard = Guard::new(EZ);
    call(&guard, Method::CreateTask, Reason::Banned).await;
    tokio::time::advance(PROBE_EVERY).await;
    let probe = guard.pass(Method::GetBalance).await;
    assert!(probe.is_ok());
    assert!(guard.pass(Method::GetBalance).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beside_a_ban_is_honoured_within_reason() {
    for (told, believed) in [(0, 60), (180, 180), (1_000_000, 1800)] {
        let guard = Guard::new(EZ);
        let sent = guard.pass(Method::CreateTask).await.ok().unwrap();
        sent.learn(&mut refused(Reason::Banned), Some(Duration::from_secs(told)));
        let pause = guard.pass(Method::CreateTask).await.err().and_then(|refusal| refusal.retry_after);
        assert_eq!(pause, Some(Duration::from_secs(believed)));
    }
}

#[test]
fn every_provider_bans_for_more_than_the_guard_lets_through() {
    for provider in crate::provider::PROVIDERS {
        assert!(provider.ban_after > MOST_REFUSALS + 1, "{}", provider.name);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_guard_can_be_forgotten_and_a_warned_one_not() {
    let guard = Guard::new(EZ);
    assert!(guard.is_idle());
    call(&guard, Method::CreateTask, Reason::Account).await;
    assert!(!guard.is_idle());
    tokio::time::advance(WINDOW).await;
    assert!(guard.is_idle());
    call(&guard, Method::CreateTask, Reason::Banned).await;
    assert!(!guard.is_idle());
    tokio::time::advance(PROBE_EVERY).await;
    assert!(guard.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_good_and_is_not_any_more_is_guarded_again() {
    let guard = Guard::new(EZ);
    assert!(succeed(&guard, Method::GetTaskResult).await);
    call(&guard, Method::CreateTask, Reason::Account).await;
    assert!(guard.knows_the_key(), "an empty balance says nothing against it");
    call(&guard, Method::GetTaskResult, Reason::Account).await;
    assert!(!guard.knows_the_key());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_stopped_anyway_does_not_spend_the_probe() {
    let guard = Guard::new(EZ);
    call(&guard, Method::GetTaskResult, Reason::Banned).await;
    tokio::time::advance(PROBE_EVERY).await;
    {
        let mut state = locked(&guard.state);
        let refusals = &mut state.refusals[Method::CreateTask as usize];
        refusals.at.extend([Instant::now(); MOST_REFUSALS]);
        refusals.last = refused(Reason::Account).err().and_then(|fault| match fault {
            Fault::Refused(refusal) => Some(*refusal),
            _ => None,
        });
    }
    assert!(!succeed(&guard, Method::CreateTask).await);
    assert!(succeed(&guard, Method::GetTaskResult).await, "the probe is still there");
}
