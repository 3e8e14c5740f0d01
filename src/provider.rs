//! The providers: one data record each, and the table of their error codes. Adding a provider touches this file alone.

/// What is peculiar to one provider. Everything else is the protocol that they share.
#[derive(Debug)]
pub struct Provider {
    /// The value of the `provider` option.
    pub name: &'static str,
    /// Where its API lives; `None` makes `baseURL` a required option.
    pub base_url: Option<&'static str>,
    /// Its Turnstile task types, the default first; empty allows any and makes `taskType` a required option.
    pub task_types: &'static [&'static str],
    /// Where in the task the widget's action goes, as a path of field names; `None` where no field is documented.
    pub action: Option<&'static [&'static str]>,
    /// Where in the task the widget's cData goes.
    pub c_data: Option<&'static [&'static str]>,
    /// Whether it solves through a proxy of the caller's.
    pub proxy: bool,
    /// Its developer id, beside the task; `None` where none is documented.
    pub developer_id: Option<DeveloperId>,
    /// In which type a task's id goes back to it.
    pub task_id: IdType,
    /// So many refusals of an account within a minute get it banned.
    pub ban_after: usize,
}

/// The field that says which program sends a request.
#[derive(Debug)]
pub struct DeveloperId {
    /// Its name, at the top level of createTask's body.
    pub field: &'static str,
    pub format: IdFormat,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IdFormat {
    /// From 1.
    Integer {
        max: u64,
    },
    Text,
}

/// In which JSON type an id is sent. All ids are text in JavaScript.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IdType {
    Text,
    /// As the caller gave it: a number as a number, a text as text.
    AsGiven,
}

/// The largest integer up to which every integer is a JavaScript number.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

pub static PROVIDERS: &[Provider] = &[
    Provider {
        name: "ezcaptcha",
        base_url: Some("https://api.ez-captcha.com"),
        task_types: &["CloudFlareTurnstileTask"],
        action: Some(&["rqData", "metadataAction"]),
        c_data: Some(&["rqData", "metadataCdata"]),
        proxy: true,
        developer_id: Some(DeveloperId { field: "appId", format: IdFormat::Integer { max: i32::MAX as u64 } }),
        task_id: IdType::Text,
        ban_after: 30,
    },
    Provider {
        name: "yescaptcha",
        base_url: Some("https://api.yescaptcha.com"),
        task_types: &["TurnstileTaskProxyless", "TurnstileTaskProxylessM1"],
        action: None,
        c_data: None,
        proxy: false,
        developer_id: Some(DeveloperId { field: "softID", format: IdFormat::Integer { max: MAX_SAFE_INTEGER } }),
        task_id: IdType::Text,
        ban_after: 1000,
    },
    // Any other service that speaks the protocol; what it calls its optional fields goes into `extraTaskFields` and
    // `extraRequestFields`.
    Provider {
        name: "custom",
        base_url: None,
        task_types: &[],
        action: None,
        c_data: None,
        proxy: false,
        developer_id: None,
        task_id: IdType::AsGiven,
        // Not documented anywhere, so the strictest that is known.
        ban_after: 30,
    },
];

impl Provider {
    pub fn named(name: &str) -> Option<&'static Provider> {
        PROVIDERS.iter().find(|provider| provider.name == name)
    }
}

/// Why a provider refused: what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The key, the balance or the plan. Repeating it counts toward a ban.
    Account,
    /// The key or the address is banned for a while.
    Banned,
    /// Nothing was created or charged: the same call may go out again.
    Busy,
    /// The task itself is refused.
    Request,
    /// This task failed; a new one may cost again.
    Unsolvable,
    /// The task is unknown or gone.
    Expired,
    /// The proxy of the task is bad.
    Proxy,
    /// A code that is not known.
    Unknown,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Reason::Account => "account",
            Reason::Banned => "banned",
            Reason::Busy => "busy",
            Reason::Request => "request",
            Reason::Unsolvable => "unsolvable",
            Reason::Expired => "expired",
            Reason::Proxy => "proxy",
            Reason::Unknown => "unknown",
        }
    }

    pub fn advice(self) -> Option<&'static str> {
        match self {
            Reason::Account => Some("check the key, the balance and the plan: repeating this leads to a ban"),
            Reason::Banned => Some("stop sending for the time the provider names"),
            Reason::Request => Some("the task is refused as it is: correct it before trying again"),
            Reason::Unsolvable => Some("a new task may succeed and may cost again"),
            Reason::Expired => Some("results are kept for a few minutes only: create a new task"),
            Reason::Proxy => Some("the provider could not use the task's proxy"),
            Reason::Busy | Reason::Unknown => None,
        }
    }

    /// Classifies an `errorCode`. One table serves all providers: where they share a code they mean the same by it.
    pub fn of(error_code: &str) -> Reason {
        let code = error_code.trim();
        let code = match code.strip_prefix(PREFIX) {
            Some(code) => code,
            None if WITHOUT_PREFIX.contains(&code) => code,
            None => return Reason::Unknown,
        };
        let row = CODES.iter().find(|(codes, _)| codes.contains(&code));
        let family = || FAMILIES.iter().find(|(prefix, _)| code.starts_with(prefix));
        match row {
            Some((_, reason)) => *reason,
            None => family().map_or(Reason::Unknown, |(_, reason)| *reason),
        }
    }
}

