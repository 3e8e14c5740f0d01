use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::retry::{Retry, retry_policy};

#[derive(Deserialize)]
struct Fixture {
    name: String,
    call: String,
    status: u16,
    body: String,
    expect: Value,
    #[serde(default)]
    transient: Option<bool>,
}

fn read(call: &str, status: u16, body: &[u8]) -> Result<Value, RequestError> {
    match call {
        "createTask" => task_id(status, body).map(|id| json!({ "taskId": id.to_string() })),
        "getTaskResult" => task_status(status, body).map(|task| match task {
            TaskStatus::Processing => json!({ "status": "processing" }),
            TaskStatus::Ready(answer) => {
                let mut ready = json!({ "status": "ready", "token": answer.token });
                if let Some(user_agent) = answer.user_agent {
                    ready["userAgent"] = user_agent.into();
                }
                if let Some(headers) = answer.headers {
                    ready["headers"] = json!(headers);
                }
                ready
            }
        }),
        "getBalance" => balance(status, body).map(|balance| json!({ "balance": balance.balance })),
        other => panic!("no call {other}"),
    }
}

fn described(fault: &RequestError) -> Value {
    match fault {
        RequestError::Provider(refusal) => json!({
            "code": fault.code(),
            "reason": refusal.reason.name(),
            "errorId": refusal.error_id,
            "errorCode": refusal.error_code,
            "errorDescription": refusal.error_description,
            "status": refusal.status,
        }),
        _ => json!({ "code": fault.code(), "status": fault.status() }),
    }
}

/// Whether a number of the fixture and one read are the same number, however they are spelt.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

#[test]
fn every_shared_fixture_reads_as_expected() {
    let fixtures: Vec<Fixture> =
        serde_json::from_str(include_str!("../../__test__/fixtures/wire/replies.json")).unwrap();
    assert!(fixtures.len() > 60, "{} fixtures", fixtures.len());
    for fixture in fixtures {
        let outcome = read(&fixture.call, fixture.status, fixture.body.as_bytes());
        let got = outcome.as_ref().map_or_else(described, Clone::clone);
        assert!(same(&got, &fixture.expect), "{}: {got}, not {}", fixture.name, fixture.expect);
        if let (Err(fault), Some(transient)) = (outcome, fixture.transient) {
            let retry = retry_policy(Method::GetTaskResult, &fault);
            assert_eq!(retry == Retry::UntilDeadline, transient, "{}", fixture.name);
        }
    }
}

#[test]
fn a_task_id_goes_back_in_the_type_that_it_came_in() {
    for (reply, sent) in [
        (r#"{"errorId":0,"taskId":"61138bb6-19fb-11ec"}"#, r#"{"clientKey":"k","taskId":"61138bb6-19fb-11ec"}"#),
        (r#"{"errorId":0,"taskId":7654321098765}"#, r#"{"clientKey":"k","taskId":7654321098765}"#),
        (r#"{"errorId":0,"taskId":"42"}"#, r#"{"clientKey":"k","taskId":"42"}"#),
    ] {
        let id = task_id(200, reply.as_bytes()).unwrap();
        assert_eq!(get_task_result_body("k", &id), sent);
    }
}

#[test]
fn the_task_stands_beside_the_key_and_the_developer_id() {
    let task = Map::from_iter([("type".to_owned(), json!("T"))]);
    let body = |id| create_task_body("k", &task, id);
    assert_eq!(body(None), r#"{"clientKey":"k","task":{"type":"T"}}"#);
    assert_eq!(body(Some(("softID", 7))), r#"{"clientKey":"k","task":{"type":"T"},"softID":7}"#);
}

#[test]
fn a_body_is_encoded_without_growing() {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, &json!({ "a": ["é", 1] })).unwrap();
    assert_eq!(length.0, json!({ "a": ["é", 1] }).to_string().len());
}

#[test]
fn deep_nesting_is_survived() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}0{}", open.repeat(100_000), close.repeat(100_000));
        assert!(task_id(200, deep.as_bytes()).is_err());
        let solution = format!(r#"{{"errorId":0,"status":"ready","solution":{{"token":"t","deep":{deep}}}}}"#);
        assert!(matches!(task_status(200, solution.as_bytes()), Ok(TaskStatus::Ready(_))));
        let unknown = format!(r#"{{"errorId":0,"status":"processing","unknown":{deep}}}"#);
        assert!(matches!(task_status(200, unknown.as_bytes()), Ok(TaskStatus::Processing)));
    }
}

#[test]
fn an_excerpt_is_one_short_printable_line() {
    assert_eq!(excerpt(b"<html>\r\n  <h1>502\tBad  Gateway"), "<html> <h1>502 Bad Gateway");
    assert_eq!(excerpt(b"\x1b[31mred\x00"), "\u{fffd}[31mred\u{fffd}");
    assert_eq!(excerpt("é".repeat(5000).as_bytes()).chars().count(), 1000);
}

/// Replies near the protocol: the right names with values of any kind.
fn near_protocol() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("0".to_owned()),
        Just("1".to_owned()),
        Just("1.5".to_owned()),
        Just("-1".to_owned()),
        Just("99999999999999999999".to_owned()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just(r#"{"token":"t"}"#.to_owned()),
        Just(r#"{"token":""}"#.to_owned()),
        Just(r#""ready""#.to_owned()),
        Just(r#""processing""#.to_owned()),
        Just(r#""\ud800""#.to_owned()),
        "[a-zA-Z_]{0,12}".prop_map(|text| format!("\"{text}\"")),
    ];
    let name = prop_oneof![
        Just("errorId"),
        Just("errorCode"),
        Just("errorDescription"),
        Just("taskId"),
        Just("status"),
        Just("solution"),
        Just("balance"),
        Just("other"),
    ];
    prop::collection::vec((name, value), 0..8).prop_map(|fields| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(status in 100..600_u16, body in prop::collection::vec(any::<u8>(), 0..300)) {
        for call in ["createTask", "getTaskResult", "getBalance"] {
            let _ = read(call, status, &body);
        }
    }

    #[test]
    fn nothing_near_the_protocol_makes_the_decoder_panic(status in 100..600_u16, body in near_protocol()) {
        for call in ["createTask", "getTaskResult", "getBalance"] {
            let _ = read(call, status, body.as_bytes());
        }
    }

    #[test]
    fn no_unknown_status_makes_it_wait(word in "\\PC{0,20}") {
        prop_assume!(!["processing", "idle"].contains(&word.as_str()));
        let body = json!({ "errorId": 0, "status": word }).to_string();
        prop_assert!(!matches!(task_status(200, body.as_bytes()), Ok(TaskStatus::Processing)));
    }

    #[test]
    fn nothing_but_error_id_zero_is_success(error_id in any::<i64>(), status in 100..600_u16) {
        let body = json!({ "errorId": error_id, "taskId": "id" }).to_string();
        prop_assert_eq!(task_id(status, body.as_bytes()).is_ok(), error_id == 0);
    }
}
