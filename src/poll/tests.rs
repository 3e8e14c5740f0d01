use std::collections::VecDeque;

use super::*;

/// Answers from a script, and notes when it was asked.
struct Script {
    started: Instant,
    asked_at: Vec<u64>,
    verdicts: VecDeque<Verdict<&'static str, &'static str>>,
    /// What is answered once the script has run out.
    rest: fn() -> Verdict<&'static str, &'static str>,
    answer_takes: Duration,
    waits: Vec<Duration>,
}

impl Script {
    fn new(verdicts: impl IntoIterator<Item = Verdict<&'static str, &'static str>>) -> Self {
        Script {
            started: Instant::now(),
            asked_at: Vec::new(),
            verdicts: verdicts.into_iter().collect(),
            rest: || Verdict::NotYet,
            answer_takes: Duration::ZERO,
            waits: Vec::new(),
        }
    }
}

impl Ask for Script {
    type Answer = &'static str;
    type Fault = &'static str;

    async fn ask(&mut self) -> Verdict<&'static str, &'static str> {
        self.asked_at.push(self.started.elapsed().as_millis() as u64);
        tokio::time::sleep(self.answer_takes).await;
        self.verdicts.pop_front().unwrap_or_else(self.rest)
    }

    fn not_yet(&mut self) {}

    fn again(&mut self, _: &'static str, wait: Duration) {
        self.waits.push(wait);
    }
}

const SECOND: Duration = Duration::from_secs(1);
const PACE: Pace = Pace {
    first: Duration::from_secs(3),
    interval: Duration::from_secs(3),
    ceiling: Duration::from_secs(20),
    grain: Duration::ZERO,
};

fn again(after: Option<u64>) -> Verdict<&'static str, &'static str> {
    Verdict::Again { fault: "reset", after: after.map(Duration::from_secs) }
}

/// Runs the script to its end; the milliseconds at which it was asked and at which all was over, and how it ended.
async fn run(
    pace: Pace,
    timeout: Duration,
    mut script: Script,
) -> (Vec<u64>, u64, Result<Result<&'static str, &'static str>, Interrupt>) {
    let deadline = script.started + timeout;
    let ended = within(deadline, &CancellationToken::new(), poll(&pace, deadline, &mut script)).await;
    (script.asked_at, script.started.elapsed().as_millis() as u64, ended)
}

#[tokio::test(start_paused = true)]
async fn the_first_poll_waits_an_interval_and_the_answer_ends_the_loop() {
    let script = Script::new([Verdict::NotYet, Verdict::NotYet, Verdict::Done("token")]);
    let (asked_at, ended_at, ended) = run(PACE, 120 * SECOND, script).await;
    assert_eq!(asked_at, [3000, 6000, 9000]);
    assert_eq!((ended_at, ended), (9000, Ok(Ok("token"))));
}

#[tokio::test(start_paused = true)]
async fn the_interval_runs_from_the_answer_and_not_from_the_request() {
    let mut script = Script::new([Verdict::NotYet, Verdict::NotYet, Verdict::Done("token")]);
    script.answer_takes = Duration::from_millis(400);
    let (asked_at, ..) = run(PACE, 120 * SECOND, script).await;
    assert_eq!(asked_at, [3000, 6400, 9800]);
}

#[tokio::test(start_paused = true)]
async fn the_last_wait_is_clamped_so_that_one_poll_still_fits_before_the_deadline() {
    let (asked_at, ended_at, ended) = run(PACE, 10 * SECOND, Script::new([])).await;
    assert_eq!(asked_at, [3000, 6000, 8000]);
    assert_eq!((ended_at, ended), (10_000, Err(Interrupt::Deadline)));
}