/// Whether an error only says "not yet": compatible services send it while a task is processed.
pub fn is_not_ready(error_code: &str) -> bool {
    matches!(error_code.trim(), "CAPTCHA_NOT_READY" | "ERROR_CAPTCHA_NOT_READY" | "CAPCHA_NOT_READY")
}

const PREFIX: &str = "ERROR_";
/// Codes that are also sent without the prefix.
const WITHOUT_PREFIX: &[&str] = &["INVALID_RECAPTCHA_SITEURL", "WRONG_CAPTCHA_ID"];

/// Without the prefix. Misspelt codes are the providers' own.
const CODES: &[(&[&str], Reason)] = &[
    (
        &[
            "CLIENTKEY_UNAUTHORIZED",
            "IP_NOT_ALLOWED",
            "PACKAGE_NOT_EXIST",
            "PACKAGE_TASK_TYPE_NOT_SUPPORTED",
            "SETTLEMENT_FAILED",
            "SUBSCRIPTION_EXPIRED",
            "ZERO_BALANCE",
        ],
        Reason::Account,
    ),
    (&["KEY_TEMP_BLOCKED", "REQUEST_BANNED"], Reason::Banned),
    (
        &[
            "INTERNAL_SERVER_ERROR",
            "RATE_LIMIT",
            "REQUEST_LIMIT",
            "SERVICE_TIMEOUT",
            "SERVICE_UNAVAILABLE",
            "SERVICE_UNAVALIABLE",
            "THREADS_MAXIMUM",
            "TOO_MANY_REQUESTS",
            "TOO_MUCH_REQUESTS",
        ],
        Reason::Busy,
    ),
    (
        &[
            "BAD_PARAMETERS",
            "BAD_REQUEST",
            "CONTENT_TYPE_ERROR",
            "DOMAIN_NOT_ALLOWED",
            "INCORRECT_SESSION_DATA",
            "INVALID_RECAPTCHA_SITEURL",
            "INVALID_TASK_DATA",
            "NOT_FOUND",
            "NO_SUCH_METHOD",
            "PAGEURL",
            "PAGE_NOT_FOUND",
            "RECAPTCHA_INVALID_DOMAIN",
            "RECAPTCHA_INVALID_SITEKEY",
            "REQUEST_METHOD",
            "REQUEST_PARAMETERS",
            "REQUIRED_FIELDS",
            "TASK_ABSENT",
            "TASK_NOT_SUPPORTED",
            "TASK_TYPE_NOT_ALLOWED",
            "TASK_TYPE_NOT_AVAILABLE",
            "TASK_TYPE_NOT_SUPPORTED",
            "UNKNOWN_QUESTION",
            "WEBSITE_NOT_ALLOWED",
            "WRONG_USERAGENT",
        ],
        Reason::Request,
    ),
    (
        &[
            "ALL_WORKERS_FILTERED",
            "BAD_DUPLICATES",
            "CAPTCHA_SOLVE_FAILED",
            "CAPTCHA_UNSOLVABLE",
            "FAILED_LOADING_WIDGET",
            "RECAPTCHA_TIMEOUT",
            "TASK_CANCELED",
            "TASK_TIMEOUT",
            "TOKEN_EXPIRED",
        ],
        Reason::Unsolvable,
    ),
    (
        &[
            "NO_SUCH_CAPCHA_ID",
            "NO_SUCH_TASK",
            "TASKID_INVALID",
            "TASK_NOT_EXIST",
            "TASK_NOT_FOUND",
            "WRONG_CAPTCHA_ID",
        ],
        Reason::Expired,
    ),
    (&["BAD_PROXY", "REQUEST_PROXY_MISSING"], Reason::Proxy),
];

/// Codes that come in families are classified by how they begin.
const FAMILIES: &[(&str, Reason)] = &[
    ("ACCOUNT_", Reason::Account),
    ("KEY_", Reason::Account),
    ("IP_BANNED", Reason::Banned),
    ("IP_BLOCKED", Reason::Banned),
    ("NO_SLOT_AVAILABLE", Reason::Busy),
    ("PROXY_", Reason::Proxy),
];

#[cfg(test)]
mod tests;
