//! No secret is in any text that a call gives out, however a provider or a gateway echoes it.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::support::*;
use crate::{
    error::RequestError,
    options::RawOption,
    transport::scripted::{Scripted, Step},
};

/// The spellings in which a secret comes back.
fn spellings(secret: &str) -> Vec<String> {
    let percent = |byte: u8| format!("%{byte:02X}");
    let in_json = serde_json::to_string(secret).unwrap();
    let in_json = in_json.trim_matches('"');
    vec![
        secret.to_owned(),
        secret.bytes().map(percent).collect(),
        secret
            .bytes()
            .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).into() } else { percent(byte) })
            .collect(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("k={secret}")),
        URL_SAFE_NO_PAD.encode(format!("{{\"clientKey\":\"{secret}\"}}")),
        in_json.to_owned(),
        in_json.replace('/', "\\/"),
    ]
}

/// All that a request can meet and that holds a text from outside.
fn faults(text: &str) -> Vec<Step> {
    let detail = || text.to_owned();
    let mut faults = vec![
        Step::error(RequestError::Connect { detail: detail() }),
        Step::error(RequestError::NotProcessed { detail: detail() }),
        Step::error(RequestError::Certificate { detail: detail() }),
        Step::error(RequestError::Interrupted { detail: detail() }),
    ];
    for status in [200, 403, 429, 503] {
        faults.push(Step::reply(status, text));
        faults.push(Step::reply(status, json!({ "message": text }).to_string()));
        for code in ["ERROR_ZERO_BALANCE", "ERROR_REQUEST_BANNED", "ERROR_NO_SLOT_AVAILABLE", "ERROR_X"] {
            faults.push(refusal_with(status, code, text));
        }
        faults.push(refusal_with(status, text, ""));
    }
    let ready = |solution: Value| Step::json(&json!({ "errorId": 0, "status": "ready", "solution": solution }));
    faults.extend([
        Step::json(&json!({ "errorId": 0, "status": text })),
        Step::json(&json!({ "errorId": 0, "status": "failed", "errorCode": text, "errorDescription": text })),
        Step::json(&json!({ "errorId": 0, "taskId": [text], "balance": text })),
        ready(json!({ text: text })),
        ready(json!(text)),
        Step::reply(200, format!(r#"{{"errorId":0,"status":"ready","solution":{{"token":"t","token":"{text}"}}}}"#)),
        Step::reply(
            200,
            format!(r#"{{"errorId":0,"status":"ready","solution":{{"userAgent":"a","userAgent":"b","{text}":1}}}}"#),
        ),
        Step::json(&json!({ "errorId": text, "errorCode": text })),
    ]);
    faults
}

/// Every text that the caller can come to see, but for a solution.
fn texts(ended: &Report) -> Vec<String> {
    let mut texts = vec![format!("{:?}", ended.recorded)];
    if let Err(error) = &ended.outcome {
        texts.extend([error.to_string(), format!("{error:?}")]);
        if let Some(cause) = &error.cause {
            texts.extend([cause.to_string(), format!("{cause:?}")]);
            texts.extend(cause.detail().map(str::to_owned));
        }
    }
    texts
}

/// Runs a call against each fault that echoes the secret in these spellings; a name that begins so stands in its place.
async fn assert_never_shown(made: &TestCall, secret: &str, echoed: &[String], name: &str) {
    for spelling in echoed {
        for fault in faults(&format!("before {spelling} after")) {
            let met = format!("{:?} that meets {fault:?}", made.kind);
            let ended = made.run(Scripted::default().always(made.kind.method(), fault)).await;
            let texts = texts(&ended);
            for text in &texts {
                let text = text.to_lowercase();
                for spelling in spellings(secret) {
                    assert!(!text.contains(&spelling.to_lowercase()), "{met}: {spelling} is in {text}");
                }
            }
            let redacted = texts.iter().any(|text| text.contains(name));
            let quoted = texts.iter().any(|text| text.contains("before") || text.contains("after"));
            assert_eq!(redacted, quoted, "{met}: {texts:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_key_is_never_shown() {
    let key = "Ab/cD+ef\"gh\\iJ?01234567";
    let all = spellings(key);
    for kind in CallKind::ALL {
        let made = call(kind).timeout_ms(1000).text("clientKey", key);
        let echoed = if matches!(kind, CreateTask | WaitForTask) { &all[..] } else { &all[..1] };
        assert_never_shown(&made, key, echoed, "[clientKey]").await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_proxy_and_its_credentials_are_never_shown() {
    let proxy = "http://the-user:Pass/word+1@proxy.example:8080";
    let made = call(CreateTask).timeout_ms(1000).provider("ezcaptcha").text("proxy", proxy);
    for secret in [proxy, "Pass/word+1"] {
        assert_never_shown(&made, secret, &spellings(secret), "[proxy").await;
    }
    for secret in ["the-user:Pass/word+1", "the-user"] {
        assert_never_shown(&made, secret, &[secret.to_owned()], "[proxy").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_among_the_further_fields_is_never_shown() {
    let extra = RawOption::Object(r#"{"proxyAddress":"http://the-user:Pass/word+1@proxy.example:8080"}"#.to_owned());
    let made = call(CreateTask).timeout_ms(1000).option("extraTaskFields", extra);
    let password = "Pass/word+1";
    assert_never_shown(&made, password, &[password.to_owned()], "[proxy").await;
}

/// The secrets of one call are no secrets of another, but what one has learned is kept for all calls of the account.
#[tokio::test(start_paused = true)]
async fn what_the_breaker_remembers_holds_no_secret_of_the_call_that_it_was_learned_in() {
    let proxy = "http://the-user:Pass/word+1@proxy.example:8080";
    let banned = refusal_with(403, "ERROR_REQUEST_BANNED", &format!("{proxy} and {KEY}"));
    let registry = crate::registry::Registry::new(Scripted::default().always(crate::wire::Method::CreateTask, banned));
    call(CreateTask).provider("ezcaptcha").text("proxy", proxy).run_in(&registry).await;
    let ended = call(CreateTask).provider("ezcaptcha").run_in(&registry).await;
    assert_eq!(ended.refusal().error_description, "[proxy] and [clientKey]");
    assert_eq!(registry.transport.sent().len(), 1);
}

/// However much of a reply is quoted, and wherever that ends.
#[tokio::test(start_paused = true)]
async fn no_part_of_a_secret_is_shown_where_a_long_reply_is_cut() {
    let key = "Ab/cD+ef01234567".repeat(32);
    let made = call(CreateTask).text("clientKey", &key);
    for spelling in spellings(&key) {
        for before in [0, 100, 999, 8192, 15_000, 16_380] {
            let text = format!("{}{}", "x".repeat(before), spelling.repeat(30));
            for step in
                [Step::reply(502, text.as_str()), Step::json(&json!({ "errorId": 0, "taskId": null, "status": text }))]
            {
                let ended = made.run(Scripted::default().always(made.kind.method(), step)).await;
                for text in texts(&ended) {
                    assert!(!text.contains("cD+ef") && !text.contains(&spelling[8..24]), "{before}: {text}");
                }
            }
        }
    }
}

/// White space and controls are a secret's too.
#[tokio::test(start_paused = true)]
async fn a_password_with_white_space_and_controls_is_not_shown() {
    let password = "pass  wo\trd\u{1}!";
    let made = call(CreateTask).provider("ezcaptcha");
    let made = made.text("proxy", &format!("http://the-user:{password}@proxy.example:8080"));
    let ended =
        made.run(Scripted::default().always(made.kind.method(), Step::reply(502, format!("a {password} b")))).await;
    assert!(ended.error().to_string().contains("a [proxy password] b"), "{ended:?}");
}
