//! The options of one call as JavaScript gave them, taken one by one and each by its type.

use std::time::Duration;

use super::suggest::option_like;
use crate::error::Error;

/// What JavaScript gave for one option.
#[derive(Clone, Debug, PartialEq)]
pub enum RawOption {
    Number(f64),
    Text(String),
    /// A text that is longer than [`MAX_TEXT_LENGTH`].
    LongText,
    /// A plain object, as its JSON.
    Object(String),
    Function,
    AbortSignal,
    /// Anything else, by the name of its type.
    Other(&'static str),
    /// Reading the option, or writing it as JSON, threw this.
    Threw(String),
}

/// The own enumerable options of one call in the order given, those that are `undefined` left out.
pub type RawOptions = Vec<(String, RawOption)>;

/// In bytes. What is longer is not even read: no option needs it.
pub const MAX_TEXT_LENGTH: usize = 1 << 20;

/// So much of an unknown name is shown and compared.
const MAX_NAME_LENGTH: usize = 64;

pub struct OptionReader(RawOptions);

impl OptionReader {
    /// Refuses every name that is not among the `known` ones; `elsewhere` are the options of other calls.
    pub fn new(given: RawOptions, call: &str, known: &[&str], elsewhere: &[&str]) -> Result<Self, Error> {
        for (name, _) in &given {
            if known.contains(&name.as_str()) {
                continue;
            }
            let name: String = name.chars().take(MAX_NAME_LENGTH).collect();
            let problem = match elsewhere.contains(&name.as_str()) {
                true => format!("is not an option of {call}"),
                false => format!("is not an option; did you mean {}?", option_like(&name, known)),
            };
            return Err(Error::invalid_option(name, problem));
        }
        Ok(OptionReader(given))
    }

    pub fn take(&mut self, name: &str) -> Option<RawOption> {
        let at = self.0.iter().position(|(given, _)| given == name)?;
        Some(self.0.swap_remove(at).1)
    }

    pub fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(RawOption::Text(text)) if text.trim().is_empty() => Err(Error::invalid_option(name, "is empty")),
            Some(RawOption::Text(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, "a string", other)),
        }
    }

    pub fn required_text(&mut self, name: &str) -> Result<String, Error> {
        self.text(name)?.ok_or_else(|| Error::invalid_option(name, "is required"))
    }

    pub fn whole_number(&mut self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(RawOption::Number(number)) if is_whole(number, least, most) => Ok(Some(number as u64)),
            Some(RawOption::Number(number)) => {
                Err(Error::invalid_option(name, format!("must be a whole number from {least} to {most}, not {number}")))
            }
            Some(other) => Err(wrong_type(name, &format!("a whole number from {least} to {most}"), other)),
        }
    }

    pub fn milliseconds(&mut self, name: &str, least: u64, most: u64, default: Duration) -> Result<Duration, Error> {
        Ok(self.whole_number(name, least, most)?.map_or(default, Duration::from_millis))
    }

    /// An option whose value stays in JavaScript: only its type matters here.
    pub fn expect(&mut self, name: &str, expected: &str, right: RawOption) -> Result<(), Error> {
        match self.take(name) {
            Some(other) if other != right => Err(wrong_type(name, expected, other)),
            _ => Ok(()),
        }
    }
}

pub fn is_whole(number: f64, least: u64, most: u64) -> bool {
    number.fract() == 0.0 && number >= least as f64 && number <= most as f64
}

/// Says what was given without repeating it: it might be a secret in the wrong place.
pub fn wrong_type(name: &str, expected: &str, given: RawOption) -> Error {
    let got = match given {
        RawOption::Number(_) => "a number".to_owned(),
        RawOption::Text(_) => "a string".to_owned(),
        RawOption::LongText => return Error::invalid_option(name, "is longer than 1 MiB"),
        RawOption::Object(_) => "an object".to_owned(),
        RawOption::Function => "a function".to_owned(),
        RawOption::AbortSignal => "an AbortSignal".to_owned(),
        RawOption::Other(kind) => kind.to_owned(),
        RawOption::Threw(thrown) => return Error::unreadable_option(name, thrown),
    };
    Error::invalid_option(name, format!("must be {expected}, not {got}"))
}
