//! The client of the task APIs that answer Cloudflare Turnstile widgets, as a Node.js addon.
//!
//! ```text
//! JS options ─ binding ─► RawOptions ─ options ─► SolveRequest (valid by construction)
//!    SolveRequest ─► call ─► attempt* (breaker ► limiter ► transport ► wire) ─► Solution | Error ─ binding ─► Promise
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`binding`] | the boundary to JavaScript |
//! | [`api`] | what each call does in which order |
//! | [`call`] | one call while it runs: its state, its events, its error's context |
//! | [`attempt`] | one request, from its turn to what was learned from its reply |
//! | [`retry`] | the rule for sending a request again |
//! | [`poll`] | the loop: call, wait, call again |
//! | [`registry`] | what all calls of the process share |
//! | [`breaker`] | stops before the provider bans |
//! | [`limiter`] | bounds the requests in flight to a host |
//! | [`transport`] | one request and its whole reply; the only module that knows the network |
//! | [`wire`] | the JSON of the methods |
//! | [`options`] | options, parsed once |
//! | [`error`] | every way a call can fail |
//! | [`escape`] | text from outside, made safe to print |
//! | [`redact`] | secrets found in text and taken out |
//! | [`provider`] | the providers, one record each, and their error codes |
//! | [`sync`] | locking |
//!
//! A module uses only modules that come after it in this table; `architecture.rs` checks that. Only `binding` names napi,
//! only `transport` names hyper and rustls, and `poll` reads no clock but Tokio's.

pub mod api;
pub mod attempt;
pub mod binding;
pub mod breaker;
pub mod call;
pub mod error;
pub mod escape;
pub mod limiter;
pub mod options;
pub mod poll;
pub mod provider;
pub mod redact;
pub mod registry;
pub mod retry;
pub mod sync;
pub mod transport;
pub mod wire;

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod freed_memory;

/// The one name that Node.js looks for. zig exports every name of a Windows library unless one is named.
#[cfg(all(windows, target_env = "gnu"))]
#[used]
#[unsafe(link_section = ".drectve")]
static EXPORTS: [u8; 33] = *b" -export:napi_register_module_v1 ";
