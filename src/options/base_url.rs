//! Where an API lives: https, or plain http on loopback.

use url::{Host, Url};

const MAX_LENGTH: usize = 2048;

/// The URL, ending in a slash so that a method's name can be joined to it, and whether it is on this machine.
pub fn parse(text: &str) -> Result<(Url, bool), String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("is longer than {MAX_LENGTH} characters"));
    }
    let mut url = Url::parse(text).map_err(|problem| format!("is no URL: {problem}"))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    };
    let unspecified = match url.host() {
        Some(Host::Ipv4(address)) => address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_unspecified(),
        _ => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" if unspecified => {
            return Err("has an address to listen on, not one to connect to: use http://127.0.0.1".into());
        }
        "http" => {
            return Err(
                "plain http is allowed to loopback only, such as http://127.0.0.1: elsewhere the key would travel \
                        in the clear"
                    .into(),
            );
        }
        _ => return Err("must be an https URL".into()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry credentials".into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end with its path: no query, no fragment".into());
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok((url, loopback))
}

/// Whether a name is one of this machine: `localhost`, and all names in it (RFC 6761). These are never looked up, so that no
/// name server can send them elsewhere.
pub fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let (subdomain, top) = name.rsplit_once('.').unwrap_or(("x", name));
    top.eq_ignore_ascii_case("localhost") && !subdomain.is_empty() && !subdomain.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_allowed_to_loopback_however_it_is_spelt() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "x.localhost",
            "a.b.localhost.",
            "127.0.0.1",
            "127.255.255.254",
            "127.1",
            "127.0.0.1.",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0177.0.0.1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
        ] {
            let (url, loopback) =
                parse(&format!("http://{host}:8080/api")).unwrap_or_else(|error| panic!("{host}: {error}"));
            assert!(loopback && url.as_str().ends_with(":8080/api/"), "{host}");
            assert!(parse(&format!("https://{host}")).unwrap().1, "{host}");
        }
    }

    #[test]
    fn plain_http_to_anything_else_is_refused_with_the_address_to_use() {
        for host in [
            "example.test",
            "localhost.example.test",
            "xlocalhost",
            "localhost.x",
            ".localhost",
            "localhost..",
            "128.0.0.1",
            "192.168.0.1",
            "0.0.0.0",
            "0",
            "[::]",
            "[::2]",
            "[::ffff:0.0.0.0]",
            "[::ffff:192.0.2.1]",
            "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
        ] {
            let problem = parse(&format!("http://{host}/")).unwrap_err();
            assert!(problem.contains("http://127.0.0.1") || problem.starts_with("is no URL"), "{host}: {problem}");
            assert!(!problem.contains("this machine alone"), "{host}: {problem}");
            if let Ok((_, loopback)) = parse(&format!("https://{host}/")) {
                assert!(!loopback, "{host}");
            }
        }
        for host in ["0.0.0.0", "[::]", "0", "[::ffff:0.0.0.0]"] {
            let problem = parse(&format!("http://{host}:8080/")).unwrap_err();
            assert!(problem.contains("an address to listen on"), "{host}: {problem}");
        }
    }
}
