//! What a createTask that was lost changes for those after it.

use super::support::*;
use crate::{
    registry::Registry,
    transport::scripted::{Scripted, Step},
    wire::Method,
};

/// A provider whose first reply to createTask is this.
fn first(step: Step) -> Registry<Scripted> {
    Registry::new(
        Scripted::default()
            .then(Method::CreateTask, [step])
            .always(Method::CreateTask, created())
            .always(Method::GetTaskResult, ready())
            .always(Method::GetBalance, balance()),
    )
}

/// Which requests went over a connection of their own.
fn own(registry: &Registry<Scripted>) -> Vec<(Method, bool)> {
    registry.transport.sent().iter().map(|sent| (sent.method, sent.own_connection)).collect()
}

#[tokio::test(start_paused = true)]
async fn after_a_create_was_lost_those_to_its_host_go_over_a_connection_of_their_own_and_polls_do_not() {
    for lost in [interrupted(), Step::silence(true)] {
        let registry = first(lost);
        assert!(call(CreateTask).run_in(&registry).await.error().may_be_charged);
        for kind in [CreateTask, Solve, GetTaskResult, WaitForTask, GetBalance] {
            assert!(call(kind).run_in(&registry).await.outcome.is_ok());
        }
        call(CreateTask).text("clientKey", "another-key").run_in(&registry).await.outcome.unwrap();
        call(CreateTask).provider("ezcaptcha").run_in(&registry).await.outcome.unwrap();
        let expected = [
            (Method::CreateTask, false),
            (Method::CreateTask, true),
            (Method::CreateTask, true),
            (Method::GetTaskResult, false),
            (Method::GetTaskResult, false),
            (Method::GetTaskResult, false),
            (Method::GetBalance, false),
            (Method::CreateTask, true),
            (Method::CreateTask, false),
        ];
        assert_eq!(own(&registry), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_that_failed_otherwise_changes_nothing() {
    for step in [
        connect_failed(),
        not_processed(),
        certificate_refused(),
        zero_balance(),
        gateway(502),
        Step::reply(200, ""),
        Step::silence(false),
    ] {
        let named = format!("{step:?}");
        let registry = first(step);
        call(CreateTask).request_timeout_ms(1000).run_in(&registry).await;
        call(CreateTask).run_in(&registry).await.outcome.unwrap();
        assert!(own(&registry).iter().all(|(_, own)| !own), "{named}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_was_lost_changes_nothing() {
    let registry = Registry::new(
        Scripted::default()
            .then(Method::GetTaskResult, [interrupted()])
            .always(Method::GetTaskResult, ready())
            .then(Method::GetBalance, [interrupted()])
            .always(Method::GetBalance, balance())
            .always(Method::CreateTask, created()),
    );
    for kind in [GetTaskResult, GetBalance, CreateTask] {
        call(kind).run_in(&registry).await.outcome.unwrap();
    }
    assert!(own(&registry).iter().all(|(_, own)| !own));
}
