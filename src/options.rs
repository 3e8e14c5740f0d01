//! Options, parsed once into values that cannot be wrong: they are fully validated here.

mod account;
mod base_url;
mod copied_text;
mod fields;
mod proxy;
mod raw;
mod requests;
mod suggest;
mod task_id;

use std::{fmt, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroize;

use crate::{
    error::Error,
    provider::{IdFormat, IdType, Provider},
    redact::{Secrets, redact_url_credentials},
};

use account::is_label;
pub use account::{Account, HostId};
pub use base_url::is_localhost;
pub use fields::TaskFields;
pub use raw::{MAX_TEXT_LENGTH, RawOption, RawOptions};
use raw::{OptionReader, wrong_type};
pub use requests::{
    CreateTaskRequest, GetBalanceRequest, GetTaskResultRequest, Request, SolveRequest, WaitForTaskRequest,
};
use task_id::task_id_of;
pub use task_id::{MAX_LENGTH as MAX_TASK_ID_LENGTH, TaskId};

const ACCOUNT: &[&str] = &["provider", "clientKey", "baseURL", "label", "timeoutMs", "requestTimeoutMs", "signal"];
const TASK: &[&str] = &[
    "websiteURL",
    "websiteKey",
    "taskType",
    "action",
    "cData",
    "proxy",
    "developerId",
    "extraTaskFields",
    "extraRequestFields",
];
const TASK_ID: &[&str] = &["taskId"];
const POLLING: &[&str] = &["pollIntervalMs", "onProgress"];

/// What stands where the key was.
const KEY_NAME: &str = "[clientKey]";

const DEFAULT_WAIT: Duration = Duration::from_secs(120);
const DEFAULT_SINGLE_CALL: Duration = Duration::from_secs(30);
const DEFAULT_POLL_INTERVAL: Duration = Duration::from_secs(3);
const MAX_MS: u64 = 300_000;
const MIN_POLL_INTERVAL_MS: u64 = 1_000;
/// Tests against the sandbox need not wait for seconds.
const MIN_LOOPBACK_POLL_INTERVAL_MS: u64 = 10;
/// Providers stop answering for a task after so many polls. Not applied on loopback: there is no provider.
const MAX_POLLS: u64 = 120;
/// A wrong key may be longer than a right one, and is not repeated either.
const MAX_SECRET_LENGTH: usize = 4096;
const MAX_ACTION_LENGTH: usize = 32;
const MAX_C_DATA_LENGTH: usize = 255;

/// What is to be solved.
pub struct NewTask {
    fields: TaskFields,
    proxy: Option<SecretString>,
    /// What stands beside the task in the body of createTask.
    request_fields: TaskFields,
}

/// Further fields may hold secrets too.
impl fmt::Debug for NewTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTask").field("type", &self.fields.get("type")).finish_non_exhaustive()
    }
}

impl NewTask {
    /// The `task` object of createTask, and what stands beside it.
    pub fn into_fields(mut self) -> (TaskFields, TaskFields) {
        if let Some(proxy) = &self.proxy {
            self.fields.0.insert("proxy".into(), proxy.expose_secret().into());
        }
        (self.fields, self.request_fields)
    }
}

/// Moves a text to where it is wiped when dropped, without leaving a copy.
fn secret(mut text: String) -> SecretString {
    let secret = SecretString::from(text.as_str());
    text.zeroize();
    secret
}

