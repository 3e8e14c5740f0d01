//! What must happen: every fault on every call, written by hand from the contract.

use std::time::Duration;

use serde_json::{Value, json};

use super::KEY;
use crate::{
    error::RequestError,
    provider::Reason::{self, *},
    transport::scripted::Step,
    wire::Method::{self, *},
};

/// What a call comes to when it meets a fault once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// As if nothing had happened.
    Ok,
    /// The task is not ready yet: polling goes on, and nothing counts as repeated.
    Pending,
    /// The request goes out again and the call succeeds. If the fault never ends: `TIMEOUT`, with the fault as its cause.
    Retried,
    /// It ends at once; a task may have been created and charged, and its id is unknown.
    ChargeUnknown,
    /// It ends at once; nothing was charged.
    NotCharged,
    /// It ends at once; the task is paid for, and its id is in the error.
    Resumable,
}

use Cell::{ChargeUnknown, NotCharged, Ok as Fine, Pending, Resumable, Retried};

/// The fields of the error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fields {
    pub code: &'static str,
    pub status: Option<u16>,
    pub error_code: Option<&'static str>,
    pub reason: Option<Reason>,
    pub retry_after: Option<Duration>,
}

pub struct Row {
    /// The line of the document that it belongs to.
    pub group: &'static str,
    pub name: String,
    pub step: Box<dyn Fn(Method) -> Step>,
    pub fields: Fields,
    /// In the order of the columns; `None` where the fault cannot be.
    pub cells: [Option<Cell>; 6],
    /// The server asks for so long a pause.
    pub pause: Duration,
    /// The first retry goes out without a wait.
    pub at_once: bool,
}

//                               createTask     solve, creating  solve, polling  waitForTask  getTaskResult  getBalance
const NOTHING_WRONG: Cells = /**/ [Some(Fine), Some(Fine), Some(Fine), Some(Fine), Some(Fine), Some(Fine)];
const RETRIED: Cells = /*     */ [Some(Retried); 6];
const NOT_CREATE: Cells =
    [Some(ChargeUnknown), Some(ChargeUnknown), Some(Retried), Some(Retried), Some(Retried), Some(Retried)];
const NOT_CREATE_FREE: Cells =
    [Some(NotCharged), Some(NotCharged), Some(Retried), Some(Retried), Some(Retried), Some(Retried)];
const NOT_CREATE_BANNED: Cells =
    [Some(NotCharged), Some(NotCharged), Some(Retried), Some(Retried), Some(Retried), Some(NotCharged)];
const REFUSED: Cells =
    [Some(NotCharged), Some(NotCharged), Some(Resumable), Some(Resumable), Some(Resumable), Some(NotCharged)];
const IN_POLL: Cells = [None, None, Some(Resumable), Some(Resumable), Some(Resumable), None];
const STILL_PENDING: Cells = [None, None, Some(Pending), Some(Pending), Some(Pending), None];
const IN_CREATE: Cells = [Some(ChargeUnknown), Some(ChargeUnknown), None, None, None, None];

type Cells = [Option<Cell>; 6];

pub const CREATED: &str = r#"{"errorId":0,"taskId":"task-1"}"#;
pub const READY: &str = r#"{"errorId":0,"status":"ready","solution":{"token":"token-1"}}"#;
pub const BALANCE: &str = r#"{"errorId":0,"balance":12.5}"#;

/// The right reply.
pub fn success(method: Method) -> &'static str {
    match method {
        CreateTask => CREATED,
        GetTaskResult => READY,
        GetBalance => BALANCE,
    }
}

fn text() -> String {
    "the network's own words".into()
}

fn http(status: u16) -> Fields {
    Fields { code: "HTTP_ERROR", status: Some(status), ..Fields::default() }
}

fn invalid() -> Fields {
    Fields { code: "INVALID_RESPONSE", status: Some(200), ..Fields::default() }
}

fn connection() -> Fields {
    Fields { code: "CONNECTION_FAILED", ..Fields::default() }
}

fn provider(error_code: &'static str, reason: Reason, status: u16) -> Fields {
    Fields {
        code: "PROVIDER_ERROR",
        status: Some(status),
        error_code: Some(error_code),
        reason: Some(reason),
        retry_after: None,
    }
}

