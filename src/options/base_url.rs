//! Where an API lives: https, or plain http on this machine alone.

use url::{Host, Url};

const MAX_LENGTH: usize = 2048;

/// The URL, ending in a slash so that a method's name can be joined to it, and whether it is on this machine.
pub fn parse(text: &str) -> Result<(Url, bool), String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("is longer than {MAX_LENGTH} characters"));
    }
    let mut url = Url::parse(text).map_err(|problem| format!("is no URL: {problem}"))?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => return Err("plain http is allowed to this machine alone: the key would travel in the clear".into()),
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
