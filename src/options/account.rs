//! Whose account at which provider, and how long a call and its requests may take.

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use url::Url;

use super::{
    KEY_NAME, MAX_MS, base_url, one_of,
    raw::{OptionReader, RawOption},
    secret,
    suggest::misspelling_of,
};
use crate::{
    error::Error,
    escape::is_invisible,
    provider::{PROVIDERS, Provider},
    redact::Secrets,
};

const DEFAULT_EXCHANGE: Duration = Duration::from_secs(15);
pub const MAX_KEY_LENGTH: usize = 512;
/// In characters.
const MAX_LABEL_LENGTH: usize = 64;

/// The options common to all calls.
#[derive(Debug)]
pub struct Account {
    pub provider: &'static Provider,
    pub client_key: SecretString,
    /// The caller's name for it.
    pub label: Option<Arc<str>>,
    /// All that must never be shown, the key included.
    pub secrets: Secrets,
    /// Ends in a slash, so that a method's name can be joined to it.
    pub base_url: Url,
    /// Whether `base_url` is on this machine: then plain http is allowed and no proxy is used.
    pub loopback: bool,
    /// The time that the whole call has.
    pub timeout: Duration,
    /// The time that one HTTP exchange has.
    pub request_timeout: Duration,
}

/// A host and its port: what connections and their limits belong to.
pub type HostId = (String, Option<u16>);

impl Account {
    pub fn host_id(&self) -> HostId {
        (self.base_url.host_str().unwrap_or_default().to_owned(), self.base_url.port_or_known_default())
    }

    /// Host and port, as messages name the server.
    pub fn authority(&self) -> String {
        let (host, port) = self.host_id();
        format!("{host}:{}", port.unwrap_or_default())
    }
}

impl OptionReader {
    pub fn account(&mut self, default_timeout: Duration) -> Result<Account, Error> {
        let provider = self.provider()?;
        let client_key = self.required_text("clientKey")?;
        if client_key.len() > MAX_KEY_LENGTH || !client_key.bytes().all(|byte| byte.is_ascii_graphic()) {
            let problem = format!("must be at most {MAX_KEY_LENGTH} printable ASCII characters without spaces");
            return Err(Error::invalid_option("clientKey", problem));
        }
        let (base_url, loopback) = self.base_url(provider)?;
        let secrets = Secrets::of([(client_key.as_str(), KEY_NAME)]);
        let label = self.label(&secrets)?;
        self.expect("signal", "an AbortSignal", RawOption::AbortSignal)?;
        Ok(Account {
            provider,
            secrets,
            client_key: secret(client_key),
            label,
            base_url,
            loopback,
            timeout: self.milliseconds("timeoutMs", 1, MAX_MS, default_timeout)?,
            request_timeout: self.milliseconds("requestTimeoutMs", 1, MAX_MS, DEFAULT_EXCHANGE)?,
        })
    }

    fn label(&mut self, secrets: &Secrets) -> Result<Option<Arc<str>>, Error> {
        let refuse = |problem: String| Error::invalid_option("label", problem);
        let Some(label) = self.text("label")? else { return Ok(None) };
        if !is_label(&label) {
            return Err(refuse(format!("must be 1 to {MAX_LABEL_LENGTH} printable characters")));
        }
        match secrets.are_in(&label) {
            true => Err(refuse("holds the account's key, and labels are shown".into())),
            false => Ok(Some(label.into())),
        }
    }

    fn provider(&mut self) -> Result<&'static Provider, Error> {
        let name = self.required_text("provider")?;
        Provider::named(&name).ok_or_else(|| {
            let known: Vec<_> = PROVIDERS.iter().map(|provider| provider.name).collect();
            let suggestion = match misspelling_of(&name, &known) {
                Some(meant) => format!("; did you mean '{meant}'?"),
                None => String::new(),
            };
            Error::invalid_option("provider", format!("must be {}{suggestion}", one_of(&known)))
        })
    }

    fn base_url(&mut self, provider: &'static Provider) -> Result<(Url, bool), Error> {
        let refuse = |problem: String| Error::invalid_option("baseURL", problem);
        match (self.text("baseURL")?.as_deref(), provider.base_url) {
            (Some(given), _) => base_url::parse(given).map_err(refuse),
            (None, Some(default)) => base_url::parse(default).map_err(refuse),
            (None, None) => Err(refuse(format!("is required with provider '{}'", provider.name))),
        }
    }
}

pub fn is_label(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= MAX_LABEL_LENGTH
        && !text.chars().any(|c| c.is_control() || is_invisible(c))
}