fn refusal(error_code: &str, status: u16) -> Step {
    Step::reply(status, json!({ "errorId": 1, "errorCode": error_code, "errorDescription": "no" }).to_string())
}

/// The table under construction.
#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    fn add(
        &mut self,
        group: &'static str,
        name: impl Into<String>,
        cells: Cells,
        fields: Fields,
        step: impl Fn(Method) -> Step + 'static,
    ) -> &mut Row {
        let (name, step) = (name.into(), Box::new(step));
        self.0.push(Row { group, name, step, fields, cells, pause: Duration::ZERO, at_once: false });
        self.0.last_mut().unwrap()
    }
}

pub fn rows() -> Vec<Row> {
    let mut table = Table::default();
    network(&mut table);
    gateways(&mut table);
    refusals(&mut table);
    replies(&mut table);
    table.0
}

fn network(table: &mut Table) {
    const LATE: &str = "A reply that is late, but in time";
    table.add(LATE, "late, but in time", NOTHING_WRONG, Fields::default(), |method| {
        Step::reply(200, success(method)).connect_takes(Duration::from_millis(400)).reply_takes(Duration::from_secs(1))
    });

    const CONNECT: &str = "No connection: name, connect, TLS handshake (`createTask` and `getBalance` try five times)";
    table.add(CONNECT, "no connection", RETRIED, connection(), |_| {
        Step::error(RequestError::Connect { detail: text() })
    });
    table.add(CONNECT, "no connection within requestTimeoutMs", RETRIED, connection(), |_| Step::silence(false));
    const PROXY: &str = "The environment names a proxy that is no URL or of another kind than http and https";
    table.add(PROXY, "no usable proxy", REFUSED, connection(), |_| {
        Step::error(RequestError::Configuration { detail: text() })
    });
    table.add("The certificate is refused", "certificate refused", REFUSED, connection(), |_| {
        Step::error(RequestError::Certificate { detail: text() })
    });

    const INTERRUPTED: &str =
        "Reset, closed or cut off before the reply was complete, or not complete within `requestTimeoutMs`";
    table.add(INTERRUPTED, "connection reset", NOT_CREATE, connection(), |_| {
        Step::error(RequestError::Interrupted { detail: text() })
    });
    table.add(INTERRUPTED, "no reply within requestTimeoutMs", NOT_CREATE, connection(), |_| Step::silence(true));
    table.add(INTERRUPTED, "a reply that comes too late", NOT_CREATE, connection(), |method| {
        Step::reply(200, success(method)).reply_takes(Duration::from_secs(3600))
    });
    table.add(INTERRUPTED, "reset before the body left", RETRIED, connection(), |_| Step {
        body_leaves: false,
        ..Step::error(RequestError::Interrupted { detail: text() })
    });
    // Nothing was sent that could have been acted on: the same as no connection.
    table.0.last_mut().unwrap().group = CONNECT;

    const NOT_PROCESSED: &str = "HTTP/2 says that the request was not processed";
    table
        .add(NOT_PROCESSED, "not processed", RETRIED, connection(), |_| Step {
            body_leaves: true,
            ..Step::error(RequestError::NotProcessed { detail: text() })
        })
        .at_once = true;
}

