//! What is to be solved.

use super::*;

#[test]
fn every_task_type_of_a_provider_is_sent_and_no_other_is_taken() {
    for provider in PROVIDERS {
        let base = [("provider", Some(text(provider.name))), ("baseURL", Some(text("https://example.com")))];
        let of_type = |name: &str| [&base[..], &[("taskType", Some(text(name)))]].concat();
        for name in provider.task_types {
            assert_eq!(solve(&of_type(name)).unwrap().task.into_fields().0["type"], *name);
        }
        match provider.task_types {
            [] => assert_eq!(solve(&of_type("Any")).unwrap().task.into_fields().0["type"], "Any"),
            known => {
                let problem = format!("must be {} with provider '{}'", one_of(known), provider.name);
                assert_eq!(refused(&of_type("Any")), ("taskType".to_owned(), problem));
            }
        }
    }
}

#[test]
fn only_a_web_page_has_a_widget() {
    for good in ["https://shop.example", "http://shop.example:8080/a?b#c", "HTTPS://SHOP.EXAMPLE"] {
        solve(&[("websiteURL", Some(text(good)))]).unwrap();
    }
    for bad in ["ftp://shop.example", "javascript:0", "data:text/html,x", "file:///x", "about:blank"] {
        assert_eq!(refused(&[("websiteURL", Some(text(bad)))]).1, "must be an http or https URL", "{bad}");
    }
    assert!(refused(&[("websiteURL", Some(text("shop.example")))]).1.starts_with("is no URL: "));
}

#[test]
fn further_fields_are_an_object_and_no_list() {
    for name in ["extraTaskFields", "extraRequestFields"] {
        for bad in ["[1]", "1", "\"text\"", "null"] {
            let (option, problem) = refused(&[(name, Some(RawOption::Object(bad.into())))]);
            assert_eq!((option.as_str(), problem.as_str()), (name, "must be an object, not an object"), "{bad}");
        }
        let (option, problem) = refused(&[(name, Some(RawOption::Object("{\"a\":".into())))]);
        assert_eq!(option, name);
        assert!(problem.starts_with("cannot be sent as JSON: "), "{problem}");
    }
}

#[test]
fn widget_values_are_bounded() {
    for (name, longest) in [("action", MAX_ACTION_LENGTH), ("cData", MAX_C_DATA_LENGTH)] {
        solve(&[(name, Some(text(&"a".repeat(longest))))]).unwrap();
        assert_eq!(refused(&[(name, Some(text(&"a".repeat(longest + 1))))]).0, name);
    }
}

#[test]
fn a_task_shows_its_type_and_no_other_field() {
    let debug = format!("{:?}", solve(&[("action", Some(text("log-in")))]).unwrap().task);
    assert!(debug.contains("CloudFlareTurnstileTask") && !debug.contains("log-in"), "{debug}");
}

#[test]
fn every_integer_of_javascript_is_an_id() {
    assert_eq!(crate::provider::MAX_SAFE_INTEGER, 9_007_199_254_740_991);
    let id = |id: f64| {
        let given = [("provider", text("custom")), ("clientKey", text(KEY)), ("baseURL", text("https://a.example"))];
        let given = given.into_iter().chain([("taskId", RawOption::Number(id))]);
        WaitForTaskRequest::parse(given.map(|(name, value)| (name.to_owned(), value)).collect())
    };
    assert_eq!(id(9_007_199_254_740_991.0).unwrap().task_id, TaskId::Number(9_007_199_254_740_991));
    assert!(id(9_007_199_254_740_992.0).is_err());
    assert_eq!(id(0.0).unwrap().task_id, TaskId::Number(0));
}

#[test]
fn a_task_id_is_bounded() {
    let parse = |length: usize| {
        let given = [("provider", text("ezcaptcha")), ("clientKey", text(KEY)), ("taskId", text(&"i".repeat(length)))];
        GetTaskResultRequest::parse(given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    };
    assert!(parse(MAX_TASK_ID_LENGTH).is_ok());
    assert!(parse(MAX_TASK_ID_LENGTH + 1).unwrap_err().to_string().contains("longer than 1024 bytes"));
}

#[test]
fn a_proxy_is_bounded() {
    let proxy = |length: usize| {
        let start = "http://user:pass@proxy.example.com:80";
        format!("http://user:{}@proxy.example.com:80", "p".repeat(4 + length - start.len()))
    };
    assert_eq!(proxy(proxy::MAX_LENGTH).len(), proxy::MAX_LENGTH);
    solve(&[("proxy", Some(text(&proxy(proxy::MAX_LENGTH))))]).unwrap();
    assert_eq!(refused(&[("proxy", Some(text(&proxy(proxy::MAX_LENGTH + 1))))]).1, "is longer than 1024 characters");
}

#[test]
fn a_proxy_has_a_host_without_separators() {
    for host in ["", "a b", "a\tb", "a/b", "a?b", "a#b"] {
        let proxy = format!("http://user:hunter2@{host}:80");
        assert_eq!(refused(&[("proxy", Some(text(&proxy)))]).0, "proxy", "{host:?}");
    }
}

#[test]
fn credentials_of_a_proxy_are_secrets_however_its_fields_are_called_and_nested() {
    for fields in [
        r#"{"proxy":"u1234:hunter2secret@203.0.113.7:80"}"#,
        r#"{"proxy":"203.0.113.7:80:u1234:hunter2secret"}"#,
        r#"{"proxy":{"type":"http","login":"u1234","password":"hunter2secret"}}"#,
        r#"{"metadata":{"proxyPassword":"hunter2secret","proxyType":"http"}}"#,
        r#"{"proxies":[{"proxy":{"pass":"hunter2secret"}}]}"#,
        r#"{"proxy_password":"hunter2secret"}"#,
        r#"{"proxy-password":"hunter2secret"}"#,
        r#"{"proxyAuth":"u1234:hunter2secret"}"#,
        r#"{"httpProxy":"http://u1234:hunter2secret@203.0.113.7:80"}"#,
    ] {
        let request = solve(&[("extraTaskFields", Some(RawOption::Object(fields.into())))]).unwrap();
        let redact = |text: &str| request.account.secrets.redact(text.to_owned());
        assert!(!redact("login failed with hunter2secret").contains("hunter2secret"), "{fields}");
        assert_eq!(redact("http 203.0.113.7 80"), "http 203.0.113.7 80", "{fields}");
    }
    let number = r#"{"proxyPassword":123456789,"proxyPort":8080}"#;
    let request = solve(&[("extraTaskFields", Some(RawOption::Object(number.into())))]).unwrap();
    assert_eq!(request.account.secrets.redact("8080 123456789".into()), "8080 [proxy password]");
}

#[test]
fn a_label_is_no_secret_of_the_proxy() {
    let proxy = ("proxy", Some(text("http://user:hunter2secret@proxy.example.com:80")));
    let (option, problem) = refused(&[proxy, ("label", Some(text("hunter2secret")))]);
    assert_eq!(option, "label");
    assert!(!problem.contains("hunter2secret"), "{problem}");
}

#[test]
fn a_proxy_in_place_of_a_name_is_not_repeated() {
    for name in
        ["user:hunter2@h:80", "h:80:user:hunter2", r"http:\\user:hunter2@h", "http://user:pa#hunter2@h", "a/hunter2"]
    {
        let error = solve(&[(name, Some(text("x")))]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
}
