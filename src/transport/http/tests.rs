use super::*;

fn retry_after_of(value: &str) -> Option<Duration> {
    retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(value).unwrap())]))
}

#[test]
fn retry_after_is_read_as_seconds_or_as_a_date() {
    assert_eq!(retry_after_of("7"), Some(Duration::from_secs(7)));
    assert_eq!(retry_after_of(" 0 "), Some(Duration::ZERO));
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
    let wait = retry_after_of(&date).unwrap();
    assert!(wait > Duration::from_secs(90) && wait <= Duration::from_secs(100), "{wait:?}");
}

#[test]
fn a_retry_after_that_cannot_be_read_is_ignored() {
    for value in ["", "soon", "-1", "1.5", "Sun, 06 Nov 1994 08:49:37 GMT", "99999999999999999999999"] {
        assert_eq!(retry_after_of(value), None, "{value}");
    }
    assert_eq!(retry_after(&HeaderMap::new()), None);
}

fn keep_alive_of(value: &str) -> Option<u64> {
    let headers =
        HeaderMap::from_iter([(HeaderName::from_static("keep-alive"), HeaderValue::from_str(value).unwrap())]);
    keep_alive_timeout(&headers).map(|timeout| timeout.as_secs())
}

#[test]
fn the_timeout_of_a_keep_alive_header_is_read_wherever_it_stands() {
    for (value, timeout) in [
        ("timeout=5", Some(5)),
        ("timeout=5, max=100", Some(5)),
        ("max=100, timeout = 7", Some(7)),
        ("Timeout=\"3\"", Some(3)),
        ("timeout=0", Some(0)),
        ("max=100", None),
        ("timeout=", None),
        ("timeout=soon", None),
        ("timeout", None),
        ("", None),
    ] {
        assert_eq!(keep_alive_of(value), timeout, "{value}");
    }
    assert_eq!(keep_alive_timeout(&HeaderMap::new()), None);
}