#[tokio::test(start_paused = true)]
async fn the_last_poll_keeps_its_distance_from_the_one_before() {
    let (asked_at, ended_at, _) = run(PACE, 11_500 * Duration::from_millis(1), Script::new([])).await;
    assert_eq!(asked_at, [3000, 6000, 9000, 10_000]);
    assert_eq!(ended_at, 11_500);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_shorter_than_the_interval_still_polls_once() {
    let (asked_at, ended_at, ended) = run(PACE, 2 * SECOND, Script::new([])).await;
    assert_eq!(asked_at, [1500]);
    assert_eq!((ended_at, ended), (2000, Err(Interrupt::Deadline)));
}

#[tokio::test(start_paused = true)]
async fn the_largest_timeout_and_the_closest_polls_stay_within_what_vendors_answer() {
    let pace = Pace { first: SECOND, interval: SECOND, ..PACE };
    let (asked_at, ..) = run(pace, 120 * SECOND, Script::new([])).await;
    assert!(asked_at.len() <= 120, "{} polls", asked_at.len());
    assert!(asked_at.is_sorted_by(|earlier, later| earlier + 1000 <= *later));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_a_request_in_flight() {
    let mut script = Script::new([]);
    script.answer_takes = 3600 * SECOND;
    let (asked_at, ended_at, ended) = run(PACE, 10 * SECOND, script).await;
    assert_eq!(asked_at, [3000]);
    assert_eq!((ended_at, ended), (10_000, Err(Interrupt::Deadline)));
}

#[tokio::test(start_paused = true)]
async fn a_terminal_fault_ends_the_loop_at_once() {
    let (asked_at, ended_at, ended) = run(PACE, 120 * SECOND, Script::new([Verdict::Failed("expired")])).await;
    assert_eq!(asked_at, [3000]);
    assert_eq!((ended_at, ended), (3000, Ok(Err("expired"))));
}

#[tokio::test(start_paused = true)]
async fn faults_in_a_row_back_off_exponentially_up_to_the_ceiling_and_never_below_the_interval() {
    let mut longest = [Duration::ZERO; 5];
    for seed in 0..200 {
        fastrand::seed(seed);
        let mut script = Script::new((0..5).map(|_| again(None)));
        script.rest = || Verdict::Done("token");
        let deadline = script.started + 300 * SECOND;
        poll(&PACE, deadline, &mut script).await.unwrap();
        let ceilings = [6, 12, 20, 20, 20].map(Duration::from_secs);
        for ((wait, ceiling), longest) in script.waits.iter().zip(ceilings).zip(&mut longest) {
            assert!((PACE.interval..=ceiling).contains(wait), "{wait:?} of at most {ceiling:?}");
            *longest = (*longest).max(*wait);
        }
    }
    assert!(longest[0] > 5 * SECOND && longest[1] > 11 * SECOND && longest[2] > 19 * SECOND, "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_ends_the_back_off() {
    for seed in 0..50 {
        fastrand::seed(seed);
        let mut script = Script::new([again(None), again(None), Verdict::NotYet, again(None)]);
        script.rest = || Verdict::Done("token");
        let deadline = script.started + 300 * SECOND;
        poll(&PACE, deadline, &mut script).await.unwrap();
        assert!(script.waits[2] <= 6 * SECOND, "{:?}", script.waits);
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_where_it_asks_for_more() {
    let (asked_at, ..) = run(PACE, 120 * SECOND, Script::new([again(Some(50)), Verdict::Done("token")])).await;
    assert_eq!(asked_at, [3000, 53_000]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_beyond_the_deadline_leaves_one_last_poll() {
    for after in [119, 86_400, u64::MAX] {
        let script = Script::new([again(Some(after)), Verdict::Done("token")]);
        let (asked_at, ended_at, ended) = run(PACE, 120 * SECOND, script).await;
        assert_eq!(asked_at, [3000, 118_000]);
        assert_eq!((ended_at, ended), (118_000, Ok(Ok("token"))));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_once_it_is_cancelled() {
    let mut script = Script::new([]);
    let (cancel, started) = (CancellationToken::new(), script.started);
    cancel.cancel();
    let ended =
        within(started + SECOND, &cancel, poll(&Pace { first: Duration::ZERO, ..PACE }, started + SECOND, &mut script));
    assert_eq!(ended.await, Err(Interrupt::Cancelled));
    assert!(script.asked_at.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cancel_ends_a_wait_and_a_request_at_once() {
    for (at, answer_takes) in [(7, Duration::ZERO), (3, 3600 * SECOND)] {
        let mut script = Script::new([]);
        script.answer_takes = answer_takes;
        let (cancel, started) = (CancellationToken::new(), script.started);
        let deadline = started + 120 * SECOND;
        let (ended, ()) = tokio::join!(within(deadline, &cancel, poll(&PACE, deadline, &mut script)), async {
            tokio::time::sleep(Duration::from_millis(at * 1000 + 500)).await;
            cancel.cancel();
        });
        assert_eq!(ended, Err(Interrupt::Cancelled));
        assert_eq!(started.elapsed().as_millis() as u64, at * 1000 + 500);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_so_late_that_the_deadline_would_cut_it_off() {
    let pace = Pace { first: Duration::ZERO, interval: Duration::from_millis(500), ceiling: 10 * SECOND, ..PACE };
    for seed in 0..200 {
        fastrand::seed(seed);
        let mut script = Script::new([]);
        script.rest = || again(None);
        let (asked_at, ended_at, ended) = run(pace, 3 * SECOND, script).await;
        assert!(asked_at.iter().all(|at| *at <= 2625), "{asked_at:?}");
        assert!(asked_at.iter().any(|at| *at >= 1250), "{asked_at:?}");
        assert_eq!((ended_at, ended), (3000, Err(Interrupt::Deadline)));
    }
}

#[tokio::test(start_paused = true)]
async fn those_of_a_crowd_that_began_together_ask_apart_and_keep_the_interval() {
    let mut first_asks = Vec::new();
    for _ in 0..300 {
        let answers = [Verdict::NotYet, Verdict::NotYet, Verdict::Done("token")];
        let (asked_at, _, ended) = run(PACE.in_a_crowd(), 120 * SECOND, Script::new(answers)).await;
        assert_eq!(ended, Ok(Ok("token")));
        assert!((3000..=6251).contains(&asked_at[0]), "{asked_at:?}");
        let waits = [asked_at[1] - asked_at[0], asked_at[2] - asked_at[1]];
        // The clock's grain is a millisecond.
        assert!(waits.iter().all(|wait| wait.abs_diff(3000) <= 1), "{asked_at:?}");
        first_asks.push(asked_at[0]);
    }
    let in_the_first_half = first_asks.iter().filter(|at| **at < 4500).count();
    assert!((75..225).contains(&in_the_first_half), "{in_the_first_half} of 300");
}

#[tokio::test(start_paused = true)]
async fn nobody_in_a_crowd_asks_sooner_than_the_interval_or_the_pause_asked_for() {
    for (interval, takes) in [(1000, 10), (1040, 10), (1040, 0), (1999, 120), (3000, 49), (3000, 51)] {
        let pace = Pace { interval: Duration::from_millis(interval), ..PACE }.in_a_crowd();
        for pause in [1, 2, 7] {
            let mut script = Script::new([Verdict::NotYet, again(Some(pause)), Verdict::Done("token")]);
            script.answer_takes = Duration::from_millis(takes);
            let (asked_at, _, ended) = run(pace, 120 * SECOND, script).await;
            assert_eq!(ended, Ok(Ok("token")));
            // The clock's grain is a millisecond.
            assert!(asked_at[1] - asked_at[0] + 1 >= interval, "{interval} {asked_at:?}");
            assert!(asked_at[2] - asked_at[1] >= takes + (pause * 1000).max(interval), "{interval} {asked_at:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn those_of_a_crowd_that_began_apart_ask_in_step() {
    let pace = Pace { first: 3 * SECOND, ..PACE.in_a_crowd() };
    let mut asks = Vec::new();
    for late in [0, 120, 130] {
        tokio::time::sleep(Duration::from_millis(late)).await;
        let mut script = Script::new([Verdict::Done("token")]);
        poll(&pace, script.started + 120 * SECOND, &mut script).await.unwrap();
        asks.push(script.started + Duration::from_millis(script.asked_at[0]));
    }
    let out_of_step = |at: &Instant| (at.duration_since(asks[0]).as_millis() + 1) % 250;
    assert!(asks.iter().all(|at| out_of_step(at) <= 2), "{asks:?}");
}
