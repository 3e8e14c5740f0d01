//! The id of a task, as createTask returned it or as it came back from an error.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::raw::{RawOption, is_whole, wrong_type};
use crate::{error::Error, provider::MAX_SAFE_INTEGER};

/// An id as the provider spells it: a string nearly everywhere, an integer at some compatible services. It goes back in the
/// type that it came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TaskId {
    Text(Arc<str>),
    Number(u64),
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskId::Text(id) => f.write_str(id),
            TaskId::Number(id) => write!(f, "{id}"),
        }
    }
}

/// In bytes. No provider's id comes near it.
pub const MAX_LENGTH: usize = 1024;

pub fn task_id_of(given: &RawOption) -> Result<TaskId, Error> {
    match given {
        RawOption::Text(id) if id.trim().is_empty() => Err(Error::invalid_option("taskId", "is empty")),
        RawOption::Text(id) if id.len() > MAX_LENGTH => {
            Err(Error::invalid_option("taskId", format!("is longer than {MAX_LENGTH} bytes")))
        }
        RawOption::Text(id) => Ok(restored_task_id(id)),
        RawOption::Number(id) if is_whole(*id, 0, MAX_SAFE_INTEGER) => Ok(TaskId::Number(*id as u64)),
        other => Err(wrong_type("taskId", "a task id as createTask returned it", other.clone())),
    }
}

/// Compatible services use integers, and none is known to use digits as text: so digits go back as an integer.
fn restored_task_id(id: &str) -> TaskId {
    match id.parse::<u64>() {
        Ok(number) if number.to_string() == id => TaskId::Number(number),
        _ => TaskId::Text(id.into()),
    }
}
