//! The proxy for the client's own traffic, as the `https` module of Node.js 24 reads it from the environment: lower case
//! before upper case, and of the proxies only `HTTPS_PROXY`. Plain http goes to this machine alone, and what goes there never
//! goes through a proxy, so `HTTP_PROXY` has nothing to say here; Node.js does not read `ALL_PROXY`.
//!
//! Node.js passes over a proxy that it does not support. Here it is an error: what was meant to go through a proxy must not
//! go another way.

use std::{fmt, net::Ipv4Addr};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::{ParseError, Url};
use zeroize::Zeroizing;

use super::Environment;

/// A proxy that is spoken to in HTTP, in the clear or over TLS.
#[derive(Clone)]
pub struct Proxy {
    /// Without credentials, and with its port.
    pub uri: Uri,
    pub is_https: bool,
    /// The value of `proxy-authorization`.
    authorization: Option<SecretString>,
}

/// Credentials are not shown.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl Proxy {
    /// An error never repeats the credentials.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("contains a control character".into());
        }
        let (scheme, rest) = text.split_once("://").ok_or("must begin with http:// or https://")?;
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            // What is no scheme may be part of a password.
            other
                if !other.is_empty()
                    && other.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte)) =>
            {
                return Err(format!("has the scheme {other}, which is not supported: it must be http or https"));
            }
            _ => return Err("must begin with http:// or https://".into()),
        };
        if rest.starts_with(['/', '\\']) {
            return Err("has no host".into());
        }
        let url = Url::parse(text).map_err(|problem| match problem {
            ParseError::EmptyHost => "has no host".to_owned(),
            ParseError::InvalidPort => "has an invalid port".to_owned(),
            problem => format!("is no URL: {problem}"),
        })?;
        let after_host = [url.path(), url.query().unwrap_or_default(), url.fragment().unwrap_or_default()];
        if after_host.iter().any(|part| part.contains('@')) {
            return Err("has an @ behind its host: a / in a user or a password has to be percent-encoded".into());
        }
        let (Some(host), Some(port @ 1..)) = (url.host_str(), url.port_or_known_default()) else {
            return Err("has an invalid port".into());
        };
        let uri = format!("{}://{host}:{port}/", url.scheme()).parse().map_err(|_| "has an invalid host")?;
        Ok(Proxy { uri, is_https, authorization: authorization(&url) })
    }

    pub fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(self.authorization.as_ref()?.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn authorization(url: &Url) -> Option<SecretString> {
    let (user, password) = (url.username(), url.password().unwrap_or_default());
    if user.is_empty() && password.is_empty() {
        return None;
    }
    let decode = |text: &str| Zeroizing::new(percent_decode_str(text).collect::<Vec<_>>());
    let credentials = Zeroizing::new([&decode(user)[..], b":", &decode(password)].concat());
    Some(SecretString::from(format!("Basic {}", STANDARD.encode(&credentials[..]))))
}

/// The proxy, or why the setting cannot work. An empty variable counts as none.
pub fn https_proxy(environment: Environment<'_>) -> Result<Option<Proxy>, String> {
    for name in ["https_proxy", "HTTPS_PROXY"] {
        let Some(value) = environment(name) else { continue };
        let parsed = match value.to_str() {
            Some("") => continue,
            Some(text) => Proxy::parse(text.trim_matches(' ')),
            None => Err("is not valid UTF-8".into()),
        };
        return match parsed {
            Ok(proxy) => Ok(Some(proxy)),
            Err(problem) => Err(format!("the environment variable {name} names no usable proxy: it {problem}")),
        };
    }
    Ok(None)
}

/// The hosts that are reached without the proxy, as they were given. What is not valid UTF-8 names no host.
pub fn no_proxy(environment: Environment<'_>) -> String {
    let values = ["no_proxy", "NO_PROXY"].into_iter().filter_map(environment);
    let mut texts = values.map(|value| value.to_string_lossy().into_owned());
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

/// Whether the list names the URL's host, which is then reached without the proxy.
pub fn is_exempt(list: &str, url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = host.strip_suffix('.').unwrap_or(host);
    let port = url.port_or_known_default();
    list.split(',').any(|entry| is_match(&entry.trim().to_ascii_lowercase(), host, port))
}

fn is_match(entry: &str, host: &str, port: Option<u16>) -> bool {
    is_name_match(entry, host)
        || is_in_range(entry, host)
        || entry.rsplit_once(':').is_some_and(|(name, digits)| {
            let is_port = |port: u16| port.to_string() == digits;
            port.is_some_and(is_port) && without_brackets(name) == host
        })
}

fn is_name_match(name: &str, host: &str) -> bool {
    let name = without_brackets(name);
    match (name, name.strip_prefix("*."), name.strip_prefix('.')) {
        ("*", ..) => true,
        (_, Some(domain), _) => is_below(host, domain),
        (_, _, Some(domain)) => host == domain || is_below(host, domain),
        _ => !name.is_empty() && host == name,
    }
}

/// An IPv6 address without its brackets.
fn without_brackets(name: &str) -> &str {
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.filter(|inner| inner.contains(':')).unwrap_or(name)
}

/// Whether a name is one in a domain, and not the domain's own.
fn is_below(host: &str, domain: &str) -> bool {
    !domain.is_empty() && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// `192.0.2.0-192.0.2.255`: of IPv4, as in Node.js.
fn is_in_range(entry: &str, host: &str) -> bool {
    let Ok(host) = host.parse::<Ipv4Addr>() else { return false };
    entry.split_once('-').is_some_and(|(first, last)| match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok::<Ipv4Addr, _>(last)) => (first..=last).contains(&host),
        _ => false,
    })
}

#[cfg(test)]
mod tests;
