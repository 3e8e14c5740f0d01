//! The loop: ask, wait, ask again, until there is an answer. It knows no HTTP, no JSON and no provider, and no clock but
//! Tokio's.

use std::{sync::LazyLock, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How asks follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The wait before the first ask.
    pub first: Duration,
    /// The wait after an ask that was answered "not yet", and the least wait after one that failed.
    pub interval: Duration,
    /// The longest wait that back-off grows to by itself.
    pub ceiling: Duration,
    /// Asks go out at multiples of this, the same in all loops: so many at once cost less than each on its own. The interval
    /// is then counted from ask to ask.
    pub grain: Duration,
}

impl Pace {
    /// For one of very many loops. They may have begun together, and need not go on asking together for ever: each begins
    /// somewhere within an interval. From ask to ask the wait is the interval, rounded up to the next multiple of the grain.
    pub fn in_a_crowd(self) -> Self {
        Pace { first: self.first + self.interval.mul_f64(fastrand::f64()), grain: Duration::from_millis(250), ..self }
    }
}

/// What came of one ask.
pub enum Verdict<T, E> {
    Done(T),
    NotYet,
    /// It failed in passing; `after` is how long the other side wants to be left alone.
    Again {
        fault: E,
        after: Option<Duration>,
    },
    Failed(E),
}

/// What is asked, and who wants to know of the waits.
pub trait Ask {
    type Answer;
    type Fault;

    fn ask(&mut self) -> impl Future<Output = Verdict<Self::Answer, Self::Fault>> + Send;

    /// An ask was answered "not yet".
    fn not_yet(&mut self);

    /// An ask failed in passing; the next one is `wait` away.
    fn again(&mut self, fault: Self::Fault, wait: Duration);
}

/// Why [`within`] ended before the work did.
#[derive(Debug, PartialEq)]
pub enum Interrupt {
    Deadline,
    Cancelled,
}

/// Bounds all the work by the deadline and the caller's signal, what is in flight included.
pub async fn within<T>(
    deadline: Instant,
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, Interrupt> {
    if cancel.is_cancelled() {
        return Err(Interrupt::Cancelled);
    }
    // What is done is not thrown away because it was interrupted at the same time.
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = cancel.cancelled() => Err(Interrupt::Cancelled),
        () = sleep_until(deadline) => Err(Interrupt::Deadline),
    }
}

/// Asks until done or failed. The waits are clamped so that one last ask still fits before the deadline; after that one
/// the loop only waits for [`within`] to end it.
pub async fn poll<A: Ask>(pace: &Pace, deadline: Instant, asked: &mut A) -> Result<A::Answer, A::Fault> {
    let mut clock = Clock::new(pace, deadline);
    clock.asked = clock.first();
    loop {
        sleep_until(clock.asked).await;
        let next = match asked.ask().await {
            Verdict::Done(answer) => return Ok(answer),
            Verdict::Failed(fault) => return Err(fault),
            Verdict::NotYet => {
                asked.not_yet();
                clock.after_answer()
            }
            Verdict::Again { fault, after } => {
                let next = clock.after_fault(after);
                asked.again(fault, next - Instant::now());
                next
            }
        };
        clock.asked = next;
    }
}

/// How long before the deadline the last ask goes out, so that it can be answered in time: so much, or a quarter of all the
/// time if that is less.
pub fn reserve(timeout: Duration) -> Duration {
    Duration::from_secs(2).min(timeout / 4)
}

/// The last ask keeps this distance from the one before.
const LEAST_GAP: Duration = Duration::from_secs(1);

struct Clock<'a> {
    pace: &'a Pace,
    deadline: Instant,
    /// How long before the deadline the last ask goes out.
    reserve: Duration,
    faults_in_a_row: u32,
    /// When the last ask was due to go out.
    asked: Instant,
}

impl<'a> Clock<'a> {
    fn new(pace: &'a Pace, deadline: Instant) -> Self {
        let left = deadline.saturating_duration_since(Instant::now());
        Clock { pace, deadline, reserve: reserve(left), faults_in_a_row: 0, asked: Instant::now() }
    }

    fn first(&self) -> Instant {
        self.together(Instant::now() + self.pace.first).min(self.deadline - self.reserve)
    }

    /// The next instant at which others ask too.
    fn together(&self, due: Instant) -> Instant {
        static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
        let grain = self.pace.grain.as_millis();
        let since = due.saturating_duration_since(*EPOCH).as_millis();
        match since.checked_rem(grain) {
            None | Some(0) => due,
            Some(past) => due + Duration::from_millis((grain - past) as u64),
        }
    }

    fn after_answer(&mut self) -> Instant {
        self.faults_in_a_row = 0;
        let from = if self.pace.grain.is_zero() { Instant::now() } else { self.asked };
        self.clamped(from + self.pace.interval)
    }

    /// Exponential back-off above the interval, with full jitter so that many clients do not come back at once.
    fn after_fault(&mut self, retry_after: Option<Duration>) -> Instant {
        self.faults_in_a_row += 1;
        let Pace { interval, ceiling, .. } = *self.pace;
        let doubled = interval.saturating_mul(1 << self.faults_in_a_row.min(16));
        let most = doubled.min(ceiling).max(interval);
        let back_off = interval + (most - interval).mul_f64(fastrand::f64());
        // Far beyond any deadline, and short of what an Instant can hold.
        let wait = back_off.max(retry_after.unwrap_or_default()).min(Duration::from_secs(24 * 60 * 60));
        self.clamped(Instant::now() + wait)
    }

    fn clamped(&self, due: Instant) -> Instant {
        let (now, last) = (Instant::now(), self.deadline - self.reserve);
        let due = self.together(due.max(now));
        let clamped = due.min(last.max(now + LEAST_GAP));
        match now < last && clamped + self.reserve / 2 <= self.deadline {
            true => clamped,
            // What is asked so late is not answered in time, and an interrupted createTask would leave the caller in doubt.
            false => self.deadline + LEAST_GAP,
        }
    }
}

#[cfg(test)]
mod tests;
