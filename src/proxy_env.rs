//! The proxy for the client's own traffic, as Node.js reads it from the environment: lower case before upper case, and
//! `NO_PROXY` with names, `.suffixes`, `*.suffixes`, `host:port` and `*`. Plain http goes to this machine alone, and what
//! goes there never goes through a proxy, so only `HTTPS_PROXY` matters.

use std::{env, sync::LazyLock};

use url::Url;

static PROXY: LazyLock<Option<String>> = LazyLock::new(|| variable("https_proxy", "HTTPS_PROXY"));
static EXEMPT: LazyLock<String> = LazyLock::new(|| variable("no_proxy", "NO_PROXY").unwrap_or_default());

/// The URL of the proxy, as it was given.
pub fn https_proxy() -> Option<&'static str> {
    PROXY.as_deref()
}

/// Whether a request to this URL goes through the proxy, if there is one.
pub fn applies_to(url: &Url) -> bool {
    !is_exempt(&EXEMPT, url.host_str().unwrap_or_default(), url.port_or_known_default())
}

/// An empty variable counts as none.
fn variable(lower: &str, upper: &str) -> Option<String> {
    [lower, upper].iter().filter_map(|name| env::var(name).ok()).find(|value| !value.trim().is_empty())
}

fn is_exempt(list: &str, host: &str, port: Option<u16>) -> bool {
    let host = host.to_ascii_lowercase();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let entry = entry.to_ascii_lowercase();
        let (name, only_port) = match entry.rsplit_once(':') {
            // What has more colons is an IPv6 address, unless it is in brackets.
            Some((name, digits)) if !name.contains(':') || name.ends_with(']') => match digits.parse() {
                Ok(only) => (name, Some(only)),
                Err(_) => (entry.as_str(), None),
            },
            _ => (entry.as_str(), None),
        };
        if only_port.is_some_and(|only: u16| Some(only) != port) {
            return false;
        }
        let name = name.trim_start_matches('[').trim_end_matches(']');
        match name.strip_prefix('*').unwrap_or(name) {
            "" => true,
            suffix if suffix.starts_with('.') => host.ends_with(suffix) || host == &suffix[1..],
            exact => host == exact,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_read_as_node_reads_it() {
        for (list, exempt) in [
            ("api.example.test", true),
            ("other.test, API.Example.TEST ,x", true),
            ("other.test api.example.test", true),
            (".example.test", true),
            ("*.example.test", true),
            ("*", true),
            ("api.example.test:443", true),
            ("", false),
            (" , ", false),
            ("api.example.test:8443", false),
            ("example.test", false),
            ("api.example", false),
            ("xample.test", false),
            (".xample.test", false),
            ("xapi.example.test", false),
        ] {
            assert_eq!(is_exempt(list, "api.example.test", Some(443)), exempt, "{list:?}");
        }
    }

    #[test]
    fn addresses_are_names_too() {
        assert!(is_exempt("203.0.113.7", "203.0.113.7", Some(443)));
        assert!(is_exempt("2001:db8::1", "[2001:db8::1]", Some(443)));
        assert!(is_exempt("[2001:db8::1]:443", "[2001:db8::1]", Some(443)));
        assert!(!is_exempt("[2001:db8::1]:8443", "[2001:db8::1]", Some(443)));
    }
}
