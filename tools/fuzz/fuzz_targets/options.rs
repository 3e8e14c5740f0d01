//! Options of any kind through every parser. What comes out is within its documented range, and what is said of what does
//! not holds no secret.
#![no_main]

use std::{fmt::Debug, ops::RangeInclusive, time::Duration};

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;
use serde_json::Value;
use turnstile_solver::{
    error::{Error, ErrorKind},
    options::{
        Account, CreateTaskRequest, GetBalanceRequest, GetTaskResultRequest, NewTask, RawOption, RawOptions,
        SolveRequest, TaskId, WaitForTaskRequest,
    },
    wire::{create_task_body, get_task_result_body},
};

const NAMES: [&str; 17] = [
    "provider",
    "clientKey",
    "baseURL",
    "timeoutMs",
    "requestTimeoutMs",
    "signal",
    "websiteURL",
    "websiteKey",
    "taskType",
    "action",
    "cData",
    "proxy",
    "developerId",
    "extraTaskFields",
    "extraRequestFields",
    "taskId",
    "pollIntervalMs",
];
/// They stand in the right place, and also in every wrong one.
const KEY: &str = "test-key-0123456789abcdef";
const PASSWORD: &str = "hunter2-hunter2";
const PROXY: &str = "http://user:hunter2-hunter2@proxy.example.com:80";
const SECRETS: [&str; 2] = [KEY, PASSWORD];

/// Texts that get past some check or other.
const TEXTS: [&str; 26] = [
    KEY,
    PASSWORD,
    PROXY,
    "ezcaptcha",
    "yescaptcha",
    "custom",
    "CloudFlareTurnstileTask",
    "TurnstileTaskProxyless",
    "https://example.com/login",
    "https://test-key-0123456789abcdef@example.com",
    "https://example.com/test-key-0123456789abcdef",
    "https://test-key-0123456789abcdef:99999/",
    "https://[hunter2-hunter2]/",
    "http://127.0.0.1:1/x",
    "http://[::1]:1",
    "http://localhost/../y?",
    "http://0x7f.1/",
    "http://2130706433/",
    "HTTP://LOCALHOST./",
    "socks5://user:hunter2-hunter2@[2001:db8::1]:1080/",
    "socks5://user:hunter2-hunter2@[::ffff:127.0.0.1]:1080",
    "http://user:hunter2-hunter2@proxy.example.com",
    "18446744073709551615",
    "007",
    "0x4AAAAAAA",
    " ",
];
const OBJECTS: [&str; 9] = [
    "{}",
    r#"{"mode":"x","deep":{"a":[1,2.5,null]}}"#,
    r#"{"type":1}"#,
    r#"{"rqData":{"mode":"y"}}"#,
    r#"{"proxy":"http://a:b@c:1"}"#,
    r#"{"n":1e400}"#,
    r#""hunter2-hunter2""#,
    "7",
    r#"["test-key-0123456789abcdef"]"#,
];

#[derive(Debug)]
struct Input(RawOptions);

impl<'a> Arbitrary<'a> for Input {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut given: RawOptions = Vec::new();
        // Mostly right, or nothing would come far.
        for (name, value) in [
            ("provider", "ezcaptcha"),
            ("clientKey", KEY),
            ("websiteURL", "https://example.com"),
            ("websiteKey", "0x4"),
            ("taskId", "61138bb6"),
        ] {
            if u.ratio(9, 10)? {
                given.push((name.into(), RawOption::Text(value.into())));
            }
        }
        for _ in 0..u.int_in_range(0..=8)? {
            let name = if u.ratio(19, 20)? { u.choose(&NAMES)?.to_string() } else { u.arbitrary()? };
            let value = value(u)?;
            // As in an object, the later one wins, unless a proxy of its keys has it otherwise.
            if u.ratio(19, 20)? {
                given.retain(|(known, _)| *known != name);
            }
            given.push((name, value));
        }
        Ok(Input(given))
    }
}

