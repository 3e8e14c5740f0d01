//! Replies that are nearly right, and what keeps each from being taken for another.

use super::*;

fn poll(body: &str) -> Result<TaskStatus, RequestError> {
    task_status(200, body.as_bytes())
}

#[test]
fn a_ready_task_without_error_id_and_without_a_usable_token_has_an_unusable_solution() {
    for solution in [r#"{"x":1}"#, r#"{"token":""}"#, "[1]", "\"t\""] {
        let body = format!(r#"{{"status":"ready","solution":{solution}}}"#);
        match poll(&body) {
            Err(RequestError::Solution(unusable)) => assert_eq!(unusable.raw, solution),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn a_word_and_a_solution_without_a_token_are_no_reply_of_the_api_where_error_id_is_absent() {
    for body in [
        r#"{"status":"ready"}"#,
        r#"{"status":"ready","solution":null}"#,
        r#"{"status":"weird","solution":{"x":1}}"#,
        r#"{"solution":{"x":1}}"#,
    ] {
        assert!(matches!(poll(body), Err(RequestError::Decode { .. })), "{body}: {:?}", poll(body));
    }
}

#[test]
fn a_ready_task_without_a_solution_shows_the_whole_reply() {
    for body in [r#"{"errorId":0,"status":"ready"}"#, r#"{"errorId":0,"status":"ready","solution":null}"#] {
        match poll(body) {
            Err(RequestError::Solution(unusable)) => assert_eq!(unusable.raw, body),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn a_list_is_no_envelope() {
    let list = r#"[0,null,null,null,null,"id",null,null,null]"#;
    assert!(matches!(created(200, list.as_bytes()), Err(RequestError::Decode { .. })));
    assert!(matches!(created(200, format!(" \n{list}").as_bytes()), Err(RequestError::Decode { .. })));
}

#[test]
fn a_blank_status_is_none() {
    for status in ["\"\"", "\" \"", "null", "7"] {
        let body = format!(r#"{{"errorId":0,"taskId":"u","status":{status},"solution":{{"token":"t"}}}}"#);
        assert!(matches!(created(200, body.as_bytes()), Ok(Created::Ready { .. })), "{body}");
        let body = format!(r#"{{"errorId":0,"status":{status}}}"#);
        let problem = poll(&body).unwrap_err().to_string();
        assert!(problem.contains("has no status"), "{problem}");
    }
}

#[test]
fn bare_numbers_are_replaced_outside_of_strings_alone() {
    for (body, token) in [
        (r#"{"errorId":0,"x":NaN,"status":"ready","solution":{"token":"NaN"}}"#, "NaN"),
        (r#"{"errorId":0,"x":NaN,"status":"ready","solution":{"token":"a\"NaN"}}"#, "a\"NaN"),
        (r#"{"errorId":0,"x":-Infinity,"status":"ready","solution":{"token":"\\"},"y":Infinity}"#, "\\"),
        (r#"{"errorId":0,"x":NaN,"status":"ready","solution":{"token":"\\\"NaN"}}"#, "\\\"NaN"),
        ("{\"errorId\":0,\"x\":NaN,\"é\":1,\"status\":\"ready\",\"solution\":{\"token\":\"é\"}}", "é"),
    ] {
        match poll(body) {
            Ok(TaskStatus::Ready(solution)) => assert_eq!(solution.token, token),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn each_body_has_what_its_method_needs_and_no_more() {
    let id = TaskId::Text("id".into());
    assert_eq!(get_balance_body("key"), r#"{"clientKey":"key"}"#);
    assert_eq!(get_task_result_body("key", &id), r#"{"clientKey":"key","taskId":"id"}"#);
}

#[test]
fn an_empty_reply_is_called_so() {
    assert_eq!(created(200, b"").unwrap_err().to_string(), "the reply is empty (HTTP 200)");
    assert_eq!(created(502, b"").unwrap_err().to_string(), "HTTP 502 with an empty body");
}
