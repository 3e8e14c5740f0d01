use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Row {
    code: String,
    reason: String,
}

#[test]
fn every_code_of_the_shared_table_has_its_reason() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../../__test__/fixtures/wire/error-codes.json")).unwrap();
    assert!(rows.len() > 50, "{} rows", rows.len());
    for Row { code, reason } in rows {
        assert_eq!(Reason::of(&code).name(), reason, "{code}");
    }
}

#[test]
fn every_code_of_the_table_is_in_the_shared_one_too() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../../__test__/fixtures/wire/error-codes.json")).unwrap();
    for code in CODES.iter().flat_map(|(codes, _)| *codes) {
        assert!(rows.iter().any(|row| row.code.trim_start_matches(PREFIX) == *code), "{code}");
    }
}

#[test]
fn every_provider_is_found_by_its_name() {
    for provider in PROVIDERS {
        assert!(std::ptr::eq(Provider::named(provider.name).unwrap(), provider));
    }
    assert!(Provider::named("Ezcaptcha").is_none());
}

#[test]
fn a_code_is_recognized_as_it_is_spelt() {
    for code in ["ERROR_WRONG_CAPTCHA_ID", "WRONG_CAPTCHA_ID", " WRONG_CAPTCHA_ID "] {
        assert_eq!(Reason::of(code), Reason::Expired, "{code}");
    }
    for code in ["ZERO_BALANCE", "error_zero_balance", "ERROR_ERROR_ZERO_BALANCE", ""] {
        assert_eq!(Reason::of(code), Reason::Unknown, "{code}");
    }
}

#[test]
fn not_ready_is_recognized_in_each_spelling() {
    for code in ["CAPTCHA_NOT_READY", "ERROR_CAPTCHA_NOT_READY", "CAPCHA_NOT_READY"] {
        assert!(is_not_ready(code), "{code}");
    }
    assert!(!is_not_ready("ERROR_CAPTCHA_UNSOLVABLE") && !is_not_ready(""));
}

#[test]
fn each_reason_advises_what_is_true_of_it() {
    for (reason, advice) in [
        (Reason::Account, "check the key"),
        (Reason::Banned, "stop sending"),
        (Reason::Request, "correct it"),
        (Reason::Unsolvable, "may cost again"),
        (Reason::Expired, "create a new task"),
        (Reason::Proxy, "the task's proxy"),
    ] {
        assert!(reason.advice().is_some_and(|text| text.contains(advice)), "{reason:?}");
    }
    assert_eq!((Reason::Busy.advice(), Reason::Unknown.advice()), (None, None));
}
