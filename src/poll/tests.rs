use std::collections::VecDeque;

use super::*;

/// Answers from a script, and notes when it was asked.
struct Script {
    started: Instant,
    called_at: Vec<u64>,
    outcomes: VecDeque<Outcome<&'static str, &'static str>>,
    /// What is answered once the script has run out.
    rest: fn() -> Outcome<&'static str, &'static str>,
    call_takes: Duration,
    waits: Vec<Duration>,
}

impl Script {
    fn new(outcomes: impl IntoIterator<Item = Outcome<&'static str, &'static str>>) -> Self {
        Script {
            started: Instant::now(),
            called_at: Vec::new(),
            outcomes: outcomes.into_iter().collect(),
            rest: || Outcome::Pending,
            call_takes: Duration::ZERO,
            waits: Vec::new(),
        }
    }
}

impl Operation for Script {
    type Output = &'static str;
    type Error = &'static str;

    async fn call(&mut self) -> Outcome<&'static str, &'static str> {
        self.called_at.push(self.started.elapsed().as_millis() as u64);
        tokio::time::sleep(self.call_takes).await;
        self.outcomes.pop_front().unwrap_or_else(self.rest)
    }

    fn on_pending(&mut self) {}

    fn on_retry(&mut self, _: &'static str, wait: Duration) {
        self.waits.push(wait);
    }
}

const SECOND: Duration = Duration::from_secs(1);
const POLICY: PollPolicy = PollPolicy {
    first_delay: Duration::from_secs(3),
    interval: Duration::from_secs(3),
    max_backoff: Duration::from_secs(20),
    alignment: None,
};

/// As the calls of many loops are aligned.
fn alignment() -> Alignment {
    static ORIGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    Alignment { origin: *ORIGIN.get_or_init(Instant::now), step: Duration::from_millis(250) }
}

fn again(after: Option<u64>) -> Outcome<&'static str, &'static str> {
    Outcome::Retry { error: "reset", delay: RetryDelay::Backoff { at_least: after.map(Duration::from_secs) } }
}

/// Runs the script to its end; the milliseconds at which it was asked and at which all was over, and how it ended.
async fn run(
    policy: PollPolicy,
    timeout: Duration,
    mut script: Script,
) -> (Vec<u64>, u64, Result<Result<&'static str, &'static str>, Stopped>) {
    let deadline = script.started + timeout;
    let ended = run_until(deadline, &CancellationToken::new(), poll(&policy, deadline, &mut script)).await;
    (script.called_at, script.started.elapsed().as_millis() as u64, ended)
}

#[tokio::test(start_paused = true)]
async fn the_first_poll_waits_an_interval_and_the_answer_ends_the_loop() {
    let script = Script::new([Outcome::Pending, Outcome::Pending, Outcome::Success("token")]);
    let (called_at, ended_at, ended) = run(POLICY, 120 * SECOND, script).await;
    assert_eq!(called_at, [3000, 6000, 9000]);
    assert_eq!((ended_at, ended), (9000, Ok(Ok("token"))));
}

#[tokio::test(start_paused = true)]
async fn the_interval_runs_from_the_answer_and_not_from_the_request() {
    let mut script = Script::new([Outcome::Pending, Outcome::Pending, Outcome::Success("token")]);
    script.call_takes = Duration::from_millis(400);
    let (called_at, ..) = run(POLICY, 120 * SECOND, script).await;
    assert_eq!(called_at, [3000, 6400, 9800]);
}

#[tokio::test(start_paused = true)]
async fn the_last_wait_is_clamped_so_that_one_poll_still_fits_before_the_deadline() {
    let (called_at, ended_at, ended) = run(POLICY, 10 * SECOND, Script::new([])).await;
    assert_eq!(called_at, [3000, 6000, 8000]);
    assert_eq!((ended_at, ended), (10_000, Err(Stopped::Deadline)));
}

