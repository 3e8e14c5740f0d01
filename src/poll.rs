//! The loop: call, wait, call again, until there is a result. It knows no HTTP, no JSON and no provider, and no clock but
//! Tokio's.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How calls of an operation follow each other.
#[derive(Clone, Copy, Debug)]
pub struct PollPolicy {
    /// The wait before the first call.
    pub first_delay: Duration,
    /// The wait after a call that returned `Pending`, and the least back-off.
    pub interval: Duration,
    /// The longest wait that back-off grows to by itself.
    pub max_backoff: Duration,
    /// Where given, calls go out at its instants, the same in all loops, and the interval is counted from call to call.
    pub alignment: Option<Alignment>,
}

/// Instants that many loops share: so many calls at once cost less than each on its own.
#[derive(Clone, Copy, Debug)]
pub struct Alignment {
    pub origin: Instant,
    pub step: Duration,
}

impl PollPolicy {
    /// For one of very many loops. They may have begun together and need not go on together for ever: each begins somewhere
    /// within an interval.
    pub fn spread(self, alignment: Alignment) -> Self {
        let first_delay = self.first_delay + self.interval.mul_f64(fastrand::f64());
        PollPolicy { first_delay, alignment: Some(alignment), ..self }
    }
}

/// What one call of an operation came to.
#[derive(Debug, PartialEq)]
pub enum Outcome<T, E> {
    Success(T),
    Pending,
    /// A transient failure.
    Retry {
        error: E,
        delay: RetryDelay,
    },
    Failure(E),
}

/// The wait before a retry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RetryDelay {
    None,
    /// Exponential, and at least as long as the other side asks for.
    Backoff {
        at_least: Option<Duration>,
    },
}

/// What is polled.
pub trait Operation {
    type Output;
    type Error;

    fn call(&mut self) -> impl Future<Output = Outcome<Self::Output, Self::Error>> + Send;

    /// A call returned `Pending`.
    fn on_pending(&mut self);

    /// A call failed transiently; the next one is `delay` away.
    fn on_retry(&mut self, error: Self::Error, delay: Duration);
}

/// Why [`run_until`] ended before the work did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stopped {
    Deadline,
    Cancelled,
}

/// Bounds all the work by the deadline and the caller's signal, what is in flight included.
pub async fn run_until<T>(
    deadline: Instant,
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, Stopped> {
    if cancel.is_cancelled() {
        return Err(Stopped::Cancelled);
    }
    // A result is not thrown away because the work was stopped at the same time.
    tokio::select! {
        biased;
        output = work => Ok(output),
        () = cancel.cancelled() => Err(Stopped::Cancelled),
        () = sleep_until(deadline) => Err(Stopped::Deadline),
    }
}

/// Calls the operation until it succeeds or fails. The waits are clamped so that one last call still fits before the
/// deadline; after that one the loop only waits for [`run_until`] to end it.
pub async fn poll<O: Operation>(
    policy: &PollPolicy,
    deadline: Instant,
    operation: &mut O,
) -> Result<O::Output, O::Error> {
    let mut schedule = Schedule::new(policy, deadline);
    schedule.called = schedule.first();
    loop {
        sleep_until(schedule.called).await;
        let next = match operation.call().await {
            Outcome::Success(output) => return Ok(output),
            Outcome::Failure(error) => return Err(error),
            Outcome::Pending => {
                operation.on_pending();
                schedule.after_pending()
            }
            Outcome::Retry { error, delay } => {
                let next = schedule.after_failure(delay);
                operation.on_retry(error, next - Instant::now());
                next
            }
        };
        schedule.called = next;
    }
}

/// How long before the deadline the last call goes out, so that it can be answered in time: so much, or a quarter of all
/// the time if that is less.
pub fn final_poll_margin(timeout: Duration) -> Duration {
    Duration::from_secs(2).min(timeout / 4)
}

/// The last call keeps this distance from the one before.
const MIN_GAP: Duration = Duration::from_secs(1);
/// Far beyond any deadline, and short of what an `Instant` can hold.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

struct Schedule<'a> {
    policy: &'a PollPolicy,
    deadline: Instant,
    margin: Duration,
    failures_in_a_row: u32,
    /// When the last call was due to go out.
    called: Instant,
}

impl<'a> Schedule<'a> {
    fn new(policy: &'a PollPolicy, deadline: Instant) -> Self {
        let now = Instant::now();
        let margin = final_poll_margin(deadline.saturating_duration_since(now));
        Schedule { policy, deadline, margin, failures_in_a_row: 0, called: now }
    }

    fn first(&self) -> Instant {
        self.aligned(Instant::now() + self.policy.first_delay).min(self.deadline - self.margin)
    }

    /// The next instant at which other loops call too.
    fn aligned(&self, due: Instant) -> Instant {
        let Some(Alignment { origin, step }) = self.policy.alignment else { return due };
        let (step, since) = (step.as_nanos(), due.saturating_duration_since(origin).as_nanos());
        match since % step {
            0 => due,
            past => due + Duration::from_nanos((step - past) as u64),
        }
    }

    fn after_pending(&mut self) -> Instant {
        self.failures_in_a_row = 0;
        let from = if self.policy.alignment.is_some() { self.called } else { Instant::now() };
        self.clamped(self.aligned((from + self.policy.interval).max(Instant::now())))
    }

    /// Exponential back-off above the interval, with full jitter so that many clients do not come back at once.
    fn after_failure(&mut self, delay: RetryDelay) -> Instant {
        let RetryDelay::Backoff { at_least } = delay else { return self.clamped(Instant::now()) };
        self.failures_in_a_row += 1;
        let PollPolicy { interval, max_backoff, .. } = *self.policy;
        let doubled = interval.saturating_mul(1 << self.failures_in_a_row.min(16));
        let longest = doubled.min(max_backoff).max(interval);
        let backoff = interval + (longest - interval).mul_f64(fastrand::f64());
        let wait = backoff.max(at_least.unwrap_or_default()).min(MAX_WAIT);
        self.clamped(self.aligned(Instant::now() + wait))
    }

    fn clamped(&self, due: Instant) -> Instant {
        let (now, last) = (Instant::now(), self.deadline - self.margin);
        let clamped = due.min(last.max(now + MIN_GAP));
        match now < last && clamped + self.margin / 2 <= self.deadline {
            true => clamped,
            // What goes out so late is not answered in time, and an interrupted createTask would leave the caller in doubt.
            false => self.deadline + MIN_GAP,
        }
    }
}

#[cfg(test)]
mod tests;
