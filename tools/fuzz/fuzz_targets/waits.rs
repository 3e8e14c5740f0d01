//! The poll loop and the circuit breaker, in paused time, against any sequence of replies: calls are made when due, never in a
//! tight loop, and never so often that a provider would ban the key.
#![no_main]

use std::{collections::VecDeque, time::Duration};

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use tokio::{
    runtime::Builder,
    time::{Instant, advance, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use turnstile_solver::{
    breaker::CircuitBreaker,
    error::{ProviderError, RequestError},
    poll::{Operation, Outcome, PollPolicy, RetryDelay, Stopped, poll, run_until},
    provider::Reason,
    wire::Method,
};

fuzz_target!(|input: Input| {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        match input {
            Input::Poll(polling) => polls(polling).await,
            Input::Breaker(steps) => breakers(steps).await,
        }
    });
});

#[derive(Arbitrary, Debug)]
enum Input {
    Poll(Polling),
    Breaker(Vec<Step>),
}

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Polling {
    timeout: Duration,
    policy: PollPolicy,
    answers: VecDeque<Answer>,
}

#[derive(Arbitrary, Debug)]
struct Answer {
    takes_ms: u16,
    verdict: Verdict,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Verdict {
    Pending,
    Retry(Option<u64>),
    Success,
    Failure,
}

impl<'a> Arbitrary<'a> for Polling {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let timeout = u.int_in_range(1..=300_000_u64)?;
        let policy = if u.arbitrary()? {
            let interval = Duration::from_millis(u.int_in_range(timeout.div_ceil(120).max(1000)..=300_000)?);
            PollPolicy { first_delay: interval, interval, max_backoff: 20 * SECOND, alignment: None }
        } else {
            PollPolicy { first_delay: Duration::ZERO, interval: SECOND / 2, max_backoff: 10 * SECOND, alignment: None }
        };
        Ok(Polling { timeout: Duration::from_millis(timeout), policy, answers: u.arbitrary()? })
    }
}

struct Script {
    answers: VecDeque<Answer>,
    /// When each call began and ended, and its result.
    called: Vec<(Instant, Option<(Instant, Verdict)>)>,
}

impl Operation for Script {
    type Output = ();
    type Error = ();

    async fn call(&mut self) -> Outcome<(), ()> {
        self.called.push((Instant::now(), None));
        let Answer { takes_ms, verdict } =
            self.answers.pop_front().unwrap_or(Answer { takes_ms: 0, verdict: Verdict::Pending });
        sleep(Duration::from_millis(takes_ms.into())).await;
        if let Some((_, ended)) = self.called.last_mut() {
            *ended = Some((Instant::now(), verdict));
        }
        match verdict {
            Verdict::Pending => Outcome::Pending,
            Verdict::Retry(after) => {
                Outcome::Retry { error: (), delay: RetryDelay::Backoff { at_least: after.map(Duration::from_secs) } }
            }
            Verdict::Success => Outcome::Success(()),
            Verdict::Failure => Outcome::Failure(()),
        }
    }

    fn on_pending(&mut self) {}

    fn on_retry(&mut self, (): (), _: Duration) {}
}

async fn polls(Polling { timeout, policy, answers }: Polling) {
    let started = Instant::now();
    let deadline = started + timeout;
    let mut script = Script { answers, called: Vec::new() };
    let outcome = run_until(deadline, &CancellationToken::new(), poll(&policy, deadline, &mut script)).await;
    let elapsed = started.elapsed();
    assert!(elapsed <= timeout + MILLISECOND, "{elapsed:?} of {timeout:?}");
    let last = script.called.last().and_then(|(_, ended)| *ended).map(|(_, verdict)| verdict);
    match (outcome, last) {
        (Ok(Ok(())), Some(Verdict::Success)) | (Ok(Err(())), Some(Verdict::Failure)) => {}
        (Err(Stopped::Deadline), _) => assert!(elapsed >= timeout, "gave up after {elapsed:?} of {timeout:?}"),
        (outcome, last) => panic!("{outcome:?} after {last:?}"),
    }
    // The last call still fits.
    let last_call = deadline - (2 * SECOND).min(timeout / 4);
    let first = script.called.first().map(|(began, _)| *began).expect("it called");
    assert!(first <= last_call.min(started + policy.first_delay) + 2 * MILLISECOND);
    for pair in script.called.windows(2) {
        let [(_, Some((ended, verdict))), (began, _)] = *pair else { panic!("two calls at once") };
        let gap = began - ended;
        assert!(gap >= policy.interval.min(SECOND), "a tight loop: {gap:?}");
        let wanted = match verdict {
            Verdict::Retry(Some(after)) => policy.interval.max(Duration::from_secs(after)),
            _ => policy.interval,
        };
        assert!(gap >= wanted || began >= last_call, "{gap:?} after {verdict:?}");
    }
    if policy.first_delay > Duration::ZERO {
        assert!(script.called.len() <= 120, "{} polls", script.called.len());
    }
}

