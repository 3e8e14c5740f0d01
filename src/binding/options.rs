//! The options as users see them in the types. They are declared here and read by name: `read_options.rs` does that, and
//! `options.rs` knows what each may be. The types of the calls are put together from these in `header.d.ts`.

use napi_derive::napi;

use super::results::Progress;

/// Options common to all calls.
#[napi(object, object_to_js = false, object_from_js = false)]
pub struct AccountOptions {
    /// The service that receives the requests. `'custom'` is any other service with the same protocol; it requires
    /// `baseURL` and, to create tasks, `taskType`.
    #[napi(ts_type = "Provider")]
    pub provider: String,
    /// The account's key. It never appears in an error, a log, a URL or the output of `util.inspect`.
    pub client_key: String,
    /// The URL of another host, another region or the sandbox. https, or http on loopback only. A path is kept as a prefix.
    ///
    /// @default the provider's own
    #[napi(js_name = "baseURL", ts_type = "string | undefined")]
    pub base_url: Option<String>,
    /// A name for the account, 1 to 64 printable characters, that solutions, errors, progress and events carry. Never the key.
    #[napi(ts_type = "string | undefined")]
    pub label: Option<String>,
    /// The time limit of the whole call, in milliseconds, including retries and requests in flight. A whole number from 1
    /// to 300 000.
    ///
    /// @default 120_000 for solveTurnstile and waitForTask, 30_000 for the other calls
    #[napi(ts_type = "number | undefined")]
    pub timeout_ms: Option<f64>,
    /// The time limit of one HTTP exchange, in milliseconds. A whole number from 1 to 300 000.
    ///
    /// @default 15_000
    #[napi(ts_type = "number | undefined")]
    pub request_timeout_ms: Option<f64>,
    /// Aborts the call: it rejects with `ABORT_ERR` and the signal's reason as `cause`. If it is aborted already, nothing
    /// is sent.
    #[napi(ts_type = "AbortSignal | undefined")]
    pub signal: Option<()>,
}

/// The task to create.
#[napi(object, object_to_js = false, object_from_js = false)]
pub struct TaskOptions {
    /// The page with the widget: an http or https URL.
    #[napi(js_name = "websiteURL")]
    pub website_url: String,
    /// The widget's sitekey: its `data-sitekey`. Not empty.
    pub website_key: String,
    /// The provider's task type.
    ///
    /// @default the first of the provider's `taskTypes`; see `providers`
    #[napi(ts_type = "string | undefined")]
    pub task_type: Option<String>,
    /// The widget's `data-action`: at most 32 of `[A-Za-z0-9_-]`. Not every provider takes it; see `providers`.
    #[napi(ts_type = "string | undefined")]
    pub action: Option<String>,
    /// The widget's `data-cdata`: at most 255 of `[A-Za-z0-9_-]`. Not every provider takes it; see `providers`.
    #[napi(js_name = "cData", ts_type = "string | undefined")]
    pub c_data: Option<String>,
    /// The proxy that the *provider* solves through, `protocol://user:password@host:port` with http, https or socks5. A
    /// secret like the key. Not every provider takes it; see `providers`.
    #[napi(ts_type = "string | undefined")]
    pub proxy: Option<String>,
    /// A developer id, which says which program sends the task: a whole number from 1, or text where the provider uses that.
    /// It is sent under the name that the provider documents. None is sent by default. Not every provider takes it; see
    /// `providers`.
    #[napi(ts_type = "number | string | undefined")]
    pub developer_id: Option<()>,
    /// Further fields of the task, sent as they are. None may name a field that an option sets.
    #[napi(ts_type = "Record<string, unknown> | undefined")]
    pub extra_task_fields: Option<()>,
    /// Further fields beside the task, at the top level of the request, sent as they are: `callbackUrl`, `languagePool`.
    /// None may name a field that an option sets, nor `clientKey`, `task` or `taskId`.
    #[napi(ts_type = "Record<string, unknown> | undefined")]
    pub extra_request_fields: Option<()>,
}

/// The task that the call is about.
#[napi(object, object_to_js = false, object_from_js = false)]
pub struct TaskIdOptions {
    /// The id as `createTask` returned it or an error carried it. It is sent in the JSON type that the provider uses; at
    /// `'custom'` a number is sent as a number and a string as a string.
    #[napi(ts_type = "string | number")]
    pub task_id: String,
}

/// How to wait for a task.
#[napi(object, object_to_js = false, object_from_js = false)]
pub struct PollingOptions {
    /// The wait before the first poll and between polls, in milliseconds. A whole number from 1000 to 300 000, and at least
    /// a 120th of `timeoutMs`, since providers stop answering after 120 polls of a task; where `baseURL` is on loopback, from
    /// 10 and without that bound.
    ///
    /// @default 3_000, what the providers ask for
    #[napi(ts_type = "number | undefined")]
    pub poll_interval_ms: Option<f64>,
    /// Called as the task proceeds, in order, and never after the promise has settled. An error that it throws becomes a
    /// process warning and does not end the call.
    #[napi(ts_type = "((event: Progress) => void) | undefined")]
    pub on_progress: Option<fn(Progress)>,
}
