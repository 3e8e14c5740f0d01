//! The proxy that a provider solves through.

use std::net::IpAddr;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::redact::Secrets;

pub const MAX_LENGTH: usize = 1024;

/// What is wrong with a task's proxy, in words that never repeat it.
pub fn problem_of(proxy: &str) -> Option<&'static str> {
    const SHAPE: &str = "must have the form protocol://user:password@host:port";
    if proxy.len() > MAX_LENGTH {
        return Some("is longer than 1024 characters");
    }
    let Some((scheme, rest)) = proxy.split_once("://") else { return Some(SHAPE) };
    if !matches!(scheme, "http" | "https" | "socks5") {
        return Some("its protocol must be http, https or socks5");
    }
    let Some((credentials, address)) = rest.trim_end_matches('/').rsplit_once('@') else {
        return Some("needs a user and a password: the provider refuses open proxies");
    };
    match credentials.split_once(':') {
        Some((user, password)) if !user.is_empty() && !password.is_empty() => {}
        _ => return Some("needs both a user and a password"),
    }
    let Some((host, port)) = address.rsplit_once(':') else { return Some(SHAPE) };
    if !port.parse::<u16>().is_ok_and(|port| port > 0) {
        return Some("needs a port from 1 to 65535");
    }
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '?' | '#' | '@');
    match host.parse::<IpAddr>() {
        _ if host.is_empty() || host.contains(odd) => Some(SHAPE),
        _ if is_local_name(host) => Some("must be reachable for the provider: not on this machine"),
        Ok(address) if is_private(address) => Some("must be reachable for the provider: not a private address"),
        _ => None,
    }
}

/// The secrets in a valid proxy, the longest first.
pub fn secrets_of(proxy: &str) -> Vec<(&str, &'static str)> {
    let rest = proxy.split_once("://").map_or(proxy, |(_, rest)| rest);
    let credentials = rest.rsplit_once('@').map(|(credentials, _)| credentials);
    let (user, password) = credentials.and_then(|credentials| credentials.split_once(':')).unwrap_or_default();
    vec![
        (proxy, "[proxy]"),
        (credentials.unwrap_or_default(), "[proxy credentials]"),
        (password, "[proxy password]"),
        (user, "[proxy user]"),
    ]
}

/// Adds what must not be shown of a field of a task, or of those in it: credentials of a proxy, and not words such as its type.
pub fn find_secrets(name: &str, value: &Value, within_proxy: bool, secrets: &mut Secrets) {
    let plain: String = name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect();
    let about_proxy = within_proxy || plain.contains("proxy");
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| find_secrets(name, value, about_proxy, secrets));
        }
        Value::Array(values) => values.iter().for_each(|value| find_secrets(name, value, within_proxy, secrets)),
        Value::String(text) if about_proxy => secrets.extend(secrets_of_field(&plain, text)),
        Value::Number(number) if about_proxy => {
            secrets.extend(secrets_of_field(&plain, &Zeroizing::new(number.to_string())));
        }
        _ => {}
    }
}

fn secrets_of_field<'a>(name: &str, text: &'a str) -> Vec<(&'a str, &'static str)> {
    let ends_in = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    let pair = |user, password| vec![(text, "[proxy]"), (password, "[proxy password]"), (user, "[proxy user]")];
    if ends_in(&["password", "passwd", "pass", "pwd", "secret"]) {
        return vec![(text, "[proxy password]")];
    }
    if ends_in(&["login", "username", "user"]) {
        return vec![(text, "[proxy user]")];
    }
    if ends_in(&["auth", "authorization", "credentials", "credential"]) {
        let (user, password) = text.split_once(':').unwrap_or_default();
        return pair(user, password);
    }
    if text.contains('@') {
        return secrets_of(text);
    }
    // `host:port:user:password`, as many sell it.
    match text.splitn(4, ':').collect::<Vec<_>>().as_slice() {
        [_, port, user, password] if port.parse::<u16>().is_ok() => pair(user, password),
        _ => Vec::new(),
    }
}

fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
