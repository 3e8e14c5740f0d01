//! What a hostile provider puts into its replies.

use serde_json::json;

use super::matrix::play::{Call, play_call};
use crate::{
    error::{ErrorKind, RequestError},
    options::RawOption,
    transport::scripted::{Scripted, Step},
    wire::Method,
};

const KEY: &str = "test-key-0123456789abcdef";

fn created(id: &str) -> Step {
    Step::json(&json!({ "errorId": 0, "taskId": id }))
}

fn ready() -> Step {
    Step::json(&json!({ "errorId": 0, "status": "ready", "solution": { "token": "token-1" } }))
}

#[tokio::test(start_paused = true)]
async fn a_task_id_that_holds_the_key_is_polled_as_it_is_and_shown_redacted() {
    for id in [format!("job-{KEY}"), format!("job-{}", KEY.replace('-', "%2D"))] {
        let transport =
            Scripted::default().then(Method::CreateTask, [created(&id)]).always(Method::GetTaskResult, ready());
        let key = ("clientKey", RawOption::Text(KEY.into()));
        let played = play_call(Call::Solve, transport, &[key]).await;
        assert_eq!(played.result.as_ref().unwrap().as_deref(), Some("token-1"));
        let polled = played.transport.sent().pop().unwrap().body["taskId"].clone();
        assert_eq!(polled, json!(id));
        let shown = format!("{:?}", played.events);
        assert!(shown.contains("job-[clientKey]") && !shown.contains("0123456789abcdef"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn create_task_fails_where_the_id_repeats_the_key_and_says_that_a_task_was_bought() {
    let transport = Scripted::default().then(Method::CreateTask, [created(&format!("job-{KEY}"))]);
    let key = ("clientKey", RawOption::Text(KEY.into()));
    let error = play_call(Call::CreateTask, transport, &[key]).await.result.unwrap_err();
    assert_eq!((error.code(), error.may_be_charged), ("INVALID_RESPONSE", true));
    assert!(!format!("{error} {error:?}").contains("0123456789abcdef"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_task_id_that_is_too_long_is_no_task_id() {
    for (length, is_id) in [(1024, true), (1025, false)] {
        let transport = Scripted::default().then(Method::CreateTask, [created(&"a".repeat(length))]);
        assert_eq!(play_call(Call::CreateTask, transport, &[]).await.result.is_ok(), is_id, "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn text_of_the_provider_is_escaped_and_bounded_in_messages_and_verbatim_in_fields() {
    let description = format!("\u{1b}[31mred\n\u{202e}{}", "x".repeat(900_000));
    let body = json!({ "errorId": 1, "errorCode": "ERROR_\u{9b}ODD", "errorDescription": description });
    let transport = Scripted::default().then(Method::CreateTask, [Step::json(&body)]);
    let error = play_call(Call::CreateTask, transport, &[]).await.result.unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with(r"createTask failed: ERROR_\u{9b}ODD (\u{1b}[31mred\u{a}\u{202e}xxx"), "{message}");
    assert!(message.len() < 1000 && !message.contains(|c: char| c.is_control() || c == '\u{202e}'), "{message}");
    let ErrorKind::Request { error: RequestError::Provider(refusal), .. } = error.kind else {
        panic!("{error:?}");
    };
    assert_eq!(refusal.error_description, description);
}

#[tokio::test(start_paused = true)]
async fn a_task_id_with_controls_is_escaped_in_messages() {
    let transport = Scripted::default()
        .then(Method::CreateTask, [created("a\u{1b}[31m\nb")])
        .always(Method::GetTaskResult, Step::json(&json!({ "errorId": 1, "errorCode": "ERROR_TASKID_INVALID" })));
    let error = play_call(Call::Solve, transport, &[]).await.result.unwrap_err();
    assert!(error.to_string().contains(r"task a\u{1b}[31m\u{a}b]"), "{error}");
    assert_eq!(error.task_id.as_deref(), Some("a\u{1b}[31m\nb"));
}
