use std::ffi::OsString;

use super::*;

fn is_exempt_url(list: &str, url: &str) -> bool {
    is_exempt(list, &Url::parse(url).unwrap())
}

fn https_proxy_of(value: impl Into<OsString>) -> Result<Option<Proxy>, String> {
    let value = value.into();
    https_proxy(&|name| (name == "HTTPS_PROXY").then(|| value.clone()))
}

#[test]
fn a_name_in_no_proxy_is_read_as_node_reads_it() {
    for (list, exempt) in [
        ("api.example.test", true),
        ("other.test, API.Example.TEST ,x", true),
        (".example.test", true),
        (".api.example.test", true),
        ("*.example.test", true),
        ("*.test", true),
        ("*", true),
        ("other.test,*", true),
        ("api.example.test:443", true),
        ("", false),
        (" , ", false),
        (",", false),
        ("api.example.test:8443", false),
        ("api.example.test:", false),
        (":443", false),
        ("example.test", false),
        ("api.example", false),
        ("xample.test", false),
        (".xample.test", false),
        ("*.xample.test", false),
        ("*xample.test", false),
        ("*.api.example.test", false),
        ("api.*", false),
        ("xapi.example.test", false),
        (".", false),
        ("*.", false),
        ("https://api.example.test", false),
        ("other.test api.example.test", false),
        (".example.test:443", false),
        ("*:443", false),
        ("[*]", false),
        ("[api.example.test]", false),
        ("api.example.test.", false),
        ("api.example.test:+443", false),
        ("api.example.test:0443", false),
    ] {
        assert_eq!(is_exempt_url(list, "https://api.example.test"), exempt, "{list:?}");
        assert_eq!(is_exempt_url(list, "https://api.example.test./"), exempt, "{list:?}");
    }
    assert!(is_exempt_url("api.example.test:8443", "https://API.example.test:8443"));
}

#[test]
fn addresses_in_no_proxy_are_names_too() {
    assert!(is_exempt_url("203.0.113.7", "https://203.0.113.7"));
    assert!(is_exempt_url("203.0.113.7:443", "https://203.0.113.7"));
    assert!(is_exempt_url("2001:db8::1", "https://[2001:db8::1]"));
    assert!(is_exempt_url("2001:DB8::1", "https://[2001:db8:0::1]"));
    assert!(is_exempt_url("[2001:db8::1]", "https://[2001:db8::1]"));
    assert!(is_exempt_url("[2001:db8::1]:443", "https://[2001:db8::1]"));
    assert!(!is_exempt_url("[2001:db8::1]:8443", "https://[2001:db8::1]"));
    assert!(!is_exempt_url("[2001:db8::2]", "https://[2001:db8::1]"));
    assert!(!is_exempt_url("203.0.113.70", "https://203.0.113.7"));
}

#[test]
fn a_range_of_addresses_in_no_proxy_holds_its_ends() {
    for (list, host, exempt) in [
        ("192.0.2.0-192.0.2.255", "192.0.2.0", true),
        ("192.0.2.0-192.0.2.255", "192.0.2.77", true),
        ("192.0.2.0-192.0.2.255", "192.0.2.255", true),
        ("192.0.2.0-192.0.2.255", "192.0.3.0", false),
        ("192.0.2.0-192.0.2.255", "192.0.1.255", false),
        ("x.test, 192.0.2.10 - 192.0.2.20 ", "192.0.2.15", true),
        ("9.0.0.0-10.0.0.0", "9.255.0.1", true),
        ("192.0.2.20-192.0.2.10", "192.0.2.15", false),
        ("192.0.2.0-", "192.0.2.0", false),
        ("-192.0.2.0", "192.0.2.0", false),
        ("192.0.2.0/24", "192.0.2.1", false),
        ("192.0.2.0-192.0.2.256", "192.0.2.1", false),
        ("a-b", "192.0.2.1", false),
    ] {
        assert_eq!(is_exempt_url(list, &format!("https://{host}/")), exempt, "{list} {host}");
    }
    assert!(is_exempt_url("a-b.test", "https://a-b.test"), "a name with a hyphen is a name");
    assert!(!is_exempt_url("192.0.2.0-192.0.2.255", "https://example.test"));
}

#[test]
fn lower_case_comes_first_and_an_empty_variable_counts_as_none() {
    for (lower, upper, read) in [
        (Some("http://a"), Some("http://b"), Some("a")),
        (None, Some("http://b"), Some("b")),
        (Some("http://a"), None, Some("a")),
        (Some(""), Some(""), None),
        (None, None, None),
    ] {
        let environment = |asked: &str| match asked {
            "no_proxy" | "https_proxy" => lower.map(OsString::from),
            "NO_PROXY" | "HTTPS_PROXY" => upper.map(OsString::from),
            _ => panic!("{asked} is not read"),
        };
        let proxy = https_proxy(&environment).unwrap();
        assert_eq!(proxy.as_ref().and_then(|proxy| proxy.uri.host()), read, "{lower:?} {upper:?}");
        let list = read.map(|host| format!("http://{host}")).unwrap_or_default();
        assert_eq!(no_proxy(&environment), list, "{lower:?} {upper:?}");
    }
}

#[test]
fn a_blank_variable_is_not_an_absent_one() {
    let environment = |asked: &str| match asked {
        "no_proxy" | "https_proxy" => Some(OsString::from(" ")),
        _ => Some(OsString::from("http://b")),
    };
    assert!(https_proxy(&environment).unwrap_err().contains("https_proxy"));
    assert_eq!(no_proxy(&environment), " ");
}

