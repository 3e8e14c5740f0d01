//! Everything that a call can wait for, and that the deadline and the caller's signal both end it there.

use super::support::*;
use crate::{
    registry::Registry,
    transport::scripted::{Scripted, Step},
    wire::Method,
};
use std::sync::Arc;

/// A call that waits for something at the instant `until`.
struct AwaitPoint {
    name: &'static str,
    call: TestCall,
    /// Calls of the same account that are in flight already.
    others: Vec<TestCall>,
    /// What the requests of each method meet.
    replies: Vec<(Method, Step)>,
    until: u64,
    /// The instants of its requests, where its deadline is `until`, and where it is cancelled then and has more time.
    sent: [&'static [u64]; 2],
    task_id: Option<&'static str>,
    may_be_charged: bool,
    cause: Option<&'static str>,
}

impl AwaitPoint {
    /// For a call that has sent its first request and waits on; `step` is what every first request meets.
    fn first_request(name: &'static str, kind: CallKind, step: Step) -> Self {
        AwaitPoint {
            name,
            call: call(kind).patient(),
            others: Vec::new(),
            replies: vec![(kind.method(), step)],
            until: 4000,
            sent: if kind == WaitForTask { [&[3000], &[3000]] } else { [&[0], &[0]] },
            task_id: kind.task_id(),
            may_be_charged: kind.task_id().is_some(),
            cause: None,
        }
    }

