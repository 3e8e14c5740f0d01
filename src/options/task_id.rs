//! The id of a task, as createTask returned it or as it came back from an error.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::raw::{RawOption, is_whole, wrong_type};
use crate::{
    error::Error,
    provider::{IdType, MAX_SAFE_INTEGER},
};

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

impl TaskId {
    /// The same id in the other JSON type, where it has one.
    pub fn as_number(&self) -> Option<TaskId> {
        let TaskId::Text(id) = self else { return None };
        let number = id.parse::<u64>().ok().filter(|number| number.to_string() == **id);
        number.map(TaskId::Number)
    }
}

/// In bytes. No provider's id comes near it.
pub const MAX_LENGTH: usize = 1024;

/// The id in the type in which the provider takes it.
pub fn task_id_of(given: &RawOption, id_type: IdType) -> Result<TaskId, Error> {
    match given {
        RawOption::Text(id) if id.trim().is_empty() => Err(Error::invalid_option("taskId", "is empty")),
        RawOption::Text(id) if id.len() > MAX_LENGTH => {
            Err(Error::invalid_option("taskId", format!("is longer than {MAX_LENGTH} bytes")))
        }
        RawOption::Text(id) => Ok(TaskId::Text(id.as_str().into())),
        RawOption::Number(id) if is_whole(*id, 0, MAX_SAFE_INTEGER) => match id_type {
            IdType::Text => Ok(TaskId::Text((*id as u64).to_string().into())),
            IdType::AsGiven => Ok(TaskId::Number(*id as u64)),
        },
        other => Err(wrong_type("taskId", "a task id as createTask returned it", other.clone())),
    }
}