fn gateways(table: &mut Table) {
    const NOT_JSON: &str = "200, but not a reply of the task API: cut JSON, a page, nothing, over 1 MiB";
    table.add(NOT_JSON, "over 1 MiB", NOT_CREATE, invalid(), |_| {
        Step::error(RequestError::Decode { status: 200, problem: "the reply is larger than 1 MiB".into() })
    });
    for (name, body) in [
        ("truncated JSON", r#"{"errorId":0,"taskId":"task"#),
        ("empty body", ""),
        ("HTML with 200", "<html>welcome</html>"),
        ("no envelope", "{}"),
        ("a JSON array", r#"[{"errorId":0,"status":"ready"}]"#),
        ("wrong JSON types", r#"{"errorId":"zero","taskId":[],"status":{}}"#),
        ("JSON text", r#""ready""#),
    ] {
        table.add(NOT_JSON, name, NOT_CREATE, invalid(), move |_| Step::reply(200, body));
    }

    const GATEWAY: &str = "408 or 5xx from a gateway";
    for status in [408, 500, 502, 503, 504, 599] {
        table.add(GATEWAY, format!("{status}"), NOT_CREATE, http(status), move |_| {
            Step::reply(status, "<html>no</html>")
        });
    }
    let wait = Duration::from_secs(7);
    table
        .add(GATEWAY, "503, Retry-After", NOT_CREATE, http(503), move |_| Step::reply(503, "").retry_after(wait))
        .pause = wait;
    for status in [307, 308] {
        table.add(
            "A redirect: it is not followed",
            format!("redirect ({status})"),
            NOT_CREATE_FREE,
            http(status),
            move |_| Step::reply(status, ""),
        );
    }
    // What these say is that the POST may be done and that its result is elsewhere.
    for status in [301, 302, 303] {
        table.add(
            "301 to 303, redirects that may say that the request was acted on",
            format!("redirect ({status})"),
            NOT_CREATE,
            http(status),
            move |_| Step::reply(status, ""),
        );
    }
    for status in [400, 401, 403, 404, 410] {
        table.add(
            "Any other 4xx that is not a reply of the task API",
            format!("{status}"),
            REFUSED,
            http(status),
            move |_| Step::reply(status, "<html>no</html>"),
        );
    }
}

fn refusals(table: &mut Table) {
    const BUSY: &str = "Refused for now: 429, or `reason: busy`";
    table.add(BUSY, "429", RETRIED, http(429), |_| Step::reply(429, "<html>slow down</html>"));
    for wait in [2, 7, 3600] {
        let wait = Duration::from_secs(wait);
        table
            .add(BUSY, format!("429, Retry-After: {} s", wait.as_secs()), RETRIED, http(429), move |_| {
                Step::reply(429, "").retry_after(wait)
            })
            .pause = wait;
    }
    for (code, status) in
        [("ERROR_INTERNAL_SERVER_ERROR", 500), ("ERROR_REQUEST_LIMIT", 429), ("ERROR_SERVICE_UNAVAILABLE", 200)]
    {
        table.add(BUSY, code, RETRIED, provider(code, Busy, status), move |_| refusal(code, status));
    }
    const NEW_CODE: &str = "ERROR_THAT_IS_NEW";
    table.add(BUSY, "an unknown code with 429", RETRIED, provider(NEW_CODE, Unknown, 429), |_| refusal(NEW_CODE, 429));

    const FINAL: &str = "Refused for good: `reason` is account, request, expired, proxy or unknown";
    for (code, reason, status) in [
        ("ERROR_KEY_DOES_NOT_EXIST", Account, 500),
        ("ERROR_ZERO_BALANCE", Account, 200),
        ("ERROR_REQUEST_PARAMETERS", Reason::Request, 400),
        ("ERROR_TASK_NOT_EXIST", Expired, 500),
        ("ERROR_REQUEST_PROXY_MISSING", Proxy, 500),
        (NEW_CODE, Unknown, 500),
    ] {
        table.add(FINAL, code, REFUSED, provider(code, reason, status), move |_| refusal(code, status));
    }
    // At least a minute of silence, since one probe a minute is all that a ban allows.
    let pause = Some(Duration::from_secs(60));
    let banned = Fields { retry_after: pause, ..provider("ERROR_REQUEST_BANNED", Banned, 429) };
    table
        .add(
            "`reason: banned`: nothing but polls is sent for `retryAfterMs`",
            "banned",
            NOT_CREATE_BANNED,
            banned,
            |_| refusal("ERROR_REQUEST_BANNED", 429),
        )
        .pause = Duration::from_secs(3);
    for (spelling, echo) in KEY.spellings() {
        let fields = provider("ERROR_REQUEST_PARAMETERS", Reason::Request, 400);
        table.add(
            "A refusal whose text repeats the key: it is redacted",
            format!("the key echoed ({spelling})"),
            REFUSED,
            fields,
            move |_| {
                let body = json!({
                    "errorId": 1,
                    "errorCode": "ERROR_REQUEST_PARAMETERS",
                    "errorDescription": format!("the key {echo} is odd"),
                });
                Step::reply(400, body.to_string())
            },
        );
    }
    for (spelling, echo) in KEY.spellings() {
        table.add(
            "Any other 4xx that is not a reply of the task API",
            format!("a page that repeats the key ({spelling})"),
            REFUSED,
            http(403),
            move |_| Step::reply(403, format!("<html>no {echo} here</html>")),
        );
    }
}

fn replies(table: &mut Table) {
    const UNSOLVABLE: &str = "`reason: unsolvable`: the task failed";
    let failed = [None, None, Some(Resumable), Some(Resumable), Some(Resumable), None];
    for (name, code, body) in [
        (
            "the task fails",
            "ERROR_CAPTCHA_UNSOLVABLE",
            json!({ "errorId": 1, "errorCode": "ERROR_CAPTCHA_UNSOLVABLE", "status": "error" }),
        ),
        ("the task fails, without a code", "", json!({ "errorId": 1, "status": "failed" })),
        ("the task fails, errorId 0", "", json!({ "errorId": 0, "status": "failed" })),
    ] {
        table.add(UNSOLVABLE, name, failed, provider(code, Unsolvable, 200), move |_| Step::json(&body));
    }

    const NOT_READY: &str = "The task is not ready, said in another way";
    for code in ["CAPTCHA_NOT_READY", "ERROR_CAPTCHA_NOT_READY", "CAPCHA_NOT_READY"] {
        table.add(NOT_READY, code, STILL_PENDING, Fields::default(), move |_| refusal(code, 200));
    }
    for status in ["processing", "idle", "pending", "queued"] {
        table.add(NOT_READY, format!("status {status}"), STILL_PENDING, Fields::default(), move |_| {
            Step::json(&json!({ "errorId": 0, "status": status }))
        });
    }

    const AT_ONCE: &str = "A reply to `createTask` that has the token already";
    table.add(AT_ONCE, "ready at once", [Some(Fine), Some(Fine), None, None, None, None], Fields::default(), |_| {
        let solution = json!({ "token": "token-1" });
        Step::json(&json!({ "errorId": 0, "taskId": "task-1", "status": "ready", "solution": solution }))
    });

    const NO_ID: &str = "Created, but without an id";
    for (name, id) in
        [("no taskId", Value::Null), ("an empty taskId", json!("")), ("a taskId of a wrong type", json!({}))]
    {
        table.add(NO_ID, name, IN_CREATE, invalid(), move |_| Step::json(&json!({ "errorId": 0, "taskId": id })));
    }

    const NO_TOKEN: &str = "An unknown status, or ready without a token";
    for (name, body) in [
        ("unknown status", json!({ "errorId": 0, "status": "resting" })),
        ("no status", json!({ "errorId": 0 })),
        ("ready with text for a solution", json!({ "errorId": 0, "status": "ready", "solution": "token" })),
        ("ready without a token", json!({ "errorId": 0, "status": "ready", "solution": {} })),
        ("ready with an empty token", json!({ "errorId": 0, "status": "ready", "solution": { "token": "" } })),
        ("ready with solution null", json!({ "errorId": 0, "status": "ready", "solution": null })),
        ("ready without a solution", json!({ "errorId": 0, "status": "ready" })),
    ] {
        table.add(NO_TOKEN, name, IN_POLL, invalid(), move |_| Step::json(&body));
    }
    table.add(
        "A balance that cannot be read",
        "no balance",
        [None, None, None, None, None, Some(NotCharged)],
        invalid(),
        |_| Step::json(&json!({ "errorId": 0, "balance": {} })),
    );

    const ODD_SUCCESS: &str = "A success with unknown fields, or with an HTTP status of failure";
    for status in [200, 400, 500] {
        table.add(
            ODD_SUCCESS,
            format!("success with HTTP {status}"),
            NOTHING_WRONG,
            Fields::default(),
            move |method| {
                let news = r#","news":{"a":[1]}}"#;
                Step::reply(status, success(method).strip_suffix('}').unwrap().to_owned() + news)
            },
        );
    }
    table.add(
        "A success beside JSON nested 100 000 levels deep",
        "deep JSON",
        NOTHING_WRONG,
        Fields::default(),
        |method| {
            let deep = format!(r#","deep":{}0{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
            Step::reply(200, success(method).strip_suffix('}').unwrap().to_owned() + &deep)
        },
    );
}