fn value(u: &mut Unstructured) -> Result<RawOption> {
    Ok(match u.int_in_range(0..=11)? {
        0..=2 => RawOption::Text(u.choose(&TEXTS)?.to_string()),
        3 => RawOption::Text(u.arbitrary()?),
        4 => RawOption::Text([*u.choose(&TEXTS)?, u.arbitrary()?].concat()),
        5 => RawOption::Number(f64::from(u.arbitrary::<i32>()? / 1000)),
        6 => RawOption::Number(*u.choose(&[
            -0.0,
            0.5,
            1.0,
            999.0,
            1000.0,
            3000.0,
            300_000.0,
            9_007_199_254_740_991.0,
        ])?),
        7 => RawOption::Number(u.arbitrary()?),
        8 => RawOption::Object(u.choose(&OBJECTS)?.to_string()),
        9 => RawOption::Object(u.arbitrary()?),
        10 => RawOption::AbortSignal,
        _ => u.choose(&[RawOption::Function, RawOption::Other("null"), RawOption::Threw("boom".into())])?.clone(),
    })
}

fuzz_target!(|input: Input| {
    let Input(given) = input;
    let only = |known: &[&[&str]]| -> RawOptions {
        let known = |name: &String| known.iter().any(|names| names.contains(&name.as_str()));
        given.iter().filter(|(name, _)| known(name) || !NAMES.contains(&name.as_str())).cloned().collect()
    };
    let (account_names, task_names, rest) = (&NAMES[..6], &NAMES[6..15], &NAMES[15..]);
    let (task_id_name, polling_name) = (&rest[..1], &rest[1..]);
    if let Some(request) = checked(&given, SolveRequest::parse(only(&[account_names, task_names, polling_name]))) {
        account(&request.account);
        task(&given, &request.account, request.task);
        polling(&request.account, request.poll_interval);
    }
    if let Some(request) = checked(&given, CreateTaskRequest::parse(only(&[account_names, task_names]))) {
        account(&request.account);
        task(&given, &request.account, request.task);
    }
    if let Some(request) = checked(&given, GetTaskResultRequest::parse(only(&[account_names, task_id_name]))) {
        account(&request.account);
        task_id(&given, &request.task_id);
    }
    if let Some(request) =
        checked(&given, WaitForTaskRequest::parse(only(&[account_names, task_id_name, polling_name])))
    {
        account(&request.account);
        task_id(&given, &request.task_id);
        polling(&request.account, request.poll_interval);
    }
    if let Some(request) = checked(&given, GetBalanceRequest::parse(only(&[account_names]))) {
        account(&request.account);
    }
    // With every option at once each call refuses those of another.
    let _ = checked(&given, SolveRequest::parse(given.clone()));
    let _ = checked(&given, GetBalanceRequest::parse(given.clone()));
});

/// The request, whose debug output tells no secret; or nothing, after an error that tells none either.
fn checked<T: Debug>(given: &RawOptions, parsed: std::result::Result<T, Error>) -> Option<T> {
    match parsed {
        Ok(request) => {
            let debug = format!("{request:?}");
            for (name, secret) in [("clientKey", KEY), ("proxy", PASSWORD)] {
                // Where it stands in an option that is no secret, it may be shown.
                let elsewhere = |(other, value): &(String, RawOption)| other != name && holds(value, secret);
                if !given.iter().any(elsewhere) {
                    assert!(!debug.contains(secret), "{debug}");
                }
            }
            Some(request)
        }
        Err(error) => {
            let ErrorKind::InvalidOptions(bad) = &error.kind else { panic!("{error:?}") };
            assert!(!error.may_be_charged && error.code() == "INVALID_OPTIONS");
            if let Some(id) = &error.task_id {
                let same = |value: &RawOption| match value {
                    RawOption::Text(text) => text == id,
                    RawOption::Number(number) => number.to_string() == *id || *number == 0.0,
                    _ => false,
                };
                assert!(given.iter().any(|(name, value)| name == "taskId" && same(value)), "{id}");
            }
            assert!(!bad.option.is_empty() || given.iter().any(|(name, _)| name.is_empty()), "{error:?}");
            assert!(!bad.problem.is_empty());
            let text = format!("{error} {error:?}");
            for secret in SECRETS {
                // Errors may repeat the names of options and the task's id.
                let repeated = |(name, value): &(String, RawOption)| {
                    name.contains(secret) || (name == "taskId" && holds(value, secret))
                };
                assert!(!text.contains(secret) || given.iter().any(repeated), "{secret} leaks: {text}");
            }
            None
        }
    }
}