#[tokio::test(start_paused = true)]
async fn the_last_poll_keeps_its_distance_from_the_one_before() {
    let (called_at, ended_at, _) = run(POLICY, 11_500 * Duration::from_millis(1), Script::new([])).await;
    assert_eq!(called_at, [3000, 6000, 9000, 10_000]);
    assert_eq!(ended_at, 11_500);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_shorter_than_the_interval_still_polls_once() {
    let (called_at, ended_at, ended) = run(POLICY, 2 * SECOND, Script::new([])).await;
    assert_eq!(called_at, [1500]);
    assert_eq!((ended_at, ended), (2000, Err(Stopped::Deadline)));
}

#[tokio::test(start_paused = true)]
async fn the_largest_timeout_and_the_closest_polls_stay_within_what_providers_answer() {
    let policy = PollPolicy { first_delay: SECOND, interval: SECOND, ..POLICY };
    let (called_at, ..) = run(policy, 120 * SECOND, Script::new([])).await;
    assert!(called_at.len() <= 120, "{} polls", called_at.len());
    assert!(called_at.is_sorted_by(|earlier, later| earlier + 1000 <= *later));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_a_request_in_flight() {
    let mut script = Script::new([]);
    script.call_takes = 3600 * SECOND;
    let (called_at, ended_at, ended) = run(POLICY, 10 * SECOND, script).await;
    assert_eq!(called_at, [3000]);
    assert_eq!((ended_at, ended), (10_000, Err(Stopped::Deadline)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_ends_the_loop_at_once() {
    let (called_at, ended_at, ended) = run(POLICY, 120 * SECOND, Script::new([Outcome::Failure("expired")])).await;
    assert_eq!(called_at, [3000]);
    assert_eq!((ended_at, ended), (3000, Ok(Err("expired"))));
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_back_off_exponentially_up_to_the_longest_and_never_below_the_interval() {
    let mut longest = [Duration::ZERO; 5];
    for seed in 0..200 {
        fastrand::seed(seed);
        let mut script = Script::new((0..5).map(|_| again(None)));
        script.rest = || Outcome::Success("token");
        let deadline = script.started + 300 * SECOND;
        poll(&POLICY, deadline, &mut script).await.unwrap();
        let ceilings = [6, 12, 20, 20, 20].map(Duration::from_secs);
        for ((wait, ceiling), longest) in script.waits.iter().zip(ceilings).zip(&mut longest) {
            assert!((POLICY.interval..=ceiling).contains(wait), "{wait:?} of at most {ceiling:?}");
            *longest = (*longest).max(*wait);
        }
    }
    assert!(longest[0] > 5 * SECOND && longest[1] > 11 * SECOND && longest[2] > 19 * SECOND, "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_the_back_off() {
    for seed in 0..50 {
        fastrand::seed(seed);
        let mut script = Script::new([again(None), again(None), Outcome::Pending, again(None)]);
        script.rest = || Outcome::Success("token");
        let deadline = script.started + 300 * SECOND;
        poll(&POLICY, deadline, &mut script).await.unwrap();
        assert!(script.waits[2] <= 6 * SECOND, "{:?}", script.waits);
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_where_it_asks_for_more() {
    let (called_at, ..) = run(POLICY, 120 * SECOND, Script::new([again(Some(50)), Outcome::Success("token")])).await;
    assert_eq!(called_at, [3000, 53_000]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_without_delay_goes_out_at_once_and_is_no_failure_for_the_back_off() {
    let at_once = || Outcome::Retry { error: "not processed", delay: RetryDelay::None };
    let script = Script::new([at_once(), Outcome::Success("token")]);
    assert_eq!(run(POLICY, 120 * SECOND, script).await.0, [3000, 3000]);
    for seed in 0..50 {
        fastrand::seed(seed);
        let mut script = Script::new([at_once(), again(None), Outcome::Success("token")]);
        let deadline = script.started + 300 * SECOND;
        poll(&POLICY, deadline, &mut script).await.unwrap();
        assert!(script.waits[0].is_zero() && script.waits[1] <= 6 * SECOND, "{:?}", script.waits);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_without_delay_is_not_sent_so_late_that_the_deadline_would_cut_it_off() {
    let mut script = Script::new([Outcome::Retry { error: "not processed", delay: RetryDelay::None }]);
    script.call_takes = Duration::from_millis(6500);
    let (called_at, ended_at, ended) = run(POLICY, 10 * SECOND, script).await;
    assert_eq!(called_at, [3000]);
    assert_eq!((ended_at, ended), (10_000, Err(Stopped::Deadline)));
}

#[tokio::test(start_paused = true)]
async fn retry_after_beyond_the_deadline_leaves_one_last_poll() {
    for after in [119, 86_400, u64::MAX] {
        let script = Script::new([again(Some(after)), Outcome::Success("token")]);
        let (called_at, ended_at, ended) = run(POLICY, 120 * SECOND, script).await;
        assert_eq!(called_at, [3000, 118_000]);
        assert_eq!((ended_at, ended), (118_000, Ok(Ok("token"))));
    }
}

/// Longer than any wait that a caller can ask for, and short enough to be added to the time of day.
#[tokio::test(start_paused = true)]
async fn a_wait_of_a_day_is_the_longest() {
    for (after, called_at) in [(86_399, 86_399_000 + 3000), (86_400, 86_400_000 + 3000), (u64::MAX, 86_400_000 + 3000)]
    {
        let script = Script::new([again(Some(after)), Outcome::Success("token")]);
        assert_eq!(run(POLICY, 100_000 * SECOND, script).await.0, [3000, called_at]);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_once_it_is_cancelled() {
    let mut script = Script::new([]);
    let (cancel, started) = (CancellationToken::new(), script.started);
    cancel.cancel();
    let ended = run_until(
        started + SECOND,
        &cancel,
        poll(&PollPolicy { first_delay: Duration::ZERO, ..POLICY }, started + SECOND, &mut script),
    );
    assert_eq!(ended.await, Err(Stopped::Cancelled));
    assert!(script.called_at.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_a_wait_and_a_request_at_once() {
    for (at, call_takes) in [(7, Duration::ZERO), (3, 3600 * SECOND)] {
        let mut script = Script::new([]);
        script.call_takes = call_takes;
        let (cancel, started) = (CancellationToken::new(), script.started);
        let deadline = started + 120 * SECOND;
        let (ended, ()) = tokio::join!(run_until(deadline, &cancel, poll(&POLICY, deadline, &mut script)), async {
            tokio::time::sleep(Duration::from_millis(at * 1000 + 500)).await;
            cancel.cancel();
        });
        assert_eq!(ended, Err(Stopped::Cancelled));
        assert_eq!(started.elapsed().as_millis() as u64, at * 1000 + 500);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_called_so_late_that_the_deadline_would_cut_it_off() {
    let policy = PollPolicy {
        first_delay: Duration::ZERO,
        interval: Duration::from_millis(500),
        max_backoff: 10 * SECOND,
        ..POLICY
    };
    for seed in 0..200 {
        fastrand::seed(seed);
        let mut script = Script::new([]);
        script.rest = || again(None);
        let (called_at, ended_at, ended) = run(policy, 3 * SECOND, script).await;
        assert!(called_at.iter().all(|at| *at <= 2625), "{called_at:?}");
        assert!(called_at.iter().any(|at| *at >= 1250), "{called_at:?}");
        assert_eq!((ended_at, ended), (3000, Err(Stopped::Deadline)));
    }
}

#[tokio::test(start_paused = true)]
async fn loops_that_begin_together_are_spread_and_keep_the_interval() {
    let mut first_asks = Vec::new();
    for _ in 0..300 {
        let answers = [Outcome::Pending, Outcome::Pending, Outcome::Success("token")];
        let (called_at, _, ended) = run(POLICY.spread(alignment()), 120 * SECOND, Script::new(answers)).await;
        assert_eq!(ended, Ok(Ok("token")));
        assert!((3000..=6250).contains(&called_at[0]), "{called_at:?}");
        assert_eq!([called_at[1] - called_at[0], called_at[2] - called_at[1]], [3000, 3000]);
        first_asks.push(called_at[0]);
    }
    let in_the_first_half = first_asks.iter().filter(|at| **at < 4500).count();
    assert!((75..225).contains(&in_the_first_half), "{in_the_first_half} of 300");
}

#[tokio::test(start_paused = true)]
async fn no_spread_loop_calls_sooner_than_the_interval_or_the_retry_after() {
    for (interval, takes) in [(1000, 10), (1040, 10), (1040, 0), (1999, 120), (3000, 49), (3000, 51)] {
        let policy = PollPolicy { interval: Duration::from_millis(interval), ..POLICY }.spread(alignment());
        for pause in [1, 2, 7] {
            let mut script = Script::new([Outcome::Pending, again(Some(pause)), Outcome::Success("token")]);
            script.call_takes = Duration::from_millis(takes);
            let (called_at, _, ended) = run(policy, 120 * SECOND, script).await;
            assert_eq!(ended, Ok(Ok("token")));
            assert!(called_at[1] - called_at[0] >= interval, "{interval} {called_at:?}");
            assert!(called_at[2] - called_at[1] >= takes + (pause * 1000).max(interval), "{interval} {called_at:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn aligned_loops_that_begin_apart_call_at_the_same_instants() {
    let alignment = Alignment { origin: Instant::now(), step: Duration::from_millis(250) };
    let policy = PollPolicy { alignment: Some(alignment), ..POLICY };
    let schedule = Schedule::new(&policy, alignment.origin + 120 * SECOND);
    for (due, aligned) in [(3_000_000, 3000), (3_000_001, 3250), (3_249_999, 3250), (3_250_000, 3250)] {
        let due = alignment.origin + Duration::from_micros(due);
        assert_eq!(schedule.aligned(due), alignment.origin + Duration::from_millis(aligned));
    }
    let mut asks = Vec::new();
    for late in [0, 120, 130] {
        tokio::time::sleep(Duration::from_millis(late)).await;
        let mut script = Script::new([Outcome::Success("token")]);
        poll(&policy, script.started + 120 * SECOND, &mut script).await.unwrap();
        asks.push(alignment.origin.elapsed().as_millis() % 250);
    }
    assert_eq!(asks, [0, 0, 0]);
}
