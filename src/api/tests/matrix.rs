//! The matrix of faults: every fault on every call, in paused time. It generates the table in docs/time-and-money.md:
//! `UPDATE_DOCS=1 cargo test matrix` writes it, `cargo test print_the_matrix -- --ignored --nocapture` shows every row.

pub mod play;
mod readme;
mod rows;

use std::{fmt::Write, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    call::{Event, Phase},
    error::{Error, ErrorKind, RequestError},
    poll::final_poll_margin,
    wire::Method,
};
use play::{COLUMNS, Call, Column, POLL_INTERVAL, Played, REQUEST_TIMEOUT, TASK_ID, TIMEOUT, play};
use rows::{Cell, Fields, Row, rows};

/// A key that reads otherwise percent-encoded, as JSON and in base64.
struct Key {
    plain: &'static str,
}

const KEY: Key = Key { plain: r#"test-key-0123456789abcdef+/=&%"\"# };

impl Key {
    fn spellings(&self) -> [(&'static str, String); 4] {
        let percent: String = self.plain.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let json = serde_json::to_string(self.plain).unwrap();
        [
            ("plain", self.plain.to_owned()),
            ("percent-encoded", percent),
            ("as JSON", json[1..json.len() - 1].to_owned()),
            ("base64", STANDARD.encode(format!("key={}!", self.plain))),
        ]
    }

    /// What no text may hold.
    fn found_in(&self, text: &str) -> Option<String> {
        let mut spellings: Vec<_> = self.spellings().into_iter().map(|(_, spelling)| spelling).collect();
        spellings.push("0123456789abcdef".into());
        let text = text.to_lowercase();
        spellings.into_iter().find(|spelling| text.contains(&spelling.to_lowercase()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_comes_once_ends_the_call_or_is_survived_as_the_table_says() {
    for row in rows() {
        for (column, cell) in COLUMNS.into_iter().zip(row.cells) {
            let Some(cell) = cell else { continue };
            let played = play(&row, column, false).await;
            Checked { row: &row, column, cell, played: &played }.once();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_never_ends_is_retried_on_the_schedule_until_the_call_is_over() {
    for seed in 0..4 {
        fastrand::seed(seed);
        for row in rows() {
            for (column, cell) in COLUMNS.into_iter().zip(row.cells) {
                if let Some(Cell::Retried) = cell {
                    let played = play(&row, column, true).await;
                    Checked { row: &row, column, cell: Cell::Retried, played: &played }.always();
                }
            }
        }
    }
}

/// A cell that was played, and what it must have come to.
struct Checked<'a> {
    row: &'a Row,
    column: Column,
    cell: Cell,
    played: &'a Played,
}

impl Checked<'_> {
    fn title(&self) -> String {
        format!("{}, in {}: {:?}", self.row.name, self.column.title, self.cell)
    }

    /// Whether the request is one of a poll loop.
    fn polls(&self) -> bool {
        matches!(self.column.call, Call::Solve | Call::WaitForTask) && self.column.method == Method::GetTaskResult
    }

    fn once(&self) {
        let Checked { row, column, cell, played } = self;
        let title = self.title();
        self.hides_the_key();
        let sent = played.transport.count(column.method);
        let pending_poll = *cell == Cell::Pending && column.call != Call::GetTaskResult;
        let requests = if *cell == Cell::Retried || pending_poll { 2 } else { 1 };
        assert_eq!(sent, requests, "{title}: requests");
        let creates = played.transport.count(Method::CreateTask);
        let bought_before = usize::from(column.call == Call::Solve && column.method == Method::GetTaskResult);
        assert_eq!(
            creates,
            if column.method == Method::CreateTask { requests } else { bought_before },
            "{title}: creates"
        );
        let retries = u32::from(*cell == Cell::Retried);
        self.events_are_in_order(retries);
        match (cell, &played.result) {
            (Cell::Ok | Cell::Pending | Cell::Retried, Ok(delivered)) => {
                let expected = match column.call {
                    Call::CreateTask => Some("task-1"),
                    Call::Solve | Call::WaitForTask => Some("token-1"),
                    Call::GetTaskResult if *cell == Cell::Pending => None,
                    Call::GetTaskResult => Some("token-1"),
                    Call::GetBalance => Some("12.5"),
                };
                assert_eq!(delivered.as_deref(), expected, "{title}");
                if *cell == Cell::Retried {
                    self.waits_are_right(&played.transport.instants(column.method));
                }
            }
            (Cell::ChargeUnknown | Cell::NotCharged | Cell::Resumable, Err(error)) => {
                assert_eq!(fields_of(error), row.fields, "{title}");
                self.money_is_reported(error, *cell);
                assert!(error.to_string().contains(&format!("{} failed: ", column.method.name())), "{title}: {error}");
                assert!(error.cause.is_none(), "{title}");
            }
            (_, outcome) => panic!("{title}: {outcome:?}"),
        }
    }

    fn always(&self) {
        let Checked { row, column, played, .. } = self;
        let title = self.title();
        self.hides_the_key();
        let Err(error) = &played.result else { panic!("{title}: {:?}", played.result) };
        let instants = played.transport.instants(column.method);
        self.events_are_in_order(instants.len() as u32 - 1);
        let limited = matches!(&error.kind, ErrorKind::Request { error: RequestError::Connect { .. }, .. });
        let paid = column.method == Method::GetTaskResult;
        self.money_is_reported(error, if paid { Cell::Resumable } else { Cell::NotCharged });
        self.waits_are_right(&instants);
        if limited {
            assert!(column.method != Method::GetTaskResult, "{title}: a paid task is worth waiting for");
            assert_eq!(fields_of(error), row.fields, "{title}");
            assert!(instants.len() <= 5 && played.elapsed < TIMEOUT, "{title}: {instants:?}");
            return;
        }
        let ErrorKind::Timeout { timeout, elapsed, polls } = error.kind else { panic!("{title}: {error:?}") };
        assert_eq!((timeout, elapsed, played.elapsed), (TIMEOUT, TIMEOUT, TIMEOUT), "{title}");
        assert_eq!(polls as usize, played.transport.count(Method::GetTaskResult), "{title}");
        let cause = error.cause.as_deref().map(fields_of_request);
        assert_eq!(cause.as_ref(), Some(&row.fields), "{title}: cause");
        // One last request is sent so late, and no later, that it can still be answered.
        let last = Duration::from_millis(*instants.last().unwrap());
        let margin = final_poll_margin(TIMEOUT);
        let latest = TIMEOUT - margin / 2;
        assert!(last <= latest, "{title}: the last at {last:?}");
        let first_pause = POLL_INTERVAL + row.pause;
        if row.pause > TIMEOUT {
            assert_eq!(instants.len(), 2, "{title}");
            assert!(last == TIMEOUT - margin || last < first_pause, "{title}: the last at {last:?}");
        }
    }

    fn hides_the_key(&self) {
        let Played { result, events, .. } = self.played;
        let mut text = format!("{result:?} {events:?}");
        if let Err(error) = result {
            let cause = error.cause.as_deref().map(ToString::to_string).unwrap_or_default();
            write!(text, " {error} {cause}").unwrap();
        }
        assert_eq!(KEY.found_in(&text), None, "{}: {text:.2000}", self.title());
    }

    fn money_is_reported(&self, error: &Error, cell: Cell) {
        let title = self.title();
        assert_eq!(error.provider, Some("ezcaptcha"), "{title}");
        assert_eq!(error.may_be_charged, cell != Cell::NotCharged, "{title}");
        let task_id = (cell == Cell::Resumable).then_some(TASK_ID);
        assert_eq!(error.task_id.as_deref(), task_id, "{title}");
        assert!(task_id.is_none_or(|id| error.to_string().contains(id)), "{title}: {error}");
    }

    /// The gap between two requests is at least the interval or what the server asked for, and at most what back-off has
    /// grown to; the last may come earlier, so that it fits.
    fn waits_are_right(&self, instants: &[u64]) {
        let title = self.title();
        let (interval, most) = match self.polls() {
            true => (POLL_INTERVAL, Duration::from_secs(20)),
            false => (Duration::from_millis(500), Duration::from_secs(10)),
        };
        // The reply, or the limit on it, comes before the wait begins.
        let silent = (self.row.step)(self.column.method);
        let takes = match silent.result {
            None => REQUEST_TIMEOUT,
            Some(_) => (silent.connect_takes + silent.reply_takes).min(REQUEST_TIMEOUT),
        };
        let last_due = TIMEOUT - final_poll_margin(TIMEOUT);
        for (n, pair) in instants.windows(2).enumerate() {
            let gap = Duration::from_millis(pair[1] - pair[0]) - takes;
            if n == 0 && self.row.at_once {
                assert_eq!(gap, Duration::ZERO, "{title}: {instants:?}");
                continue;
            }
            let failures = n as u32 + u32::from(!self.row.at_once);
            let longest = (interval * 2_u32.pow(failures.min(16))).min(most).max(interval).max(self.row.pause);
            let clamped = Duration::from_millis(pair[1]) >= last_due;
            // Tokio's clock has a resolution of a millisecond.
            assert!(gap <= longest + Duration::from_millis(1), "{title}: {gap:?} of {longest:?} in {instants:?}");
            assert!(gap >= interval.max(self.row.pause) || clamped, "{title}: {gap:?} in {instants:?}");
        }
    }

    /// `Created` once and first, `Ready` last before the end, and as many retries as there were.
    fn events_are_in_order(&self, retries: u32) {
        let Checked { column, cell, played, row } = self;
        let title = self.title();
        let phases: Vec<_> = played.events.iter().map(phase_of).collect();
        let solved = played.result.is_ok();
        let mut expected = Vec::new();
        let create_first = matches!(column.call, Call::Solve | Call::CreateTask);
        let in_create = column.method == Method::CreateTask;
        let reported_retries = phases.iter().filter(|phase| **phase == "retrying").count();
        assert!(reported_retries as u32 <= retries, "{title}: {phases:?}");
        if create_first && in_create {
            expected.extend(vec!["retrying"; reported_retries]);
        }
        if create_first && (solved || !in_create) {
            expected.push("created");
        }
        if !in_create {
            expected.extend(vec!["retrying"; reported_retries]);
        }
        if *cell == Cell::Pending {
            expected.push("processing");
        }
        let delivers = matches!(column.call, Call::Solve | Call::WaitForTask | Call::GetTaskResult);
        if solved && delivers && !(column.call == Call::GetTaskResult && *cell == Cell::Pending) {
            expected.push("ready");
        }
        expected.push("ended");
        assert_eq!(phases, expected, "{title}");
        assert_eq!(reported_retries as u32, retries, "{title}: {phases:?}");
        for event in &played.events {
            assert_eq!(event.provider, "ezcaptcha");
            if let Phase::Retrying { code, .. } = &event.phase {
                assert_eq!(*code, row.fields.code, "{title}");
            }
        }
        let last = played.events.last().unwrap();
        assert_eq!(last.retries, retries, "{title}");
        assert_eq!(last.polls as usize, played.transport.count(Method::GetTaskResult), "{title}");
    }
}

fn phase_of(event: &Event) -> &'static str {
    match event.phase {
        Phase::Created => "created",
        Phase::Processing => "processing",
        Phase::Retrying { .. } => "retrying",
        Phase::Ready => "ready",
        Phase::Ended => "ended",
    }
}

fn fields_of(error: &Error) -> Fields {
    match &error.kind {
        ErrorKind::Request { error, .. } => fields_of_request(error),
        _ => Fields { code: error.code(), ..Fields::default() },
    }
}

fn fields_of_request(error: &RequestError) -> Fields {
    let fields = Fields { code: error.code(), status: error.status(), ..Fields::default() };
    let RequestError::Provider(refusal) = error else { return fields };
    // The table's codes are static text, so the one that is meant is found there.
    let error_code = rows().iter().filter_map(|row| row.fields.error_code).find(|code| *code == refusal.error_code);
    assert!(error_code.is_some(), "{refusal:?}");
    Fields { error_code, reason: Some(refusal.reason), retry_after: refusal.retry_after, ..fields }
}