fn holds(value: &RawOption, secret: &str) -> bool {
    matches!(value, RawOption::Text(text) | RawOption::Object(text) if text.contains(secret))
}

fn account(account: &Account) {
    let Account { provider, client_key, base_url, .. } = account;
    let milliseconds: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_millis(300_000);
    assert!(milliseconds.contains(&account.timeout) && milliseconds.contains(&account.request_timeout));
    let key = client_key.expose_secret();
    assert!(!key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic()));
    let host = base_url.host_str().expect("a host");
    let name = host.strip_suffix('.').unwrap_or(host);
    let loopback = name == "localhost"
        || name.ends_with(".localhost")
        || host == "[::1]"
        || host.starts_with("[::ffff:7f")
        || host.starts_with("127.");
    assert_eq!(account.loopback, loopback, "{base_url}");
    assert!(base_url.scheme() == "https" || (base_url.scheme() == "http" && loopback), "{base_url}");
    assert!(base_url.username().is_empty() && base_url.password().is_none(), "{base_url}");
    assert!(base_url.query().is_none() && base_url.fragment().is_none() && base_url.path().ends_with('/'));
    let method = base_url.join("createTask").expect("a URL to post to");
    assert_eq!(method.as_str(), format!("{base_url}createTask"));
    assert!(account.provider.base_url.is_some() || provider.name == "custom");
    let echo = account.secrets.redact(format!("key {key}."));
    assert!(key.len() < 4 || "key [clientKey].".contains(key) || !echo.contains(key), "{echo}");
}

fn task(given: &RawOptions, account: &Account, task: NewTask) {
    let (fields, beside) = task.into_fields();
    for (name, field) in [("websiteURL", "websiteURL"), ("websiteKey", "websiteKey"), ("proxy", "proxy")] {
        if let Some(text) = text_of(given, name) {
            assert_eq!(fields[field], *text);
        }
    }
    let kind = fields["type"].as_str().expect("a task type");
    let types = account.provider.task_types;
    assert!(!kind.trim().is_empty() && (types.is_empty() || types.contains(&kind)), "{kind:?}");
    for (name, longest) in [("action", 32), ("cData", 255)] {
        if let Some(text) = text_of(given, name) {
            assert!(text.len() <= longest && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
            assert_eq!(account.provider.name, "ezcaptcha");
        }
    }
    assert!(["clientKey", "task", "taskId"].iter().all(|name| !beside.contains_key(*name)));
    let key = account.client_key.expose_secret();
    let body: Value = serde_json::from_slice(&create_task_body(key, &fields, &beside)).expect("JSON");
    assert!(body["clientKey"] == key && body["task"] == Value::Object(fields.clone()));
    assert_eq!(body.as_object().map(|body| body.len()), Some(2 + beside.len()));
}

fn task_id(given: &RawOptions, id: &TaskId) {
    let spelt = id.to_string();
    assert!(!spelt.is_empty());
    if let Some(text) = text_of(given, "taskId") {
        assert_eq!(*text, spelt);
    }
    let body: Value = serde_json::from_slice(&get_task_result_body("k", id)).expect("JSON");
    assert!(body["taskId"] == spelt || body["taskId"].to_string() == spelt);
}

fn polling(account: &Account, interval: Duration) {
    assert!((Duration::from_secs(1)..=Duration::from_secs(300)).contains(&interval));
    assert!(account.timeout <= interval * 120, "more polls than providers answer");
}

/// The first text of that name, unless it was given twice.
fn text_of<'a>(given: &'a RawOptions, name: &str) -> Option<&'a String> {
    let mut found = given.iter().filter(|(known, _)| known == name);
    match (found.next(), found.next()) {
        (Some((_, RawOption::Text(text))), None) => Some(text),
        _ => None,
    }
}
