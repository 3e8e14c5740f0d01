//! The id of a task, as createTask returned it or as it came back from an error.

use super::given::{Given, MOST_EXACT_INTEGER, is_whole, wrong_type};
use crate::{error::Error, wire::TaskId};

pub fn task_id_of(given: &Given) -> Result<TaskId, Error> {
    match given {
        Given::Text(id) if id.trim().is_empty() => Err(Error::invalid_option("taskId", "is empty")),
        Given::Text(id) => Ok(restored_task_id(id)),
        Given::Number(id) if is_whole(*id, 0, MOST_EXACT_INTEGER) => Ok(TaskId::Number(*id as u64)),
        other => Err(wrong_type("taskId", "a task id as createTask returned it", other.clone())),
    }
}

/// Relatives of the protocol use integers, and none is known to use digits as text: so digits go back as an integer.
fn restored_task_id(id: &str) -> TaskId {
    match id.parse::<u64>() {
        Ok(number) if number.to_string() == id => TaskId::Number(number),
        _ => TaskId::Text(id.into()),
    }
}