    /// For a solve whose task is created and which waits for its first poll, or for something behind it.
    fn first_poll(name: &'static str, step: Step) -> Self {
        AwaitPoint {
            replies: vec![(Method::CreateTask, created()), (Method::GetTaskResult, step)],
            task_id: Some(TASK),
            may_be_charged: true,
            sent: [&[0, 3000], &[0, 3000]],
            ..AwaitPoint::first_request(name, Solve, created())
        }
    }
}

fn await_points() -> Vec<AwaitPoint> {
    let mut points = Vec::new();
    for kind in CallKind::ALL {
        // The breaker of a provider that bans early gives 20 permits, the limiter 16 and 32.
        let filler = call(if kind.method() == Method::CreateTask { CreateTask } else { GetBalance }).patient();
        let fill = |provider: &str, count| vec![filler.clone().provider(provider).timeout_ms(300_000); count];
        let quick = |made: TestCall| if kind == WaitForTask { made.number("pollIntervalMs", 1000) } else { made };
        let waiting = |name, provider: &str, count| AwaitPoint {
            call: quick(call(kind).provider(provider)),
            others: fill(provider, count),
            replies: vec![(filler.kind.method(), Step::silence(true))],
            until: 1500,
            sent: [&[], &[]],
            ..AwaitPoint::first_request(name, kind, Step::silence(true))
        };
        points.push(waiting("the breaker's permit", "ezcaptcha", 20));
        points.push(waiting("the limiter's permit", "yescaptcha", if filler.kind == CreateTask { 16 } else { 32 }));
        points.push(AwaitPoint::first_request("a connection", kind, Step::silence(false)));
        let slow_to_connect = success(kind).connect_takes(ms(10_000));
        points.push(AwaitPoint::first_request("a slow connection", kind, slow_to_connect));
        let unanswered = AwaitPoint::first_request("a reply", kind, Step::silence(true));
        points.push(AwaitPoint { may_be_charged: kind != GetBalance, ..unanswered });
        // A single request goes out again after 500 ms to 1 s, a poll after 3 s to 6 s.
        let until = if kind == WaitForTask { 3400 } else { 400 };
        for (name, step, cause) in [
            ("back-off after a connection that failed", connect_failed(), "CONNECTION_FAILED"),
            ("back-off after a refusal", busy(), "PROVIDER_ERROR"),
            ("Retry-After", gateway(429).retry_after(ms(60_000)), "HTTP_ERROR"),
        ] {
            let first = AwaitPoint::first_request(name, kind, step);
            let sent: [&[u64]; 2] = if kind == WaitForTask { [&[2550], &[3000]] } else { [&[0], &[0]] };
            points.push(AwaitPoint { until, sent, cause: Some(cause), ..first });
        }
    }
    points.push(AwaitPoint {
        until: 2999,
        sent: [&[0, 2250], &[0]],
        ..AwaitPoint::first_poll("the first poll of a solve", processing())
    });
    points.push(AwaitPoint {
        until: 2999,
        sent: [&[2250], &[]],
        ..AwaitPoint::first_request("the first poll of a wait", WaitForTask, processing())
    });
    points.push(AwaitPoint {
        call: call(Solve).number("pollIntervalMs", 1000),
        others: vec![call(GetBalance).patient().timeout_ms(300_000); 32],
        replies: vec![(Method::CreateTask, created()), (Method::GetBalance, Step::silence(true))],
        until: 1500,
        sent: [&[0], &[0]],
        ..AwaitPoint::first_poll("the limiter's permit for a poll", processing())
    });
    points.push(AwaitPoint::first_poll("a connection for a poll", Step::silence(false)));
    points.push(AwaitPoint::first_poll("the reply to a poll", Step::silence(true)));
    points.push(AwaitPoint {
        until: 10_000,
        sent: [&[0, 3000, 6000, 8000], &[0, 3000, 6000, 9000]],
        ..AwaitPoint::first_poll("the next poll of a solve", processing())
    });
    points.push(AwaitPoint {
        until: 10_000,
        sent: [&[3000, 6000, 8000], &[3000, 6000, 9000]],
        ..AwaitPoint::first_request("the next poll of a wait", WaitForTask, processing())
    });
    for (name, step, cause) in [
        ("back-off after a poll that failed", interrupted(), "CONNECTION_FAILED"),
        ("back-off after a poll that no reply came to", gateway(502), "HTTP_ERROR"),
        ("Retry-After of a poll", busy().retry_after(ms(60_000)), "PROVIDER_ERROR"),
    ] {
        let sent: [&[u64]; 2] = [&[0, 3000, 4000], &[0, 3000]];
        points.push(AwaitPoint { until: 5000, sent, cause: Some(cause), ..AwaitPoint::first_poll(name, step) });
    }
    points
}

/// Runs the call at its await point; how it ended, and when its own requests were sent.
async fn run(call: TestCall, others: Vec<TestCall>, replies: Vec<(Method, Step)>) -> (Report, Vec<u64>) {
    let script = replies.into_iter().fold(Scripted::default(), |script, (method, step)| script.always(method, step));
    let registry = Arc::new(Registry::new(script));
    for other in others {
        other.spawn(&registry).await;
    }
    let before = registry.transport.sent().len();
    let ended = call.run_in(&registry).await;
    let sent = registry.transport.sent()[before..].iter().map(|sent| milliseconds(sent.at)).collect();
    (ended, sent)
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_call_at_every_await_point() {
    for point in await_points() {
        let AwaitPoint { name, call, until, task_id, may_be_charged, cause, .. } = point;
        let kind = call.kind;
        let (ended, sent) = run(call.timeout_ms(until), point.others, point.replies).await;
        let facts = Facts { code: "TIMEOUT", task_id, may_be_charged, cause };
        assert_eq!((ended.at, ended.facts()), (until, facts), "{kind:?} waits for {name}: {ended:?}");
        assert_eq!(sent, point.sent[0], "{kind:?} waits for {name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_signal_ends_a_call_at_every_await_point() {
    for point in await_points() {
        let AwaitPoint { name, call, until, task_id, may_be_charged, .. } = point;
        let kind = call.kind;
        let (ended, sent) = run(call.cancel_at(until), point.others, point.replies).await;
        let facts = Facts { code: "ABORT_ERR", task_id, may_be_charged, cause: None };
        assert_eq!((ended.at, ended.facts()), (until, facts), "{kind:?} waits for {name}: {ended:?}");
        assert_eq!(sent, point.sent[1], "{kind:?} waits for {name}");
    }
}
