use super::account::MAX_KEY_LENGTH;
mod account;
mod task;

use super::*;
use crate::{error::ErrorKind, provider::PROVIDERS};

const KEY: &str = "test-key-0123456789abcdef";

fn text(value: &str) -> RawOption {
    RawOption::Text(value.to_owned())
}

/// The least that a solve needs, with some options set or, where `None`, left out.
fn solve(changes: &[(&str, Option<RawOption>)]) -> Result<SolveRequest, Error> {
    let mut given: RawOptions = vec![
        ("provider".into(), text("ezcaptcha")),
        ("clientKey".into(), text(KEY)),
        ("websiteURL".into(), text("https://example.com/login")),
        ("websiteKey".into(), text("0x4AAAAAAA")),
    ];
    for (name, value) in changes {
        given.retain(|(known, _)| known != name);
        given.extend(value.clone().map(|value| ((*name).to_owned(), value)));
    }
    SolveRequest::parse(given)
}

fn refused(changes: &[(&str, Option<RawOption>)]) -> (String, String) {
    match solve(changes) {
        Err(Error { kind: ErrorKind::InvalidOptions(bad), .. }) => (bad.option, bad.problem),
        other => panic!("{changes:?} came to {other:?}"),
    }
}

#[test]
fn the_defaults_are_the_documented_ones() {
    let request = solve(&[]).unwrap();
    assert_eq!(request.account.timeout, Duration::from_secs(120));
    assert_eq!(request.account.request_timeout, Duration::from_secs(15));
    assert_eq!(request.poll_interval, Duration::from_secs(3));
    assert_eq!(request.account.base_url.as_str(), "https://api.ez-captcha.com/");
    assert_eq!(
        Value::Object(request.task.into_fields().0.clone()).to_string(),
        r#"{"type":"CloudFlareTurnstileTask","websiteKey":"0x4AAAAAAA","websiteURL":"https://example.com/login"}"#
    );
}

#[test]
fn a_single_call_has_thirty_seconds_by_default() {
    let given = || vec![("provider".into(), text("ezcaptcha")), ("clientKey".into(), text(KEY))];
    assert_eq!(GetBalanceRequest::parse(given()).unwrap().account.timeout, Duration::from_secs(30));
    let of_task = || given().into_iter().chain([("taskId".into(), text("id"))]).collect();
    assert_eq!(GetTaskResultRequest::parse(of_task()).unwrap().account.timeout, Duration::from_secs(30));
    assert_eq!(WaitForTaskRequest::parse(of_task()).unwrap().account.timeout, Duration::from_secs(120));
}

#[test]
fn every_provider_has_a_default_task_type_or_asks_for_one() {
    for provider in PROVIDERS {
        let base_url = ("baseURL", Some(text("https://example.com")));
        let outcome = solve(&[("provider", Some(text(provider.name))), base_url]);
        match provider.task_types {
            [] => assert!(outcome.is_err(), "{}", provider.name),
            [default, ..] => assert_eq!(outcome.unwrap().task.into_fields().0["type"], *default),
        }
    }
}

#[test]
fn milliseconds_are_whole_and_within_their_range() {
    for (name, least, most) in
        [("timeoutMs", 1.0, 300_000.0), ("requestTimeoutMs", 1.0, 300_000.0), ("pollIntervalMs", 1000.0, 300_000.0)]
    {
        for good in [least, most] {
            let interval = ("pollIntervalMs", Some(RawOption::Number(3000.0)));
            solve(&[interval, (name, Some(RawOption::Number(good)))]).unwrap();
        }
        for bad in [least - 1.0, most + 1.0, -least, least + 0.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(refused(&[(name, Some(RawOption::Number(bad)))]).0, name, "{bad}");
        }
    }
}

#[test]
fn more_polls_than_providers_answer_are_refused() {
    let given = |timeout, interval| {
        [("timeoutMs", Some(RawOption::Number(timeout))), ("pollIntervalMs", Some(RawOption::Number(interval)))]
    };
    solve(&given(300_000.0, 2500.0)).unwrap();
    let (option, problem) = refused(&given(300_000.0, 2499.0));
    assert_eq!(option, "pollIntervalMs");
    assert!(problem.contains("at least 2500 ms"), "{problem}");
}

#[test]
fn on_loopback_polls_may_be_close_and_many() {
    let loopback = ("baseURL", Some(text("http://127.0.0.1:8080")));
    let interval = |ms| ("pollIntervalMs", Some(RawOption::Number(ms)));
    let closest =
        solve(&[loopback.clone(), interval(10.0), ("timeoutMs", Some(RawOption::Number(300_000.0)))]).unwrap();
    assert_eq!(closest.poll_interval, Duration::from_millis(10));
    assert_eq!(refused(&[loopback, interval(9.0)]).0, "pollIntervalMs");
    assert_eq!(refused(&[interval(999.0)]).0, "pollIntervalMs");
}

