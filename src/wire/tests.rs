mod oddities;
mod properties;

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::{
    provider::Reason,
    retry::{Retry, retry_policy},
};

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
        "createTask" => created(status, body).and_then(|created| match created {
            Created::Pending(id) | Created::Ready { id: Some(id), .. } => Ok(json!({ "taskId": id.to_string() })),
            // The call itself can do nothing with it.
            Created::Ready { id: None, .. } => Err(RequestError::Protocol { status, problem: "no taskId".into() }),
        }),
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

/// The id of a task that has to be polled for.
fn task_id(status: u16, body: &[u8]) -> Result<TaskId, RequestError> {
    match created(status, body)? {
        Created::Pending(id) => Ok(id),
        ready => panic!("{ready:?}"),
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
    let mut wrong = Vec::new();
    for fixture in fixtures {
        let outcome = read(&fixture.call, fixture.status, fixture.body.as_bytes());
        let got = outcome.as_ref().map_or_else(described, Clone::clone);
        if !same(&got, &fixture.expect) {
            wrong.push(format!("{}: {got}, not {}", fixture.name, fixture.expect));
        }
        if let (Err(fault), Some(transient)) = (outcome, fixture.transient) {
            // What would be repeated as a poll.
            let method = if fixture.call == "getBalance" { Method::GetBalance } else { Method::GetTaskResult };
            let retry = retry_policy(method, &fault);
            if (retry == Retry::UntilDeadline) != transient {
                wrong.push(format!("{}: {retry:?}", fixture.name));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.join(
            "
"
        )
    );
}

fn processing(body: &str) -> bool {
    matches!(task_status(200, body.as_bytes()), Ok(TaskStatus::Processing))
}

fn ready(body: &[u8]) -> ProviderSolution {
    match task_status(200, body) {
        Ok(TaskStatus::Ready(solution)) => solution,
        other => panic!("{} came to {other:?}", String::from_utf8_lossy(body)),
    }
}

fn reason_of(result: Result<impl std::fmt::Debug, RequestError>) -> Reason {
    match result {
        Err(RequestError::Provider(error)) => error.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bytes_that_are_not_utf8_cost_nothing_beside_them() {
    let refusal = b"{\"errorId\":1,\"errorCode\":\"ERROR_ZERO_BALANCE\",\"errorDescription\":\"\xd3\xe0\xb6\xee\"}";
    assert_eq!(reason_of(created(200, refusal)), Reason::Account);
    let solved =
        b"{\"errorId\":0,\"status\":\"ready\",\"note\":\"\xff\xfe\",\"solution\":{\"token\":\"0.t\",\"x\":\"\xe9\"}}";
    assert_eq!(ready(solved).token, "0.t");
}

#[test]
fn the_other_words_and_codes_for_a_task_in_progress_are_known() {
    for status in ["processing", "idle", "pending", "queued", "PROCESSING", " Pending "] {
        assert!(processing(&json!({ "errorId": 0, "status": status }).to_string()), "{status}");
        assert!(processing(&json!({ "status": status }).to_string()), "{status} without an errorId");
    }
    for code in ["CAPTCHA_NOT_READY", "ERROR_CAPTCHA_NOT_READY", "CAPCHA_NOT_READY"] {
        assert!(processing(&json!({ "errorId": 1, "errorCode": code }).to_string()), "{code}");
        assert!(processing(&json!({ "errorCode": code }).to_string()), "{code} without an errorId");
    }
}

#[test]
fn no_oddity_beside_a_token_costs_it() {
    for (body, token) in [
        (r#"{"errorId":0,"status":"READY","solution":{"token":"0.t"}}"#, "0.t"),
        (r#"{"errorId":0,"solution":{"token":"0.t"}}"#, "0.t"),
        (r#"{"status":"ready","solution":{"token":"0.t"}}"#, "0.t"),
        (r#"{"errorId":0,"status":"success","solution":{"token":"0.t"}}"#, "0.t"),
        (r#"{"errorId":"0","status":"ready","solution":{"token":"0.t"}}"#, "0.t"),
        (r#"{"errorId":0.0,"status":"ready","solution":{"token":"0.t"}}"#, "0.t"),
        (r#"{"errorId":"","status":"ready","solution":{"token":"0.t"}}"#, "0.t"),
        (r#"{"errorId":0,"status":"ready","solution":{"token":" 0.t\n"}}"#, "0.t"),
        (r#"{"errorId":0,"status":"ready","solution":{"token":"\u200b0.t\ufeff"}}"#, "0.t"),
        (r#"{"errorId":0,"status":"ready","solution":{"token":"","gRecaptchaResponse":"0.g"}}"#, "0.g"),
        (r#"{"errorId":0,"status":"ready","cost":NaN,"solution":{"token":"0.NaN","x":-Infinity}}"#, "0.NaN"),
        ("\u{feff}{\"errorId\":0,\"status\":\"ready\",\"solution\":{\"token\":\"0.t\"}}", "0.t"),
        (r#"{"errorId":0,"status":"ready","errorDescription":"\ud800","solution":{"token":"0.t"}}"#, "0.t"),
    ] {
        assert_eq!(ready(body.as_bytes()).token, token, "{body}");
    }
    for name in ["userAgent", "user_agent", "useragent"] {
        let body = format!(r#"{{"errorId":0,"status":"ready","solution":{{"token":"0.t","{name}":"UA"}}}}"#);
        assert_eq!(ready(body.as_bytes()).user_agent.as_deref(), Some("UA"), "{name}");
    }
}

#[test]
fn a_task_that_failed_is_unsolvable_unless_its_code_says_more() {
    for (code, reason) in [
        ("", Reason::Unsolvable),
        ("ERROR_THAT_IS_NEW", Reason::Unsolvable),
        ("ERROR_CAPTCHA_UNSOLVABLE", Reason::Unsolvable),
        ("ERROR_PROXY_BANNED", Reason::Proxy),
        ("ERROR_TASKID_INVALID", Reason::Expired),
    ] {
        for status in ["failed", "error", "FAILED"] {
            for error_id in [0, 1, 12] {
                let body = json!({ "errorId": error_id, "errorCode": code, "status": status });
                assert_eq!(reason_of(task_status(200, body.to_string().as_bytes())), reason, "{body}");
            }
        }
    }
    // 2captcha sends no status.
    let body = json!({ "errorId": 12, "errorCode": "ERROR_CAPTCHA_UNSOLVABLE" });
    assert_eq!(reason_of(task_status(200, body.to_string().as_bytes())), Reason::Unsolvable);
}

#[test]
fn a_gateways_json_is_no_envelope() {
    for (status, body) in
        [(503, r#"{"status":"error","message":"down"}"#), (500, r#"{"message":"no"}"#), (502, r#"{"status":503}"#)]
    {
        let error = task_status(status, body.as_bytes()).unwrap_err();
        assert_eq!(error.code(), "HTTP_ERROR", "{body}");
        assert_eq!(created(status, body.as_bytes()).unwrap_err().code(), "HTTP_ERROR", "{body}");
    }
    assert_eq!(task_status(200, br#"{"status":"error"}"#).unwrap_err().code(), "INVALID_RESPONSE");
}

#[test]
fn an_error_code_without_an_error_id_is_an_error() {
    let body = br#"{"errorCode":"ERROR_ZERO_BALANCE","errorDescription":"empty","taskId":0}"#;
    assert_eq!(reason_of(created(200, body)), Reason::Account);
    assert_eq!(reason_of(task_status(200, body)), Reason::Account);
    assert_eq!(reason_of(balance(200, body)), Reason::Account);
}

#[test]
fn an_error_id_that_is_no_number_is_not_taken_for_a_missing_one() {
    let thousand_digits = "9".repeat(1000);
    for error_id in ["1e999", &thousand_digits, "[]", "{}", "\"zero\"", "1.5"] {
        for rest in [r#""taskId":"a""#, r#""status":"ready","solution":{"token":"t"}"#] {
            let body = format!(r#"{{"errorId":{error_id},{rest}}}"#);
            assert_eq!(created(200, body.as_bytes()).unwrap_err().code(), "INVALID_RESPONSE", "{body:.60}");
            assert_eq!(task_status(200, body.as_bytes()).unwrap_err().code(), "INVALID_RESPONSE", "{body:.60}");
        }
    }
}

#[test]
fn a_task_id_is_read_however_its_number_is_written() {
    for (written, id) in [
        ("73243152973", "73243152973"),
        ("73243152973.0", "73243152973"),
        ("7.3e10", "73000000000"),
        ("9007199254740993", "9007199254740993"),
        ("\"0.5\"", "0.5"),
    ] {
        let body = format!(r#"{{"errorId":0,"taskId":{written}}}"#);
        assert_eq!(task_id(200, body.as_bytes()).unwrap().to_string(), id, "{written}");
    }
    for written in [
        "0",
        "0.0",
        "\"0\"",
        "1.5",
        "-1",
        "1e30",
        "1e999",
        "\"\u{fffd}\"",
        "\"\\ud800\"",
        "9007199254740993.5",
        "true",
        "null",
        "\" \"",
    ] {
        let body = format!(r#"{{"errorId":0,"taskId":{written}}}"#);
        let error = created(200, body.as_bytes()).unwrap_err();
        assert!(matches!(error, RequestError::Protocol { .. }), "{written}: {error:?}");
    }
    assert_eq!(task_id(200, br#"{"taskId":"a"}"#).unwrap().to_string(), "a", "errorId may be absent");
}

#[test]
fn a_create_task_that_is_ready_delivers_its_token() {
    for (body, has_id) in [
        (r#"{"errorId":0,"status":"ready","taskId":"u","solution":{"token":"t"}}"#, true),
        (r#"{"errorId":0,"status":"ready","solution":{"token":"t"}}"#, false),
        (r#"{"errorId":0,"taskId":"u","solution":{"token":"t"}}"#, true),
    ] {
        match created(200, body.as_bytes()) {
            Ok(Created::Ready { id, solution }) => assert_eq!((id.is_some(), solution.token.as_str()), (has_id, "t")),
            other => panic!("{body} came to {other:?}"),
        }
    }
    for body in [
        r#"{"errorId":0,"status":"idle","taskId":"u","solution":{"token":"t"}}"#,
        r#"{"errorId":0,"status":"ready","taskId":"u","solution":{}}"#,
        r#"{"errorId":0,"status":"ready","taskId":"u"}"#,
    ] {
        assert!(matches!(created(200, body.as_bytes()), Ok(Created::Pending(_))), "{body}");
    }
}

#[test]
fn a_solution_that_cannot_be_read_is_in_the_error() {
    for (solution, raw) in [
        ("\"0.token\"", "\"0.token\""),
        ("[\"0.token\"]", "[\"0.token\"]"),
        (r#"{"value":"0.token"}"#, r#"{"value":"0.token"}"#),
        ("null", r#"{"errorId":0,"status":"ready","solution":null}"#),
    ] {
        let body = format!(r#"{{"errorId":0,"status":"ready","solution":{solution}}}"#);
        match task_status(200, body.as_bytes()) {
            Err(RequestError::Solution(found)) => assert_eq!(found.raw, raw),
            other => panic!("{body} came to {other:?}"),
        }
    }
}

#[test]
fn a_refusal_carries_the_request_and_the_fields_that_were_wrong() {
    let body = br#"{"errorId":1,"errorCode":"ERROR_REQUEST_PARAMETERS","requestId":"req-1","errors":{"task.websiteKey":"Must not be blank","n":1}}"#;
    let Err(RequestError::Provider(error)) = created(400, body) else { panic!() };
    assert_eq!(error.request_id.as_deref(), Some("req-1"));
    assert_eq!(error.field_errors["task.websiteKey"], "Must not be blank");
    let message = RequestError::Provider(error).to_string();
    assert!(message.contains("task.websiteKey: Must not be blank"), "{message}");
}

#[test]
fn what_is_not_json_for_good_is_not_asked_for_again_and_is_shown() {
    for body in [r#"{"errorId":0,"status":NaN}"#, r#"{"errorId":0,"status":Infinity,"solution":null}"#] {
        let error = task_status(200, body.as_bytes()).unwrap_err();
        assert_eq!(retry_policy(Method::GetTaskResult, &error), Retry::Never);
        assert!(error.to_string().contains(body), "{error}");
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
    let body = |beside: &[(&str, u64)]| {
        let beside = beside.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
        create_task_body("k", &task, &Map::from_iter(beside))
    };
    assert_eq!(body(&[]), r#"{"clientKey":"k","task":{"type":"T"}}"#);
    assert_eq!(body(&[("softID", 7)]), r#"{"clientKey":"k","task":{"type":"T"},"softID":7}"#);
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

/// In lower case a key in it could not be found any more.
#[test]
fn an_unknown_status_is_quoted_as_it_came() {
    let body = json!({ "errorId": 0, "status": " ReadyOrNot" }).to_string();
    match task_status(200, body.as_bytes()) {
        Err(RequestError::Protocol { problem, .. }) => assert_eq!(problem, "unknown task status 'ReadyOrNot'"),
        other => panic!("{other:?}"),
    }
    for (word, pending) in [(" Processing ", true), ("IDLE", true), ("Pending\n", true), ("processin", false)] {
        let body = json!({ "errorId": 0, "status": word }).to_string();
        let processing = matches!(task_status(200, body.as_bytes()), Ok(TaskStatus::Processing));
        assert_eq!(processing, pending, "{word}");
    }
}
