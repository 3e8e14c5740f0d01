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
        assert!(rows.iter().any(|row| row.code == *code), "{code}");
    }
}

#[test]
fn every_provider_is_found_by_its_name() {
    for provider in PROVIDERS {
        assert!(std::ptr::eq(Provider::named(provider.name).unwrap(), provider));
    }
    assert!(Provider::named("Ezcaptcha").is_none());
}