#[test]
fn a_proxy_is_an_http_or_https_url() {
    for (text, uri, is_https) in [
        ("http://proxy.test:8080", "http://proxy.test:8080/", false),
        ("http://proxy.test", "http://proxy.test:80/", false),
        ("https://proxy.test", "https://proxy.test:443/", true),
        ("HTTPS://Proxy.test:1/", "https://proxy.test:1/", true),
        (" http://proxy.test:3128/ ", "http://proxy.test:3128/", false),
        ("http://proxy.test:3128/path", "http://proxy.test:3128/", false),
        ("http://user:p%40ss@proxy.test:3128", "http://proxy.test:3128/", false),
        ("http://192.0.2.1:3128", "http://192.0.2.1:3128/", false),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128/", false),
    ] {
        let proxy = https_proxy_of(text).unwrap().unwrap();
        assert_eq!((proxy.uri.to_string().as_str(), proxy.is_https), (uri, is_https), "{text}");
    }
}

#[test]
fn a_user_and_a_password_are_decoded_and_never_shown() {
    for (text, credentials) in [
        ("http://user:password@proxy.test", "user:password"),
        ("http://us%40er:p%3A%2F%C3%A9@proxy.test", "us@er:p:/é"),
        ("http://user@proxy.test", "user:"),
        ("http://:password@proxy.test", ":password"),
    ] {
        let proxy = https_proxy_of(text).unwrap().unwrap();
        let authorization = proxy.authorization().unwrap();
        assert_eq!(authorization.to_str().unwrap(), format!("Basic {}", STANDARD.encode(credentials)));
        let shown = format!("{proxy:?} {authorization:?}");
        assert!(!shown.contains("user") && !shown.contains("password") && !shown.contains("Basic"), "{shown}");
    }
    assert!(https_proxy_of("http://proxy.test").unwrap().unwrap().authorization().is_none());
}

#[test]
fn a_setting_that_names_no_usable_proxy_is_an_error_that_names_the_variable() {
    for (text, words) in [
        ("socks5://proxy.test:1080", "has the scheme socks5"),
        ("socks5h://user:secret@proxy.test:1080", "has the scheme socks5h"),
        ("SOCKS4://proxy.test", "has the scheme socks4"),
        ("ftp://proxy.test", "has the scheme ftp"),
        ("htttp://proxy.test", "has the scheme htttp"),
        ("tcp://proxy.test", "has the scheme tcp"),
        ("pac+http://proxy.test", "has the scheme pac+http"),
        ("proxy.test:8080", "must begin with http:// or https://"),
        ("proxy.test", "must begin with http:// or https://"),
        ("//proxy.test", "must begin with http:// or https://"),
        ("http:/proxy.test", "must begin with http:// or https://"),
        ("http:proxy.test", "must begin with http:// or https://"),
        ("user:secret@proxy.test:80", "must begin with http:// or https://"),
        ("user:secret@proxy.test://x", "must begin with http:// or https://"),
        ("://proxy.test", "must begin with http:// or https://"),
        ("DIRECT", "must begin with http:// or https://"),
        ("http://", "has no host"),
        ("http://:8080", "has no host"),
        ("http:///proxy.test", "has no host"),
        ("http://\\proxy.test", "has no host"),
        ("http://user:secret@:8080", "has no host"),
        ("http://user:secret@", "has no host"),
        ("http://proxy.test:0", "has an invalid port"),
        ("http://proxy.test:65536", "has an invalid port"),
        ("http://proxy.test:port", "has an invalid port"),
        ("http://proxy.test:-1", "has an invalid port"),
        ("http://user:secret/more@proxy.test", "has an invalid port"),
        ("http://user:1/secret@proxy.test", "has an @ behind its host"),
        ("http://user:1?secret@proxy.test", "has an @ behind its host"),
        ("http://proxy test", "is no URL"),
        ("http://[2001:db8::1", "is no URL"),
        ("http://300.0.0.1", "is no URL"),
        ("http://pro\nxy.test", "contains a control character"),
        ("http://proxy.test\r", "contains a control character"),
        ("\thttp://proxy.test", "contains a control character"),
    ] {
        let problem = https_proxy_of(text).unwrap_err();
        let start = format!("the environment variable HTTPS_PROXY names no usable proxy: it {words}");
        assert!(problem.starts_with(&start), "{text:?}: {problem}");
        assert!(!problem.contains("secret"), "{problem}");
    }
    let lower = |name: &str| (name == "https_proxy").then(|| OsString::from("socks5://proxy.test"));
    assert!(https_proxy(&lower).unwrap_err().contains("https_proxy"));
}

#[cfg(unix)]
#[test]
fn a_setting_that_is_not_valid_utf8_is_no_setting_that_is_absent() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
    let problem = https_proxy_of(bytes(b"http://pr\xf6xy.test")).unwrap_err();
    assert!(problem.contains("HTTPS_PROXY") && problem.ends_with("it is not valid UTF-8"), "{problem}");
    let list = no_proxy(&|name| (name == "NO_PROXY").then(|| bytes(b"\xff.test,api.example.test")));
    assert!(is_exempt_url(&list, "https://api.example.test") && !is_exempt_url(&list, "https://x.test"));
}
