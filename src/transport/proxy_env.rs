//! The proxy for the client's own traffic, as Node.js reads it from the environment: lower case before upper case, and
//! `NO_PROXY` with names, `.suffixes`, `*.suffixes`, `host:port` and `*`. Plain http goes to this machine alone, and what
//! goes there never goes through a proxy, so only `HTTPS_PROXY` matters.

use url::Url;

use super::Environment;

/// The URL of the proxy, as it was given.
pub fn https_proxy(environment: Environment<'_>) -> Option<String> {
    variable(environment, ["https_proxy", "HTTPS_PROXY"])
}

/// The hosts that are reached without the proxy, as they were given.
pub fn no_proxy(environment: Environment<'_>) -> String {
    variable(environment, ["no_proxy", "NO_PROXY"]).unwrap_or_default()
}

/// An empty variable counts as none.
fn variable(environment: Environment<'_>, names: [&str; 2]) -> Option<String> {
    names.into_iter().filter_map(|name| environment(name)?.into_string().ok()).find(|value| !value.trim().is_empty())
}

/// Whether the list names the URL's host, which is then reached without the proxy.
pub fn is_exempt(list: &str, url: &Url) -> bool {
    let (host, port) = (url.host_str().unwrap_or_default().to_ascii_lowercase(), url.port_or_known_default());
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

    fn is_exempt_url(list: &str, url: &str) -> bool {
        is_exempt(list, &Url::parse(url).unwrap())
    }

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
            assert_eq!(is_exempt_url(list, "https://api.example.test"), exempt, "{list:?}");
        }
    }

    #[test]
    fn lower_case_comes_first_and_an_empty_variable_counts_as_none() {
        for (lower, upper, read) in [
            (Some("a"), Some("b"), Some("a")),
            (None, Some("b"), Some("b")),
            (Some(" "), Some("b"), Some("b")),
            (Some("a"), None, Some("a")),
            (Some(""), Some(""), None),
            (None, None, None),
        ] {
            for [name, capital] in [["no_proxy", "NO_PROXY"], ["https_proxy", "HTTPS_PROXY"]] {
                let environment = |asked: &str| match asked {
                    _ if asked == name => lower.map(Into::into),
                    _ if asked == capital => upper.map(Into::into),
                    _ => None,
                };
                let read = read.map(str::to_owned);
                match name {
                    "no_proxy" => assert_eq!(no_proxy(&environment), read.unwrap_or_default(), "{lower:?} {upper:?}"),
                    _ => assert_eq!(https_proxy(&environment), read, "{lower:?} {upper:?}"),
                }
            }
        }
    }

    #[test]
    fn addresses_are_names_too() {
        assert!(is_exempt_url("203.0.113.7", "https://203.0.113.7"));
        assert!(is_exempt_url("2001:db8::1", "https://[2001:db8::1]"));
        assert!(is_exempt_url("[2001:db8::1]:443", "https://[2001:db8::1]"));
        assert!(!is_exempt_url("[2001:db8::1]:8443", "https://[2001:db8::1]"));
    }
}
