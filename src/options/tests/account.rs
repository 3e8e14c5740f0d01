//! The options that every call has.

use super::*;

#[test]
fn a_base_url_keeps_its_path_as_a_prefix() {
    for (given, create_task) in [
        ("https://example.com", "https://example.com/createTask"),
        ("https://example.com/", "https://example.com/createTask"),
        ("https://example.com/a/b", "https://example.com/a/b/createTask"),
        ("https://example.com/a/b/", "https://example.com/a/b/createTask"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x/createTask"),
        ("http://[::1]:8080", "http://[::1]:8080/createTask"),
        ("http://localhost:8080", "http://localhost:8080/createTask"),
    ] {
        let request = solve(&[("baseURL", Some(text(given)))]).unwrap();
        assert_eq!(request.account.base_url.join("createTask").unwrap().as_str(), create_task);
    }
}

#[test]
fn a_base_url_that_would_give_the_key_away_is_refused() {
    for given in [
        "http://example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "https://user:password@example.com",
        "https://user@example.com",
        "https://:password@example.com",
        "https://example.com/?key=1",
        "https://example.com/#x",
        "example.com",
        "",
    ] {
        assert_eq!(refused(&[("baseURL", Some(text(given)))]).0, "baseURL", "{given}");
    }
    assert!(refused(&[("baseURL", Some(text("http://example.com")))]).1.contains("the key would travel in the clear"));
}

#[test]
fn a_label_is_short_and_printable_and_not_the_key() {
    let long = "x".repeat(64);
    for label in ["main", "EU 2: bücher, 漢字", &long] {
        let request = solve(&[("label", Some(text(label)))]).unwrap();
        assert_eq!(request.account.label.as_deref(), Some(label));
        let error = solve(&[("label", Some(text(label))), ("timeoutMs", Some(text("soon")))]).unwrap_err();
        assert_eq!(error.label.as_deref(), Some(label), "an error names the account");
    }
    assert_eq!(solve(&[]).unwrap().account.label, None);
    for bad in ["", "  ", "a\nb", "a\u{200b}", "\u{202e}a", &"x".repeat(65), KEY, &format!("my {KEY}")] {
        let error = solve(&[("label", Some(text(bad)))]).unwrap_err();
        assert!(error.to_string().starts_with("label: "), "{error}");
        assert!(error.label.is_none() && !format!("{error:?}").contains(KEY), "{error:?}");
    }
    assert_eq!(refused(&[("label", Some(RawOption::Number(1.0)))]).0, "label");
}

#[test]
fn a_key_is_bounded_and_printable() {
    let key = |key: &str| ("clientKey", Some(text(key)));
    solve(&[key(&"k".repeat(MAX_KEY_LENGTH))]).unwrap();
    for bad in [&"k".repeat(MAX_KEY_LENGTH + 1), "a b", "a\n", "clé", "\u{200b}key"] {
        assert_eq!(refused(&[key(bad)]).0, "clientKey", "{bad}");
    }
}

#[test]
fn a_base_url_is_bounded() {
    let url = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
    solve(&[("baseURL", Some(text(&url(2048))))]).unwrap();
    assert_eq!(refused(&[("baseURL", Some(text(&url(2049))))]).1, "is longer than 2048 characters");
}

#[test]
fn an_account_is_at_the_host_and_port_of_its_base_url() {
    let host_id = |url: &str| solve(&[("baseURL", Some(text(url)))]).unwrap().account.host_id();
    assert_eq!(host_id("https://a.example/x"), ("a.example".into(), Some(443)));
    assert_eq!(host_id("https://a.example:8443"), ("a.example".into(), Some(8443)));
    assert_eq!(host_id("http://127.0.0.1"), ("127.0.0.1".into(), Some(80)));
}

#[test]
fn an_unknown_provider_is_shown_the_known_ones_and_the_likeliest() {
    let names: Vec<_> = PROVIDERS.iter().map(|provider| provider.name).collect();
    let (last, first) = names.split_last().unwrap();
    let list = format!("'{}' or '{last}'", first.join("', '"));
    assert_eq!(refused(&[("provider", Some(text("nopecha")))]).1, format!("must be {list}"));
    let (option, problem) = refused(&[("provider", Some(text("yescapcha")))]);
    assert_eq!((option.as_str(), problem), ("provider", format!("must be {list}; did you mean 'yescaptcha'?")));
}

#[test]
fn names_are_listed_as_in_a_sentence() {
    assert_eq!(one_of(&[]), "");
    assert_eq!(one_of(&["a"]), "'a'");
    assert_eq!(one_of(&["a", "b"]), "'a' or 'b'");
    assert_eq!(one_of(&["a", "b", "c"]), "'a', 'b' or 'c'");
}

#[test]
fn an_error_takes_its_provider_and_task_from_their_own_options_alone() {
    let given = [("websiteKey", "yescaptcha"), ("provider", "ezcaptcha"), ("clientKey", KEY), ("taskId", "an-id")];
    let given = || given.iter().map(|(name, value)| ((*name).to_owned(), text(value)));
    let error = SolveRequest::parse(given().collect()).unwrap_err();
    assert_eq!((error.provider, error.task_id), (Some("ezcaptcha"), None), "no option of this call");
    let error = WaitForTaskRequest::parse(given().collect()).unwrap_err();
    assert_eq!(error.task_id.as_deref(), Some("an-id"));
}

#[test]
fn what_is_too_long_to_be_a_secret_is_not_looked_for() {
    let secrets = |name: &str, value: &str| secrets_of(&vec![(name.to_owned(), text(value))]);
    for (name, prefix, longest) in [("clientKey", "", MAX_SECRET_LENGTH), ("proxy", "http://u:p@", proxy::MAX_LENGTH)] {
        let fits = format!("{prefix}{}", "k".repeat(longest - prefix.len()));
        assert!(secrets(name, &fits).are_in(&fits), "{name}");
        let long = format!("{fits}k");
        assert!(!secrets(name, &long).are_in(&long), "{name}");
    }
}

#[test]
fn what_stays_in_javascript_is_of_the_right_type() {
    for (name, right, expected) in [
        ("signal", RawOption::AbortSignal, "must be an AbortSignal, not a string"),
        ("onProgress", RawOption::Function, "must be a function, not a string"),
    ] {
        solve(&[(name, Some(right))]).unwrap();
        assert_eq!(refused(&[(name, Some(text("x")))]), (name.to_owned(), expected.to_owned()));
    }
    assert_eq!(MAX_TEXT_LENGTH, 1_048_576);
}

#[test]
fn a_request_about_a_task_says_which() {
    let given = || {
        let given = [("provider", "ezcaptcha"), ("clientKey", KEY), ("taskId", "an-id")];
        given.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect()
    };
    let id = TaskId::Text("an-id".into());
    assert_eq!(GetTaskResultRequest::parse(given()).unwrap().task_id(), Some(&id));
    assert_eq!(WaitForTaskRequest::parse(given()).unwrap().task_id(), Some(&id));
    assert_eq!(solve(&[]).unwrap().task_id(), None);
}