/// Parses the options of one call. An error names the provider and the task, if that much was right, and never the key,
/// wherever it was put.
fn parse<T>(
    given: RawOptions,
    call: &str,
    known: &[&[&'static str]],
    parse: impl FnOnce(&mut OptionReader) -> Result<T, Error>,
) -> Result<T, Error> {
    let provider = given.iter().find_map(|(name, value)| match value {
        RawOption::Text(text) if name == "provider" => Provider::named(text),
        _ => None,
    });
    let label = given.iter().find_map(|(name, value)| match value {
        RawOption::Text(text) if name == "label" && is_label(text) => Some(text),
        _ => None,
    });
    let task_id = given.iter().find_map(|(name, value)| match name.as_str() {
        "taskId" if known.contains(&TASK_ID) => task_id_of(value, IdType::Text).ok(),
        _ => None,
    });
    let secrets = secrets_of(&given);
    let task_id = task_id.map(|id| id.to_string()).filter(|id| !secrets.are_in(id));
    let label = label.filter(|label| !secrets.are_in(label)).map(|label| Arc::from(label.as_str()));
    let everywhere = [ACCOUNT, TASK, TASK_ID, POLLING].concat();
    let redact = |text: String| secrets.redact(redact_url_credentials(&text));
    // An unknown name is shown in part, and part of a secret could not be found any more.
    let own = |name: String| match name {
        name if everywhere.contains(&name.as_str()) => name,
        // It may be a proxy in any of the spellings that are in use.
        name if name.contains(['@', ':', '/', '\\']) => "[a name that is not shown]".into(),
        name => redact(name),
    };
    let given = given.into_iter().map(|(name, value)| (own(name), value)).collect();
    OptionReader::new(given, call, &known.concat(), &everywhere).and_then(|mut options| parse(&mut options)).map_err(
        |error| Error {
            provider: provider.map(|provider| provider.name),
            label,
            task_id,
            ..error.redact_option(redact)
        },
    )
}

/// The secrets among the options, before any of them is known to be right. What is too long to be one is not looked for.
fn secrets_of(given: &RawOptions) -> Secrets {
    let mut secrets = Secrets::default();
    for (name, value) in given {
        match (name.as_str(), value) {
            ("clientKey", RawOption::Text(key)) if key.len() <= MAX_SECRET_LENGTH => {
                secrets.extend([(key.as_str(), KEY_NAME)]);
            }
            ("proxy", RawOption::Text(proxy)) if proxy.len() <= proxy::MAX_LENGTH => {
                secrets.extend(proxy::secrets_of(proxy));
            }
            _ => {}
        }
    }
    secrets
}

impl OptionReader {
    /// The account learns the secrets of its task.
    fn task(&mut self, account: &mut Account) -> Result<NewTask, Error> {
        let provider = account.provider;
        let mut fields = TaskFields(Map::new());
        let website_url = self.required_text("websiteURL")?;
        refuse_copied("websiteURL", &website_url)?;
        match Url::parse(&website_url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {}
            Ok(_) => return Err(Error::invalid_option("websiteURL", "must be an http or https URL")),
            Err(problem) => return Err(Error::invalid_option("websiteURL", format!("is no URL: {problem}"))),
        }
        let website_key = self.required_text("websiteKey")?;
        refuse_copied("websiteKey", &website_key)?;
        fields.0.insert("type".into(), self.task_type(provider)?.into());
        fields.0.insert("websiteURL".into(), website_url.into());
        fields.0.insert("websiteKey".into(), website_key.into());
        for (name, longest, path) in
            [("action", MAX_ACTION_LENGTH, provider.action), ("cData", MAX_C_DATA_LENGTH, provider.c_data)]
        {
            if let Some(value) = self.widget_value(name, longest)? {
                let path = path.ok_or_else(|| undocumented(name, provider))?;
                insert_at(&mut fields.0, path, value.into());
            }
        }
        let proxy = self.proxy(provider)?;
        if let Some(proxy) = &proxy {
            account.secrets.extend(proxy::secrets_of(proxy.expose_secret()));
        }
        let taken = if proxy.is_some() { &["proxy"][..] } else { &[] };
        self.further_fields("extraTaskFields", &mut fields.0, taken, &mut account.secrets)?;
        let mut request_fields = TaskFields(Map::new());
        self.developer_id(provider, &mut request_fields.0)?;
        let taken = &["clientKey", "task", "taskId"];
        self.further_fields("extraRequestFields", &mut request_fields.0, taken, &mut account.secrets)?;
        if account.label.as_deref().is_some_and(|label| account.secrets.are_in(label)) {
            return Err(Error::invalid_option("label", "holds a secret of the proxy, and labels are shown"));
        }
        Ok(NewTask { fields, proxy, request_fields })
    }

    fn task_type(&mut self, provider: &'static Provider) -> Result<String, Error> {
        match (self.text("taskType")?, provider.task_types) {
            (Some(given), []) => {
                refuse_copied("taskType", &given)?;
                Ok(given)
            }
            (Some(given), known) if known.contains(&given.as_str()) => Ok(given),
            (Some(_), known) => {
                let problem = format!("must be {} with provider '{}'", one_of(known), provider.name);
                Err(Error::invalid_option("taskType", problem))
            }
            (None, [default, ..]) => Ok((*default).to_owned()),
            (None, []) => {
                let problem = format!("is required with provider '{}'", provider.name);
                Err(Error::invalid_option("taskType", problem))
            }
        }
    }

    fn widget_value(&mut self, name: &str, longest: usize) -> Result<Option<String>, Error> {
        let Some(value) = self.text(name)? else { return Ok(None) };
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if value.len() > longest || !value.bytes().all(allowed) {
            let problem = format!("must be at most {longest} of the characters A-Z a-z 0-9 _ -");
            return Err(Error::invalid_option(name, problem));
        }
        Ok(Some(value))
    }

    fn proxy(&mut self, provider: &'static Provider) -> Result<Option<SecretString>, Error> {
        let Some(proxy) = self.text("proxy")? else { return Ok(None) };
        if !provider.proxy {
            return Err(undocumented("proxy", provider));
        }
        match proxy::problem_of(&proxy) {
            Some(problem) => Err(Error::invalid_option("proxy", problem)),
            None => Ok(Some(secret(proxy))),
        }
    }

    /// Further fields, as they are. Some services take a proxy there: its credentials are secrets like those of the option.
    fn further_fields(
        &mut self,
        option: &str,
        fields: &mut Map<String, Value>,
        taken: &[&str],
        secrets: &mut Secrets,
    ) -> Result<(), Error> {
        let mut json = match self.take(option) {
            None => return Ok(()),
            Some(RawOption::Object(json)) if json.starts_with('{') => json,
            Some(other) => return Err(wrong_type(option, "an object", other)),
        };
        let further: Map<String, Value> = serde_json::from_str(&json)
            .map_err(|problem| Error::invalid_option(option, format!("cannot be sent as JSON: {problem}")))?;
        json.zeroize();
        for (name, value) in further {
            if fields.contains_key(&name) || taken.contains(&name.as_str()) {
                return Err(Error::invalid_option(format!("{option}.{name}"), "is set by an option already"));
            }
            proxy::find_secrets(&name, &value, false, secrets);
            fields.insert(name, value);
        }
        Ok(())
    }

    fn developer_id(&mut self, provider: &'static Provider, fields: &mut Map<String, Value>) -> Result<(), Error> {
        const NAME: &str = "developerId";
        let Some(known) = &provider.developer_id else {
            return match self.take(NAME) {
                None => Ok(()),
                Some(_) => {
                    let problem = format!(
                        "'{}' documents no developer id; `extraRequestFields` can send any field",
                        provider.name
                    );
                    Err(Error::invalid_option(NAME, problem))
                }
            };
        };
        let id = match known.format {
            IdFormat::Integer { max } => self.whole_number(NAME, 1, max)?.map(Value::from),
            IdFormat::Text => self.text(NAME)?.map(Value::from),
        };
        if let Some(id) = id {
            fields.insert(known.field.into(), id);
        }
        Ok(())
    }

    fn task_id(&mut self, account: &Account) -> Result<TaskId, Error> {
        let given = self.take("taskId").ok_or_else(|| Error::invalid_option("taskId", "is required"))?;
        let id = task_id_of(&given, account.provider.task_id)?;
        match account.secrets.are_in(&id.to_string()) {
            true => Err(Error::invalid_option("taskId", "holds the account's key, and is not the id of a task")),
            false => Ok(id),
        }
    }

    fn polling(&mut self, account: &Account) -> Result<Duration, Error> {
        self.expect("onProgress", "a function", RawOption::Function)?;
        let shortest = match account.loopback {
            true => MIN_LOOPBACK_POLL_INTERVAL_MS,
            false => MIN_POLL_INTERVAL_MS,
        };
        let interval = self.milliseconds("pollIntervalMs", shortest, MAX_MS, DEFAULT_POLL_INTERVAL)?;
        let (timeout_ms, interval_ms) = (account.timeout.as_millis() as u64, interval.as_millis() as u64);
        if !account.loopback && timeout_ms > interval_ms * MAX_POLLS {
            let least = timeout_ms.div_ceil(MAX_POLLS);
            let problem = format!(
                "{interval_ms} ms would poll more than {MAX_POLLS} times in {timeout_ms} ms, \
                 and providers stop answering then: at least {least} ms"
            );
            return Err(Error::invalid_option("pollIntervalMs", problem));
        }
        Ok(interval)
    }
}

fn insert_at(fields: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [name] => {
            fields.insert((*name).to_owned(), value);
        }
        [name, rest @ ..] => {
            let inner = fields.entry(*name).or_insert_with(|| Map::new().into());
            if let Value::Object(inner) = inner {
                insert_at(inner, rest, value);
            }
        }
    }
}

/// A task that is bought with what was copied by mistake is paid for in vain.
fn refuse_copied(name: &str, text: &str) -> Result<(), Error> {
    match copied_text::problem_of(text) {
        Some(problem) => Err(Error::invalid_option(name, problem)),
        None => Ok(()),
    }
}

fn undocumented(name: &str, provider: &Provider) -> Error {
    let problem =
        format!("'{}' documents no such field for Turnstile; `extraTaskFields` can send any field", provider.name);
    Error::invalid_option(name, problem)
}

/// `'a'`, `'a' or 'b'`, `'a', 'b' or 'c'`.
fn one_of(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests;
