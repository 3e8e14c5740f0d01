//! The proxy that a provider solves through.

use std::net::IpAddr;

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
    let credentials =
        proxy.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map(|(credentials, _)| credentials);
    let (user, password) = credentials.and_then(|credentials| credentials.split_once(':')).unwrap_or_default();
    vec![
        (proxy, "[proxy]"),
        (credentials.unwrap_or_default(), "[proxy credentials]"),
        (password, "[proxy password]"),
        (user, "[proxy user]"),
    ]
}

/// What must not be shown of a field of a task that is about a proxy: credentials, and not words such as its type.
pub fn secrets_of_field<'a>(name: &str, text: &'a str) -> Vec<(&'a str, &'static str)> {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("proxy") {
        None => Vec::new(),
        Some("password" | "pass") => vec![(text, "[proxy password]")],
        Some("login" | "user" | "username") => vec![(text, "[proxy user]")],
        Some(_) if text.contains('@') => secrets_of(text),
        Some(_) => Vec::new(),
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
