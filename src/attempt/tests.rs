use super::*;

fn interrupted() -> Result<(), RequestError> {
    Err(RequestError::Interrupted { detail: String::new() })
}

fn refused() -> Result<(), RequestError> {
    Err(RequestError::Http { status: 429, excerpt: String::new() })
}

#[test]
fn a_call_that_has_sent_nothing_is_not_charged() {
    let activity = Activity::default();
    assert!(!activity.may_be_charged());
    assert_eq!(activity.polls, 0);
}

#[test]
fn a_call_about_a_task_that_exists_is_charged_whatever_it_does() {
    let mut activity = Activity::of_task();
    assert!(activity.may_be_charged());
    let sent = activity.sent(Method::GetTaskResult);
    assert!(!sent.get());
    for result in [Ok(()), interrupted(), refused()] {
        activity.ended(Method::GetTaskResult, &result);
        assert!(activity.may_be_charged());
    }
}

#[test]
fn a_create_in_flight_may_be_charged_from_the_moment_its_body_leaves() {
    let mut activity = Activity::default();
    let sent = activity.sent(Method::CreateTask);
    assert!(!activity.may_be_charged());
    sent.set();
    assert!(activity.may_be_charged());
}

#[test]
fn a_create_that_has_ended_is_charged_where_it_may_have_been_accepted() {
    for (result, charged) in [(Ok(()), true), (interrupted(), true), (refused(), false)] {
        let mut activity = Activity::default();
        activity.sent(Method::CreateTask).set();
        activity.ended(Method::CreateTask, &result);
        assert_eq!(activity.may_be_charged(), charged, "{result:?}");
    }
}

/// The first was refused, so only the second counts.
#[test]
fn a_create_that_is_resent_is_judged_anew() {
    let mut activity = Activity::default();
    activity.sent(Method::CreateTask).set();
    activity.ended(Method::CreateTask, &refused());
    let second = activity.sent(Method::CreateTask);
    assert!(!activity.may_be_charged());
    second.set();
    assert!(activity.may_be_charged());
    activity.ended(Method::CreateTask, &Ok(()));
    assert!(activity.may_be_charged());
}

#[test]
fn polls_are_counted_and_nothing_else() {
    let mut activity = Activity::default();
    for (method, polls) in
        [(Method::CreateTask, 0), (Method::GetTaskResult, 1), (Method::GetBalance, 1), (Method::GetTaskResult, 2)]
    {
        activity.sent(method);
        assert_eq!(activity.polls, polls);
    }
}

#[test]
fn what_is_free_charges_nothing() {
    for method in [Method::GetTaskResult, Method::GetBalance] {
        let mut activity = Activity::default();
        activity.sent(method).set();
        assert!(!activity.may_be_charged());
        for result in [Ok(()), interrupted()] {
            activity.ended(method, &result);
            assert!(!activity.may_be_charged());
        }
    }
}
