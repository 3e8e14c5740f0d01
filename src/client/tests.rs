use super::{Method::*, Repeat::*, *};
use crate::error::Refusal;

fn refused(reason: Reason) -> Fault {
    refused_with(200, reason)
}

fn refused_with(status: u16, reason: Reason) -> Fault {
    let (error_code, error_description) = (String::new(), String::new());
    Fault::Refused(Box::new(Refusal { status, error_id: 1, error_code, error_description, reason, retry_after: None }))
}

fn http_status(status: u16) -> Fault {
    Fault::Http { status, excerpt: String::new() }
}

/// The whole rule: for each fault what createTask, getTaskResult and getBalance do about it.
#[test]
fn only_what_surely_created_nothing_is_sent_again() {
    let text = String::new;
    let table = [
        (Fault::Unreachable { detail: text() }, [Briefly, Yes, Briefly]),
        (Fault::Declined { detail: text() }, [Yes, Yes, Yes]),
        (Fault::Untrusted { detail: text() }, [No, No, No]),
        (Fault::Lost { detail: text() }, [No, Yes, Yes]),
        (Fault::Garbled { status: 200, problem: text() }, [No, Yes, Yes]),
        (Fault::Broken { status: 200, problem: text() }, [No, No, No]),
        (http_status(101), [No, Yes, Yes]),
        (http_status(301), [No, Yes, Yes]),
        (http_status(307), [No, Yes, Yes]),
        (http_status(400), [No, No, No]),
        (http_status(401), [No, No, No]),
        (http_status(404), [No, No, No]),
        (http_status(408), [No, Yes, Yes]),
        (http_status(429), [Yes, Yes, Yes]),
        (http_status(500), [No, Yes, Yes]),
        (http_status(502), [No, Yes, Yes]),
        (http_status(503), [No, Yes, Yes]),
        (http_status(599), [No, Yes, Yes]),
        (refused(Reason::Account), [No, No, No]),
        (refused(Reason::Banned), [No, No, No]),
        (refused(Reason::Busy), [Yes, Yes, Yes]),
        (refused(Reason::Request), [No, No, No]),
        (refused(Reason::Unsolvable), [No, No, No]),
        (refused(Reason::Expired), [No, No, No]),
        (refused(Reason::Proxy), [No, No, No]),
        (refused(Reason::Unknown), [No, No, No]),
        (refused_with(429, Reason::Unknown), [Yes, Yes, Yes]),
        (refused_with(429, Reason::Banned), [No, No, No]),
    ];
    for (fault, expected) in table {
        let decided = [CreateTask, GetTaskResult, GetBalance].map(|method| repeat(method, &fault));
        assert_eq!(decided, expected, "{fault:?}");
        if fault.may_have_been_accepted() {
            assert_eq!(repeat(CreateTask, &fault), No, "{fault:?} may have bought a task already");
        }
    }
}

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
fn a_retry_after_that_says_nothing_is_passed_over() {
    for value in ["", "soon", "-1", "1.5", "Sun, 06 Nov 1994 08:49:37 GMT", "99999999999999999999999"] {
        assert_eq!(retry_after_of(value), None, "{value}");
    }
    assert_eq!(retry_after(&HeaderMap::new()), None);
}
