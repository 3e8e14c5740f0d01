use std::ops::Deref;

use serde_json::{Map, Value};
use zeroize::Zeroize;

/// Fields of a request. Some may be secrets, so all are wiped when dropped.
pub struct TaskFields(pub(super) Map<String, Value>);

impl Deref for TaskFields {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for TaskFields {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_task_are_wiped() {
        let mut value = serde_json::json!({ "a": "secret", "b": ["secret", { "c": "secret" }], "d": 1 });
        wipe(&mut value);
        assert_eq!(value, serde_json::json!({ "a": "", "b": ["", { "c": "" }], "d": 1 }));
    }
}
