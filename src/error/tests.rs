use super::*;

fn provider_error(status: u16, error_code: &str, error_description: &str) -> RequestError {
    RequestError::Provider(Box::new(ProviderError {
        error_description: error_description.into(),
        ..ProviderError::new(status, error_code.into(), Reason::of(error_code))
    }))
}

fn unusable(raw: &str) -> RequestError {
    let problem = "the task is ready but its solution has no token";
    RequestError::Solution(Box::new(UnusableSolution { status: 202, problem, raw: raw.into() }))
}

fn field_errors(errors: &[(&str, &str)]) -> RequestError {
    let RequestError::Provider(mut error) = provider_error(400, "ERROR_REQUEST_PARAMETERS", "") else { unreachable!() };
    error.field_errors = errors.iter().map(|(path, problem)| (path.to_string(), problem.to_string())).collect();
    error.request_id = Some("req-secret".into());
    RequestError::Provider(error)
}

fn http(status: u16, excerpt: &str) -> RequestError {
    RequestError::Http { status, excerpt: excerpt.into() }
}

fn detail() -> String {
    "connection reset".into()
}

/// An error, its code, status and detail, and its text.
type Row = (RequestError, &'static str, Option<u16>, Option<&'static str>, &'static str);

/// One of each variant, and what is said of it.
#[test]
fn each_request_error_has_its_code_status_detail_and_text() {
    let problem = || "the reply is empty".to_owned();
    let table: [Row; 16] = [
        (
            RequestError::Connect { detail: detail() },
            "CONNECTION_FAILED",
            None,
            Some("connection reset"),
            "connection reset",
        ),
        (
            RequestError::Configuration { detail: "no usable proxy".into() },
            "CONNECTION_FAILED",
            None,
            Some("no usable proxy"),
            "no usable proxy",
        ),
        (
            RequestError::NotProcessed { detail: detail() },
            "CONNECTION_FAILED",
            None,
            Some("connection reset"),
            "connection reset",
        ),
        (
            RequestError::Certificate { detail: detail() },
            "CONNECTION_FAILED",
            None,
            Some("connection reset"),
            "connection reset",
        ),
        (
            RequestError::Interrupted { detail: detail() },
            "CONNECTION_FAILED",
            None,
            Some("connection reset"),
            "connection reset",
        ),
        (http(502, ""), "HTTP_ERROR", Some(502), None, "HTTP 502 with an empty body"),
        (
            http(404, "<html> not found"),
            "HTTP_ERROR",
            Some(404),
            None,
            "HTTP 404 without an answer of the task API: <html> not found",
        ),
        (
            http(302, "<html> moved"),
            "HTTP_ERROR",
            Some(302),
            None,
            "HTTP 302, a redirect, which is never followed since the key travels in the body",
        ),
        (
            RequestError::Decode { status: 200, problem: problem() },
            "INVALID_RESPONSE",
            Some(200),
            None,
            "the reply is empty (HTTP 200)",
        ),
        (
            RequestError::Protocol { status: 201, problem: problem() },
            "INVALID_RESPONSE",
            Some(201),
            None,
            "the reply is empty (HTTP 201)",
        ),
        (
            unusable(r#"{"value":1}"#),
            "INVALID_RESPONSE",
            Some(202),
            None,
            r#"the task is ready but its solution has no token (HTTP 202): {"value":1}"#,
        ),
        (
            field_errors(&[("task.websiteKey", "Must not be blank"), ("task.type", "unknown")]),
            "PROVIDER_ERROR",
            Some(400),
            None,
            "ERROR_REQUEST_PARAMETERS; task.type: unknown; task.websiteKey: Must not be blank",
        ),
        (
            provider_error(500, "ERROR_ZERO_BALANCE", "no points left"),
            "PROVIDER_ERROR",
            Some(500),
            None,
            "ERROR_ZERO_BALANCE (no points left)",
        ),
        (provider_error(200, "ERROR_X", ""), "PROVIDER_ERROR", Some(200), None, "ERROR_X"),
        (provider_error(200, "", ""), "PROVIDER_ERROR", Some(200), None, "errorId 1"),
        (provider_error(200, "", "no points left"), "PROVIDER_ERROR", Some(200), None, "errorId 1 (no points left)"),
    ];
    for (error, code, status, detail, text) in table {
        assert_eq!((error.code(), error.status(), error.detail()), (code, status, detail), "{error:?}");
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn redirects_are_the_statuses_from_300_to_399() {
    for (status, redirect) in [(299, false), (300, true), (399, true), (400, false)] {
        assert_eq!(http(status, "").to_string().contains("a redirect"), redirect, "{status}");
    }
}

#[test]
fn a_long_text_is_cut_where_it_is_shown() {
    let long = "x".repeat(1000);
    let shown = |error: RequestError| error.to_string().matches('x').count();
    assert_eq!(shown(http(404, &long)), 120);
    assert_eq!(shown(RequestError::Decode { status: 200, problem: long.clone() }), 200);
    assert_eq!(shown(RequestError::Protocol { status: 200, problem: long.clone() }), 200);
    assert_eq!(shown(provider_error(200, &long, "")), 100);
    assert_eq!(shown(provider_error(200, "E", &long)), 300);
    assert_eq!(shown(unusable(&long)), 120);
    assert_eq!(shown(RequestError::Connect { detail: long.clone() }), 300);
    assert_eq!(shown(RequestError::Configuration { detail: long.clone() }), 300);
    assert_eq!(shown(RequestError::NotProcessed { detail: long.clone() }), 300);
    assert_eq!(shown(RequestError::Certificate { detail: long.clone() }), 300);
    assert_eq!(shown(RequestError::Interrupted { detail: long.clone() }), 300);
    assert_eq!(shown(field_errors(&[(&long, &long)])), 200);
    let many: Vec<_> = ["a", "b", "c", "d", "e", "f", "g"].map(|path| (path, "x")).into();
    assert_eq!(shown(field_errors(&many)), 5);
}

#[test]
fn what_may_have_been_accepted_is_what_may_have_reached_the_provider() {
    let text = detail;
    let table: [(RequestError, bool); 10] = [
        (RequestError::Connect { detail: text() }, false),
        (RequestError::Configuration { detail: text() }, false),
        (RequestError::NotProcessed { detail: text() }, false),
        (RequestError::Certificate { detail: text() }, false),
        (RequestError::Interrupted { detail: text() }, true),
        (RequestError::Decode { status: 200, problem: text() }, true),
        (RequestError::Protocol { status: 200, problem: text() }, true),
        (unusable("null"), true),
        (provider_error(200, "ERROR_ZERO_BALANCE", ""), false),
        (provider_error(502, "ERROR_NEVER_SEEN", ""), false),
    ];
    for (error, accepted) in table {
        assert_eq!(error.may_have_been_accepted(), accepted, "{error:?}");
    }
    let accepted = |status: u16| http(status, "").may_have_been_accepted();
    assert!([100, 101, 199, 301, 302, 303, 408, 500, 502, 504, 599].into_iter().all(accepted));
    assert!(![300, 304, 307, 308, 400, 401, 403, 404, 407, 409, 429, 499].into_iter().any(accepted));
}

#[test]
fn every_text_from_outside_is_redacted() {
    let redact = |text: String| text.replace("secret", "[clientKey]");
    let secret = || "a secret here".to_owned();
    let clean = || "a [clientKey] here".to_owned();
    let table = [
        (RequestError::Connect { detail: secret() }, RequestError::Connect { detail: clean() }),
        (RequestError::Configuration { detail: secret() }, RequestError::Configuration { detail: clean() }),
        (RequestError::NotProcessed { detail: secret() }, RequestError::NotProcessed { detail: clean() }),
        (RequestError::Certificate { detail: secret() }, RequestError::Certificate { detail: clean() }),
        (RequestError::Interrupted { detail: secret() }, RequestError::Interrupted { detail: clean() }),
        (http(404, &secret()), http(404, &clean())),
        (
            RequestError::Decode { status: 200, problem: secret() },
            RequestError::Decode { status: 200, problem: clean() },
        ),
        (
            RequestError::Protocol { status: 200, problem: secret() },
            RequestError::Protocol { status: 200, problem: clean() },
        ),
        (provider_error(401, &secret(), &secret()), provider_error(401, &clean(), &clean())),
        (unusable(r#"{"value":"a secret"}"#), unusable(r#"{"value":"a [clientKey]"}"#)),
    ];
    for (error, redacted) in table {
        assert_eq!(error.redact(redact), redacted);
    }
    match field_errors(&[("secret", "a secret")]).redact(redact) {
        RequestError::Provider(error) => {
            assert_eq!(error.request_id.as_deref(), Some("req-[clientKey]"));
            let errors: Vec<_> = error.field_errors.into_iter().collect();
            assert_eq!(errors, [("[clientKey]".to_owned(), "a [clientKey]".to_owned())]);
        }
        other => panic!("{other:?}"),
    }
}

/// A name in place of a secret may break the JSON around it.
#[test]
fn a_solution_that_is_no_json_once_it_is_redacted_is_left_out() {
    let redact = |text: String| text.replace("12345", "[clientKey]");
    assert_eq!(unusable(r#"{"value":12345}"#).redact(redact), unusable("null"));
    assert_eq!(unusable(r#"{"value":"12345"}"#).redact(redact), unusable(r#"{"value":"[clientKey]"}"#));
}

/// The end of a reply that was cut may be the beginning of a secret.
#[test]
fn a_reply_is_quoted_in_part_and_without_the_end_at_which_it_was_cut() {
    let quoted = |text: String| match http(502, &text).redact(|text| text.replace(&"s".repeat(8192), "[clientKey]")) {
        RequestError::Http { excerpt, .. } => excerpt,
        other => panic!("{other:?}"),
    };
    assert_eq!(quoted("a\n  b\u{1}".into()), "a b\u{fffd}");
    assert_eq!(quoted("x".repeat(MAX_SEARCHED - 1)), "x".repeat(1000));
    assert_eq!(quoted("x".repeat(MAX_SEARCHED)), "x".repeat(1000));
    assert_eq!(quoted("s".repeat(MAX_SEARCHED)), "…", "all that is left may be of a third");
    assert_eq!(quoted(format!("{}{}", "x".repeat(8193), "s".repeat(8191))), "x".repeat(1000));
    let end = quoted(format!("{}x{}", "s".repeat(8192), "s".repeat(8191)));
    assert!(!end.contains('s'), "{end}");
    let short = quoted(format!("{}{}", "s".repeat(8192), "y".repeat(100)));
    assert_eq!(short, format!("[clientKey]{}", "y".repeat(100)), "what was not cut is kept to its end");
}

fn error(kind: ErrorKind, task_id: Option<&str>, may_be_charged: bool) -> Error {
    let task_id = task_id.map(Into::into);
    Error { kind, provider: Some("yescaptcha"), label: None, task_id, may_be_charged, cause: None }
}

fn timeout(polls: u32) -> ErrorKind {
    ErrorKind::Timeout { timeout: Duration::from_secs(30), elapsed: Duration::from_secs(30), polls }
}

fn failed(error: RequestError) -> ErrorKind {
    ErrorKind::Request { call: "createTask", error }
}

#[test]
fn each_error_has_its_code_its_text_and_the_advice_that_is_true_of_it() {
    let paid = "the task is paid for: waitForTask with this taskId can still fetch its token";
    let table = [
        (
            error(timeout(0), None, false),
            "TIMEOUT",
            "no answer within timeoutMs (30000 ms, 0 polls) [yescaptcha]".into(),
        ),
        (
            error(timeout(0), None, true),
            "TIMEOUT",
            "no answer within timeoutMs (30000 ms, 0 polls) [yescaptcha]; \
             the task may have been created and charged all the same"
                .to_owned(),
        ),
        (
            error(timeout(1), Some("t1"), true),
            "TIMEOUT",
            format!("no answer within timeoutMs (30000 ms, 1 poll) [yescaptcha, task t1]; {paid}"),
        ),
        (
            error(timeout(2), Some("t1"), true),
            "TIMEOUT",
            format!("no answer within timeoutMs (30000 ms, 2 polls) [yescaptcha, task t1]; {paid}"),
        ),
        (
            Error {
                cause: Some(Box::new(RequestError::Connect { detail: "connection refused by 127.0.0.1:1".into() })),
                ..error(timeout(2), Some("t1"), true)
            },
            "TIMEOUT",
            format!(
                "no answer within timeoutMs (30000 ms, 2 polls); the last request failed: connection refused by \
                 127.0.0.1:1 [yescaptcha, task t1]; {paid}"
            ),
        ),
        (error(ErrorKind::Aborted, None, false), "ABORT_ERR", "aborted by the signal [yescaptcha]".into()),
        (
            error(ErrorKind::Aborted, None, true),
            "ABORT_ERR",
            "aborted by the signal [yescaptcha]; the task may have been created and charged all the same".into(),
        ),
        (
            error(ErrorKind::Aborted, Some("t1"), true),
            "ABORT_ERR",
            format!("aborted by the signal [yescaptcha, task t1]; {paid}"),
        ),
        (
            error(failed(RequestError::Connect { detail: detail() }), None, false),
            "CONNECTION_FAILED",
            "createTask failed: connection reset [yescaptcha]".into(),
        ),
        (
            error(failed(RequestError::Interrupted { detail: detail() }), None, true),
            "CONNECTION_FAILED",
            "createTask failed: connection reset [yescaptcha]; \
             the task may have been created and charged all the same"
                .into(),
        ),
        (
            error(failed(http(404, "")), Some("t1"), true),
            "HTTP_ERROR",
            "createTask failed: HTTP 404 with an empty body [yescaptcha, task t1]; \
             waitForTask with this taskId can still fetch the token"
                .into(),
        ),
        (
            error(failed(unusable("null")), Some("t1"), true),
            "INVALID_RESPONSE",
            "createTask failed: the task is ready but its solution has no token (HTTP 202): null [yescaptcha, task t1]"
                .into(),
        ),
        (
            error(failed(http(404, "")), Some("t1"), false),
            "HTTP_ERROR",
            "createTask failed: HTTP 404 with an empty body [yescaptcha, task t1]".into(),
        ),
        (
            error(failed(RequestError::Decode { status: 200, problem: "the reply is empty".into() }), None, true),
            "INVALID_RESPONSE",
            "createTask failed: the reply is empty (HTTP 200) [yescaptcha]; \
             the task may have been created and charged all the same"
                .into(),
        ),
    ];
    for (error, code, text) in table {
        assert_eq!((error.code(), error.to_string()), (code, text), "{error:?}");
    }
}

/// A refusal's advice is that of its reason, whatever is known of a task.
#[test]
fn a_refusal_has_the_advice_of_its_reason() {
    for code in [
        "ERROR_ZERO_BALANCE",
        "ERROR_REQUEST_BANNED",
        "ERROR_NO_SLOT_AVAILABLE",
        "ERROR_TASK_NOT_SUPPORTED",
        "ERROR_CAPTCHA_UNSOLVABLE",
        "ERROR_TASKID_INVALID",
        "ERROR_PROXY_X",
        "ERROR_NEVER_SEEN",
    ] {
        for (task_id, context) in [(None, "yescaptcha"), (Some("t1"), "yescaptcha, task t1")] {
            let failure = error(failed(provider_error(200, code, "")), task_id, true);
            let advice = Reason::of(code).advice().map(|advice| format!("; {advice}")).unwrap_or_default();
            assert_eq!(failure.to_string(), format!("createTask failed: {code} [{context}]{advice}"));
            assert_eq!(failure.code(), "PROVIDER_ERROR");
        }
    }
}

#[test]
fn a_refused_option_is_named_and_costs_nothing() {
    let refused = Error::invalid_option("timeoutMs", "must be a whole number");
    assert_eq!((refused.code(), refused.to_string()), ("INVALID_OPTIONS", "timeoutMs: must be a whole number".into()));
    assert!(!refused.may_be_charged && refused.provider.is_none() && refused.task_id.is_none());
    assert!(matches!(&refused.kind, ErrorKind::InvalidOptions(bad) if bad.thrown.is_none()));
    // What else the caller gave right is no part of the text, but for a task that they can go on with.
    let named = Error { provider: Some("yescaptcha"), ..Error::invalid_option("timeoutMs", "is empty") };
    assert_eq!(named.to_string(), "timeoutMs: is empty");
    let of_task = Error { task_id: Some("t1".into()), ..named };
    assert_eq!(of_task.to_string(), "timeoutMs: is empty [yescaptcha, task t1]");
    let nowhere = Error { provider: None, ..error(ErrorKind::Aborted, Some("t1"), false) };
    assert!(nowhere.to_string().starts_with("aborted by the signal; "));
}

#[test]
fn every_text_about_a_refused_option_is_redacted() {
    let redact = |text: String| text.replace("secret", "[clientKey]");
    let refused = Error::refused_option("secret".into(), "a secret".into(), Some("thrown secret".into()));
    match refused.redact_option(redact).kind {
        ErrorKind::InvalidOptions(bad) => {
            let InvalidOption { option, problem, thrown } = *bad;
            assert_eq!((option.as_str(), problem.as_str()), ("[clientKey]", "a [clientKey]"));
            assert_eq!(thrown.as_deref(), Some("thrown [clientKey]"));
        }
        other => panic!("{other:?}"),
    }
    let other = error(timeout(1), Some("secret"), true).redact_option(redact);
    assert_eq!(other.task_id.as_deref(), Some("secret"), "an error of another kind is left as it is");
    let unreadable = Error::unreadable_option("extra", "Error: no".into());
    assert_eq!(unreadable.to_string(), "extra: could not be read");
    assert!(matches!(&unreadable.kind, ErrorKind::InvalidOptions(bad) if bad.thrown.as_deref() == Some("Error: no")));
}