#[derive(Arbitrary, Debug)]
enum Step {
    Wait(u32),
    /// Acquires a permit; with one, the request is in flight.
    Send(Call),
    /// Answers one of the requests in flight.
    Answer {
        which: u8,
        reply: Reply,
        retry_after: Option<u32>,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Call {
    Create,
    Create2,
    Ask,
    Balance,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Reply {
    Fine,
    Account,
    Account2,
    Banned,
    Busy,
    Lost,
}

const BAN_AFTER: usize = 30;
const MINUTE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);

async fn breakers(steps: Vec<Step>) {
    let breaker = CircuitBreaker::new(BAN_AFTER);
    let mut in_flight = Vec::new();
    let mut refused: Vec<(Method, Instant)> = Vec::new();
    let mut known_key = false;
    // The number of bans, and the end of the latest one unless a request sent since then gets another reply.
    let (mut bans, mut banned_until) = (0, None);
    for step in steps {
        match step {
            Step::Wait(milliseconds) => advance(Duration::from_millis(u64::from(milliseconds) % 200_000)).await,
            Step::Send(call) => {
                let method = match call {
                    Call::Create | Call::Create2 => Method::CreateTask,
                    Call::Ask => Method::GetTaskResult,
                    Call::Balance => Method::GetBalance,
                };
                // Polls of paid tasks continue.
                let banned =
                    method != Method::GetTaskResult && banned_until.is_some_and(|until| Instant::now() < until);
                match timeout(MILLISECOND, breaker.acquire(method)).await {
                    Ok(Ok(permit)) => {
                        assert!(!banned, "it sends while banned");
                        in_flight.push((method, bans, permit));
                    }
                    Ok(Err(refusal)) => {
                        let pause = refusal.retry_after.expect("a refusal has a retry_after");
                        assert!(pause > Duration::ZERO && pause <= LONGEST_PAUSE, "{pause:?}");
                        assert!(matches!(refusal.reason, Reason::Account | Reason::Banned));
                    }
                    Err(_) => assert!(in_flight.len() > 9, "it waits although few requests are in flight"),
                }
            }
            Step::Answer { which, reply, retry_after } => {
                if in_flight.is_empty() {
                    continue;
                }
                let (method, bans_before, permit) = in_flight.swap_remove(usize::from(which) % in_flight.len());
                let mut answer = answered(reply);
                permit.record(&mut answer, retry_after.map(|seconds| Duration::from_secs(seconds.into())));
                drop(permit);
                let now = Instant::now();
                match reply {
                    Reply::Banned => {
                        let Err(RequestError::Provider(refusal)) = answer else { panic!("{answer:?}") };
                        let pause = refusal.retry_after.expect("a refusal has a retry_after");
                        assert!((MINUTE..=LONGEST_PAUSE).contains(&pause), "{pause:?}");
                        bans += 1;
                        banned_until = Some(now + pause);
                    }
                    Reply::Account | Reply::Account2 => {
                        refused.push((method, now));
                        let lately =
                            refused.iter().filter(|(other, at)| *other == method && now - *at < MINUTE).count();
                        // A key that is known to be right is not banned for asking.
                        assert!(
                            lately < BAN_AFTER || (known_key && method != Method::CreateTask),
                            "{lately} refusals in a minute"
                        );
                    }
                    Reply::Fine => known_key = true,
                    Reply::Busy | Reply::Lost => {}
                }
                if !matches!(reply, Reply::Banned | Reply::Lost) && bans_before == bans {
                    banned_until = None;
                }
            }
        }
    }
    // Whatever happened: with no request in flight and after the longest pause, requests are sent again.
    in_flight.clear();
    advance(LONGEST_PAUSE).await;
    for method in [Method::CreateTask, Method::GetTaskResult, Method::GetBalance] {
        advance(MINUTE).await;
        assert!(breaker.acquire(method).await.is_ok(), "{method:?} is never sent again");
    }
}

fn answered(reply: Reply) -> std::result::Result<(), RequestError> {
    let reason = match reply {
        Reply::Fine => return Ok(()),
        Reply::Lost => return Err(RequestError::Interrupted { detail: "reset".into() }),
        Reply::Account | Reply::Account2 => Reason::Account,
        Reply::Banned => Reason::Banned,
        Reply::Busy => Reason::Busy,
    };
    let (error_code, error_description) = (String::new(), String::new());
    Err(RequestError::Provider(Box::new(ProviderError {
        status: 200,
        error_id: 1,
        error_code,
        error_description,
        reason,
        request_id: None,
        field_errors: Default::default(),
        retry_after: None,
        remembered: None,
    })))
}
