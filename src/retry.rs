//! The rule for sending a request again.

use crate::{error::RequestError, provider::Reason, wire::Method};

/// Whether the same request may go out again after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    UntilDeadline,
    /// A few times: the cause is likely to persist.
    Limited,
    Never,
}

/// The whole rule. createTask is billed and not idempotent, so it goes out again only where the first copy surely created
/// nothing; the other methods are free and safe to repeat.
pub fn retry_policy(method: Method, error: &RequestError) -> Retry {
    use Method::{CreateTask, GetBalance, GetTaskResult};
    match (method, error) {
        // Nothing was sent. A task that is paid for is worth waiting for; nothing else is yet.
        (GetTaskResult, RequestError::Connect { .. }) => Retry::UntilDeadline,
        (CreateTask | GetBalance, RequestError::Connect { .. }) => Retry::Limited,
        // Refused before anything was created.
        (_, RequestError::NotProcessed { .. }) => Retry::UntilDeadline,
        // It cannot work before somebody changes it.
        (_, RequestError::Configuration { .. }) => Retry::Never,
        // Whatever answers there is not the provider, and asking again does not change that.
        (_, RequestError::Certificate { .. }) => Retry::Never,
        // It may have arrived.
        (CreateTask, RequestError::Interrupted { .. } | RequestError::Decode { .. }) => Retry::Never,
        (GetTaskResult | GetBalance, RequestError::Interrupted { .. } | RequestError::Decode { .. }) => {
            Retry::UntilDeadline
        }
        // Throttled: refused before anything was created.
        (_, RequestError::Http { status: 429, .. }) => Retry::UntilDeadline,
        // An error of a gateway, and a request that may have got past it.
        (CreateTask, RequestError::Http { .. }) => Retry::Never,
        (GetTaskResult | GetBalance, RequestError::Http { status: 100..200 | 300..400 | 408 | 500.., .. }) => {
            Retry::UntilDeadline
        }
        (GetTaskResult | GetBalance, RequestError::Http { .. }) => Retry::Never,
        // The provider broke the protocol: it would again.
        (_, RequestError::Protocol { .. } | RequestError::Solution(_)) => Retry::Never,
        (method, RequestError::Provider(error)) => match error.reason {
            // Nothing was created or charged.
            Reason::Busy => Retry::UntilDeadline,
            // While polling it is the query that was refused, whatever the name for it, and not the paid task.
            Reason::Banned if method == GetTaskResult => Retry::UntilDeadline,
            // These count toward a ban, or will not change.
            Reason::Account | Reason::Banned | Reason::Request | Reason::Proxy => Retry::Never,
            // The task has ended; who pays for that differs, so a new one is the caller's decision.
            Reason::Unsolvable | Reason::Expired => Retry::Never,
            // Throttled, whatever the code.
            Reason::Unknown if error.status == 429 => Retry::UntilDeadline,
            Reason::Unknown => Retry::Never,
        },
    }
}

#[cfg(test)]
mod tests;
