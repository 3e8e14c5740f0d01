//! What is sent to the provider.

use serde_json::{Value, json};

use super::support::*;
use crate::{
    options::RawOption,
    transport::scripted::{Scripted, Step},
    wire::Method,
};

/// The bodies that a call sends, in order.
async fn bodies(made: TestCall, script: Scripted) -> Vec<(Method, Value)> {
    let ended = made.run(script).await;
    assert!(ended.outcome.is_ok(), "{ended:?}");
    ended.transport().sent().into_iter().map(|sent| (sent.method, sent.body)).collect()
}

fn created_with(task_id: Value) -> Scripted {
    Scripted::default()
        .always(Method::CreateTask, Step::json(&json!({ "errorId": 0, "taskId": task_id })))
        .always(Method::GetTaskResult, ready())
}

#[tokio::test(start_paused = true)]
async fn a_create_has_the_further_fields_of_task_and_request_and_the_developer_id() {
    let task_fields = RawOption::Object(r#"{"premium":true,"pages":[1,2]}"#.to_owned());
    let request_fields = RawOption::Object(r#"{"languagePool":"en","callbackUrl":null}"#.to_owned());
    for kind in [Solve, CreateTask] {
        let made = call(kind)
            .number("developerId", 4711)
            .option("extraTaskFields", task_fields.clone())
            .option("extraRequestFields", request_fields.clone());
        let create = json!({
            "clientKey": KEY,
            "task": {
                "type": "TurnstileTaskProxyless",
                "websiteURL": "https://shop.example/login",
                "websiteKey": "0x4AAAAAAAB",
                "premium": true,
                "pages": [1, 2],
            },
            "softID": 4711,
            "languagePool": "en",
            "callbackUrl": null,
        });
        let sent = bodies(made, created_with(json!("t"))).await;
        assert_eq!(sent[0], (Method::CreateTask, create), "{kind:?}");
        let poll = json!({ "clientKey": KEY, "taskId": "t" });
        assert!(sent[1..].iter().all(|(_, body)| *body == poll), "a poll has no further fields");
    }
}

#[tokio::test(start_paused = true)]
async fn a_create_at_ezcaptcha_has_what_its_record_documents() {
    let proxy = "http://user:password@proxy.example:8080";
    let made = call(CreateTask)
        .provider("ezcaptcha")
        .number("developerId", 9)
        .text("action", "login")
        .text("cData", "session")
        .text("proxy", proxy);
    let task = json!({
        "type": "CloudFlareTurnstileTask",
        "websiteURL": "https://shop.example/login",
        "websiteKey": "0x4AAAAAAAB",
        "rqData": { "metadataAction": "login", "metadataCdata": "session" },
        "proxy": proxy,
    });
    let sent = bodies(made, created_with(json!("t"))).await;
    assert_eq!(sent, [(Method::CreateTask, json!({ "clientKey": KEY, "task": task, "appId": 9 }))]);
}

#[tokio::test(start_paused = true)]
async fn a_task_id_goes_back_in_the_type_that_it_came_in() {
    for id in [json!("61138bb6-19fb-11ec"), json!("42"), json!(42), json!(7_654_321_098_765_u64)] {
        let sent = bodies(call(Solve), created_with(id.clone())).await;
        assert_eq!(sent[1], (Method::GetTaskResult, json!({ "clientKey": KEY, "taskId": id })));
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_id_that_was_kept_is_sent_in_the_type_of_the_record_or_as_given() {
    for (provider, given, sent) in [
        ("yescaptcha", RawOption::Text("61138bb6-19fb-11ec".into()), json!("61138bb6-19fb-11ec")),
        ("yescaptcha", RawOption::Text("42".into()), json!("42")),
        ("yescaptcha", RawOption::Number(42.0), json!("42")),
        ("custom", RawOption::Text("42".into()), json!("42")),
        ("custom", RawOption::Text("042".into()), json!("042")),
        ("custom", RawOption::Number(42.0), json!(42)),
    ] {
        for kind in [GetTaskResult, WaitForTask] {
            let made = call(kind).provider(provider).text("baseURL", "https://api.example");
            let made = made.option("taskId", given.clone());
            let body = json!({ "clientKey": KEY, "taskId": sent });
            assert_eq!(bodies(made, created_with(json!("t"))).await, [(Method::GetTaskResult, body)]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_for_the_balance_has_the_key_alone() {
    let script = Scripted::default().always(Method::GetBalance, balance());
    assert_eq!(bodies(call(GetBalance), script).await, [(Method::GetBalance, json!({ "clientKey": KEY }))]);
}

#[tokio::test(start_paused = true)]
async fn every_request_goes_to_the_host_of_the_base_url() {
    let made = call(Solve).text("baseURL", "https://api.example.com/v1");
    let ended = made.run(created_with(json!("t"))).await;
    assert!(ended.transport().sent().iter().all(|sent| sent.host == "api.example.com"));
    let ended = call(Solve).run(created_with(json!("t"))).await;
    assert!(ended.transport().sent().iter().all(|sent| sent.host == "api.yescaptcha.com"));
}

#[tokio::test(start_paused = true)]
async fn the_results_of_the_calls() {
    let script = || created_with(json!(42)).always(Method::GetBalance, balance());
    let task = call(CreateTask).run(script()).await.outcome.unwrap();
    assert_eq!(task, json!({ "taskId": 42, "provider": "yescaptcha" }));
    assert_eq!(call(GetBalance).run(script()).await.outcome.unwrap(), 12.5);
    assert_eq!(call(GetTaskResult).run(script()).await.token(), TOKEN);
}

/// The ids of tasks are text in JavaScript, and some compatible services know them as numbers alone.
#[tokio::test(start_paused = true)]
async fn digits_that_were_kept_as_text_are_tried_as_a_number_where_the_text_is_unknown() {
    for (refusal, kind) in [
        ("ERROR_NO_SUCH_CAPCHA_ID", WaitForTask),
        ("WRONG_CAPTCHA_ID", GetTaskResult),
        ("ERROR_BAD_PARAMETERS", WaitForTask),
    ] {
        let made = call(kind).provider("custom").text("baseURL", "https://api.example").text("taskId", "73243152973");
        let script = Scripted::default().then(Method::GetTaskResult, [super::support::refusal(refusal), processing()]);
        let ended = made.run(script.always(Method::GetTaskResult, ready())).await;
        let ids: Vec<_> = ended.transport().sent().iter().map(|sent| sent.body["taskId"].clone()).collect();
        assert_eq!(ids[..2], [json!("73243152973"), json!(73_243_152_973_u64)], "{refusal}");
        assert!(ids[2..].iter().all(|id| id.is_u64()), "{ids:?}");
        assert!(ended.outcome.is_ok(), "{ended:?}");
        assert_eq!(ended.sent_at()[1], ended.sent_at()[0], "at once");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_task_is_asked_for_in_the_other_type_once_and_only_where_that_is_possible() {
    for (provider, id, requests) in [
        ("custom", "73243152973", 2),
        ("custom", "073", 1),
        ("custom", "61138bb6-19fb", 1),
        ("yescaptcha", "73243152973", 1),
    ] {
        let made = call(WaitForTask).provider(provider).text("baseURL", "https://api.example").text("taskId", id);
        let ended = made.run(Scripted::default().always(Method::GetTaskResult, refusal("ERROR_TASKID_INVALID"))).await;
        assert_eq!(ended.refusal().error_code, "ERROR_TASKID_INVALID");
        assert_eq!(ended.polls, requests, "{provider} {id}");
    }
}
