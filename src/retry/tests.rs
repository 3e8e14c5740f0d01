use super::{Method::*, Retry::*, *};
use crate::error::{ProviderError, UnusableSolution};

fn refused(reason: Reason) -> RequestError {
    refused_with(200, reason)
}

fn refused_with(status: u16, reason: Reason) -> RequestError {
    RequestError::Provider(Box::new(ProviderError::new(status, String::new(), reason)))
}

fn http_status(status: u16) -> RequestError {
    RequestError::Http { status, excerpt: String::new() }
}

/// The whole rule: for each error what createTask, getTaskResult and getBalance do about it.
#[test]
fn only_what_surely_created_nothing_is_sent_again() {
    let text = String::new;
    let table = [
        (RequestError::Connect { detail: text() }, [Limited, UntilDeadline, Limited]),
        (RequestError::Configuration { detail: text() }, [Never, Never, Never]),
        (RequestError::NotProcessed { detail: text() }, [UntilDeadline, UntilDeadline, UntilDeadline]),
        (RequestError::Certificate { detail: text() }, [Never, Never, Never]),
        (RequestError::Interrupted { detail: text() }, [Never, UntilDeadline, UntilDeadline]),
        (RequestError::Decode { status: 200, problem: text() }, [Never, UntilDeadline, UntilDeadline]),
        (RequestError::Protocol { status: 200, problem: text() }, [Never, Never, Never]),
        (
            RequestError::Solution(Box::new(UnusableSolution { status: 200, problem: "", raw: text() })),
            [Never, Never, Never],
        ),
        (http_status(101), [Never, UntilDeadline, UntilDeadline]),
        (http_status(301), [Never, UntilDeadline, UntilDeadline]),
        (http_status(307), [Never, UntilDeadline, UntilDeadline]),
        (http_status(400), [Never, Never, Never]),
        (http_status(401), [Never, Never, Never]),
        (http_status(404), [Never, Never, Never]),
        (http_status(408), [Never, UntilDeadline, UntilDeadline]),
        (http_status(429), [UntilDeadline, UntilDeadline, UntilDeadline]),
        (http_status(500), [Never, UntilDeadline, UntilDeadline]),
        (http_status(502), [Never, UntilDeadline, UntilDeadline]),
        (http_status(503), [Never, UntilDeadline, UntilDeadline]),
        (http_status(599), [Never, UntilDeadline, UntilDeadline]),
        (refused(Reason::Account), [Never, Never, Never]),
        (refused(Reason::Banned), [Never, UntilDeadline, Never]),
        (refused(Reason::Busy), [UntilDeadline, UntilDeadline, UntilDeadline]),
        (refused(Reason::Request), [Never, Never, Never]),
        (refused(Reason::Unsolvable), [Never, Never, Never]),
        (refused(Reason::Expired), [Never, Never, Never]),
        (refused(Reason::Proxy), [Never, Never, Never]),
        (refused(Reason::Unknown), [Never, Never, Never]),
        (refused_with(429, Reason::Unknown), [UntilDeadline, UntilDeadline, UntilDeadline]),
        (refused_with(429, Reason::Banned), [Never, UntilDeadline, Never]),
    ];
    for (error, expected) in table {
        let decided = [CreateTask, GetTaskResult, GetBalance].map(|method| retry_policy(method, &error));
        assert_eq!(decided, expected, "{error:?}");
        if error.may_have_been_accepted() {
            assert_eq!(retry_policy(CreateTask, &error), Never, "{error:?} may have bought a task already");
        }
    }
}
