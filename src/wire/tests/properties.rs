use proptest::prelude::*;

use super::*;

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
        prop_assume!(!PENDING.contains(&word.trim().to_lowercase().as_str()));
        let body = json!({ "errorId": 0, "status": word }).to_string();
        prop_assert!(!matches!(task_status(200, body.as_bytes()), Ok(TaskStatus::Processing)));
    }

    #[test]
    fn nothing_but_error_id_zero_is_success(error_id in any::<i64>(), status in 100..600_u16) {
        let body = json!({ "errorId": error_id, "taskId": "id" }).to_string();
        prop_assert_eq!(task_id(status, body.as_bytes()).is_ok(), error_id == 0);
    }
}