#[test]
fn widget_values_go_where_the_provider_documents_them() {
    let widget = [("action", Some(text("log-in_1"))), ("cData", Some(text("abc")))];
    let fields = solve(&widget).unwrap().task.into_fields().0;
    assert_eq!(fields["rqData"].to_string(), r#"{"metadataAction":"log-in_1","metadataCdata":"abc"}"#);
    for (name, longest) in [("action", 32), ("cData", 255)] {
        solve(&[(name, Some(text(&"x".repeat(longest))))]).unwrap();
        for bad in ["x".repeat(longest + 1), "a b".into(), "é".into(), "a.b".into()] {
            assert_eq!(refused(&[(name, Some(text(&bad)))]).0, name);
        }
        assert_eq!(refused(&[(name, Some(text("x"))), ("provider", Some(text("yescaptcha")))]).0, name);
    }
}

#[test]
fn a_proxy_has_a_protocol_both_credentials_a_public_host_and_a_port() {
    for good in [
        "http://user:pass@proxy.example.com:80",
        "https://user:p:a@ss@proxy.example.com:8443",
        "socks5://user:pass@203.0.113.7:1080",
        "http://user:pass@[2001:db8::1]:3128",
    ] {
        assert_eq!(solve(&[("proxy", Some(text(good)))]).unwrap().task.into_fields().0["proxy"], good);
    }
    for bad in [
        "proxy.example.com:80",
        "http://proxy.example.com:80",
        "http://user@proxy.example.com:80",
        "http://user:@proxy.example.com:80",
        "http://:pass@proxy.example.com:80",
        "socks4://user:pass@proxy.example.com:80",
        "http://user:pass@proxy.example.com",
        "http://user:pass@proxy.example.com:0",
        "http://user:pass@proxy.example.com:99999",
        "http://user:pass@:80",
        "http://user:pass@localhost:80",
        "http://user:pass@LocalHost.:80",
        "http://user:pass@proxy.localhost:80",
        "http://user:pass@[::ffff:10.0.0.1]:80",
        "http://user:pass@127.0.0.1:80",
        "http://user:pass@10.1.2.3:80",
        "http://user:pass@192.168.0.1:80",
        "http://user:pass@172.16.0.1:80",
        "http://user:pass@169.254.1.1:80",
        "http://user:pass@[::1]:80",
        "http://user:pass@[fd00::1]:80",
        "http://user:pass@proxy.example.com/path:80",
    ] {
        assert_eq!(refused(&[("proxy", Some(text(bad)))]).0, "proxy", "{bad}");
    }
}

#[test]
fn extra_fields_are_sent_but_override_nothing() {
    let extra = |json: &str| ("extraTaskFields", Some(RawOption::Object(json.to_owned())));
    let fields = solve(&[extra(r#"{"mode":"x","big":12345678901234567890}"#)]).unwrap().task.into_fields().0;
    assert_eq!(
        (fields["mode"].to_string(), fields["big"].to_string()),
        ("\"x\"".into(), "12345678901234567890".into())
    );
    for name in ["type", "websiteURL", "websiteKey"] {
        assert_eq!(refused(&[extra(&format!(r#"{{"{name}":1}}"#))]).0, format!("extraTaskFields.{name}"));
    }
    assert_eq!(refused(&[extra(r#"{"rqData":{}}"#), ("action", Some(text("x")))]).0, "extraTaskFields.rqData");
    let proxy = ("proxy", Some(text("http://user:pass@proxy.example.com:80")));
    assert_eq!(refused(&[extra(r#"{"proxy":""}"#), proxy]).0, "extraTaskFields.proxy");
    assert_eq!(refused(&[extra(r#""text""#)]).0, "extraTaskFields");
}

#[test]
fn a_developer_id_goes_beside_the_task_under_the_name_of_the_provider() {
    let beside = |provider: &str, id: f64| {
        let id = ("developerId", Some(RawOption::Number(id)));
        let request = solve(&[("provider", Some(text(provider))), id]).unwrap();
        Value::Object(request.task.into_fields().1.clone()).to_string()
    };
    assert!(solve(&[]).unwrap().task.into_fields().1.is_empty());
    assert_eq!(beside("ezcaptcha", 7.0), r#"{"appId":7}"#);
    assert_eq!(beside("ezcaptcha", f64::from(i32::MAX)), r#"{"appId":2147483647}"#);
    assert_eq!(beside("yescaptcha", 7.0), r#"{"softID":7}"#);
    for (provider, bad) in [
        ("ezcaptcha", RawOption::Number(2_147_483_648.0)),
        ("ezcaptcha", RawOption::Number(0.0)),
        ("ezcaptcha", text("7")),
        ("yescaptcha", RawOption::Number(1.5)),
    ] {
        let changes = [("provider", Some(text(provider))), ("developerId", Some(bad))];
        assert_eq!(refused(&changes).0, "developerId");
    }
    let custom = [
        ("provider", Some(text("custom"))),
        ("baseURL", Some(text("https://example.com"))),
        ("taskType", Some(text("T"))),
        ("developerId", Some(RawOption::Number(7.0))),
    ];
    assert!(refused(&custom).1.contains("extraRequestFields"));
}

#[test]
fn extra_request_fields_go_beside_the_task_but_override_nothing() {
    let extra = |json: &str| ("extraRequestFields", Some(RawOption::Object(json.to_owned())));
    let (task, beside) =
        solve(&[extra(r#"{"callbackUrl":"https://a.test/","languagePool":"en"}"#)]).unwrap().task.into_fields();
    assert_eq!(Value::Object(beside.clone()).to_string(), r#"{"callbackUrl":"https://a.test/","languagePool":"en"}"#);
    assert!(!task.contains_key("callbackUrl"));
    for name in ["clientKey", "task", "taskId"] {
        assert_eq!(refused(&[extra(&format!(r#"{{"{name}":1}}"#))]).0, format!("extraRequestFields.{name}"));
    }
    let id = ("developerId", Some(RawOption::Number(7.0)));
    assert_eq!(refused(&[extra(r#"{"appId":1}"#), id]).0, "extraRequestFields.appId");
    assert_eq!(refused(&[extra(r#""text""#)]).0, "extraRequestFields");
    assert_eq!(refused(&[("extraRequestFields", Some(text("{}")))]).0, "extraRequestFields");
}

#[test]
fn only_credentials_of_a_proxy_among_the_fields_are_secrets() {
    let fields = r#"{"proxyType":"http","proxyAddress":"203.0.113.7","proxyLogin":"login-1","proxyPassword":"hunter2secret","proxy":"http://u-name:pass-word@203.0.113.7:80"}"#;
    let request = solve(&[("extraTaskFields", Some(RawOption::Object(fields.into())))]).unwrap();
    let redact = |text: &str| request.account.secrets.redact(text.to_owned());
    for word in ["http", "203.0.113.7"] {
        assert_eq!(redact(word), word);
    }
    for secret in ["login-1", "hunter2secret", "u-name", "pass-word", "http://u-name:pass-word@203.0.113.7:80"] {
        assert!(!redact(secret).contains(secret), "{secret}");
    }
}

#[test]
fn a_task_id_is_sent_in_the_type_of_the_record_or_else_as_given() {
    let parse = |provider, id| {
        let given = [("provider", text(provider)), ("clientKey", text(KEY)), ("taskId", id)];
        let custom = (provider == "custom").then(|| ("baseURL", text("https://example.com")));
        let given = given.into_iter().chain(custom).map(|(name, value)| (name.to_owned(), value)).collect();
        WaitForTaskRequest::parse(given).map(|request| request.task_id)
    };
    for id in ["61138bb6-19fb", "73243152973", "007"] {
        for provider in PROVIDERS {
            assert_eq!(parse(provider.name, text(id)).unwrap(), TaskId::Text(id.into()), "{}", provider.name);
        }
    }
    let number = || RawOption::Number(73_243_152_973.0);
    assert_eq!(parse("custom", number()).unwrap(), TaskId::Number(73_243_152_973));
    assert_eq!(parse("yescaptcha", number()).unwrap(), TaskId::Text("73243152973".into()));
    for bad in [
        text(""),
        RawOption::Number(1.5),
        RawOption::Number(-1.0),
        RawOption::Number(9e15 * 2.0),
        RawOption::Other("null"),
    ] {
        assert!(parse("yescaptcha", bad).is_err());
    }
}

#[test]
fn an_unknown_name_is_shown_with_the_nearest_known_one() {
    for (name, nearest) in
        [("clientkey", "clientKey"), ("timeout", "timeoutMs"), ("siteKey", "websiteKey"), ("cdata", "cData")]
    {
        let (option, problem) = refused(&[(name, Some(text("x")))]);
        assert_eq!(option, name);
        assert!(problem.contains(nearest), "{name}: {problem}");
    }
    let (_, problem) = refused(&[("taskId", Some(text("x")))]);
    assert_eq!(problem, "is not an option of solveTurnstile");
}

#[test]
fn an_error_names_the_provider_once_that_is_known_and_never_the_key() {
    for (changes, provider) in [
        (vec![("websiteKey", None)], Some("ezcaptcha")),
        (vec![("unknown", Some(text(KEY)))], Some("ezcaptcha")),
        (vec![(KEY, Some(text("x")))], Some("ezcaptcha")),
        (vec![("provider", Some(text(KEY)))], None),
        (vec![("timeoutMs", Some(text(KEY)))], Some("ezcaptcha")),
    ] {
        let error = solve(&changes).unwrap_err();
        assert_eq!(error.provider, provider);
        assert!(!format!("{error} {error:?}").contains(KEY), "{error}");
    }
}

#[test]
fn a_bad_option_beside_a_good_task_id_keeps_the_task_id() {
    let given = [("provider", text("yescaptcha")), ("taskId", text("61138bb6")), ("timeoutMs", text("soon"))];
    let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(WaitForTaskRequest::parse(given).unwrap_err().task_id.as_deref(), Some("61138bb6"));
}

#[test]
fn a_long_key_given_as_a_name_is_not_shown_in_part() {
    let key = "0123456789abcdef".repeat(8);
    let error = solve(&[("clientKey", Some(text(&key))), (&key, Some(text("x")))]).unwrap_err();
    assert!(!error.to_string().contains(&key[..16]), "{error}");
}

#[test]
fn the_key_is_no_task_id_and_is_not_repeated_as_one() {
    for wrong in [None, Some(("timeoutMs", text("soon")))] {
        let given = [("provider", text("yescaptcha")), ("clientKey", text(KEY)), ("taskId", text(KEY))];
        let given = given.into_iter().chain(wrong.clone()).map(|(name, value)| (name.to_owned(), value)).collect();
        let error = WaitForTaskRequest::parse(given).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(KEY), "{error}");
        if wrong.is_none() {
            assert_eq!(error.to_string(), "taskId: holds the account's key, and is not the id of a task");
        }
    }
}

#[test]
fn a_task_id_that_holds_the_key_is_refused() {
    for id in [format!("job-{KEY}"), format!("job-{}", KEY.replace('-', "%2d"))] {
        let given = [("provider", text("yescaptcha")), ("clientKey", text(KEY)), ("taskId", text(&id))];
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let error = WaitForTaskRequest::parse(given).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&KEY[4..]), "{error}");
    }
}

#[test]
fn credentials_in_an_unknown_name_are_not_repeated() {
    for name in ["http://user:hunter2@proxy.test:80", "proxy=http://hunter2@proxy.test", "hunter2"] {
        let proxy = ("proxy", Some(text("http://user:hunter2@proxy.example.com:80")));
        let error = solve(&[proxy, (name, Some(text("x")))]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn a_text_that_is_too_long_is_refused_by_its_length() {
    assert_eq!(refused(&[("clientKey", Some(RawOption::LongText))]).1, "is longer than 1 MiB");
    assert_eq!(refused(&[("websiteURL", Some(RawOption::LongText))]).1, "is longer than 1 MiB");
    let long = "k".repeat(MAX_KEY_LENGTH + 1);
    assert_eq!(refused(&[("clientKey", Some(text(&long)))]).0, "clientKey");
}

#[test]
fn nothing_is_bought_with_what_was_copied_by_mistake() {
    let custom = [("provider", Some(text("custom"))), ("baseURL", Some(text("https://example.com")))];
    for bad in ["0x4AAAA\r", " 0x4AAAA", "0x4A\u{200b}AAA", "\"0x4AAAA\""] {
        assert_eq!(refused(&[("websiteKey", Some(text(bad)))]).0, "websiteKey", "{bad:?}");
        let url = format!("https://shop.example/{bad}");
        assert_eq!(refused(&[("websiteURL", Some(text(&url)))]).0, "websiteURL", "{bad:?}");
        let task_type = [("taskType", Some(text(bad)))];
        assert_eq!(refused(&[&custom[..], &task_type].concat()).0, "taskType", "{bad:?}");
    }
}

#[test]
fn debug_output_of_a_request_holds_no_secret() {
    let proxy = ("proxy", Some(text("http://user:hunter2@proxy.example.com:80")));
    let debug = format!("{:?}", solve(&[proxy]).unwrap());
    assert!(!debug.contains(KEY) && !debug.contains("hunter2"), "{debug}");
}

#[test]
fn a_key_given_as_a_number_is_not_repeated() {
    let (option, problem) = refused(&[("clientKey", Some(RawOption::Number(998_877_665_544.0)))]);
    assert_eq!((option.as_str(), problem.as_str()), ("clientKey", "must be a string, not a number"));
}

#[test]
fn a_proxy_in_extra_is_a_secret_too() {
    let extra = RawOption::Object(r#"{"proxyPassword":"hunter2secret"}"#.into());
    let request = solve(&[("extraTaskFields", Some(extra))]).unwrap();
    assert!(!request.account.secrets.redact("bad hunter2secret".into()).contains("hunter2"));
    assert!(!format!("{request:?}").contains("hunter2"));
}

#[test]
fn empty_texts_are_refused() {
    for name in ["taskType", "action", "cData", "baseURL", "proxy"] {
        assert_eq!(refused(&[(name, Some(text("")))]).0, name);
    }
}
