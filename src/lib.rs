//! The client of the task APIs that answer Cloudflare Turnstile widgets, as a Node.js addon.
//!
//! ```text
//! JS options ─ binding ─► Given ─ request ─► SolveRequest (valid by construction)
//!    SolveRequest ─ create_task ─► TaskId ─ poll ─► TaskStatus* ─► Solution ─ binding ─► Promise
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`error`] | every way a call can fail |
//! | [`provider`] | the vendors, one record each, and their error codes |
//! | [`request`] | options, parsed once |
//! | [`wire`] | the JSON of the calls |
//! | [`body`] | a request body that knows whether it has left |
//! | [`proxy_env`] | the proxy of the environment |
//! | [`tls`] | whom to trust |
//! | [`secret`] | secrets found in text and taken out |
//! | [`guard`] | stops before the vendor bans |
//! | [`host`] | how many requests may be under way |
//! | [`client`] | one POST under a time limit; the rule for sending it again |
//! | [`poll`] | the loop |
//! | [`run`] | one call while it runs: what is known, and what to say when it ends |
//! | [`solve`] | the story of each call |
//! | [`binding`] | the crossing from and to JavaScript |
//!
//! Dependencies point one way: `binding -> solve -> run -> {poll, guard, host, client} -> {wire, request, provider} -> error`. Only
//! `binding` names napi, only `client` names reqwest, only `tls` names rustls' configuration.

pub mod binding;
pub mod body;
pub mod client;
pub mod error;
pub mod guard;
pub mod host;
pub mod poll;
pub mod provider;
pub mod proxy_env;
pub mod request;
pub mod run;
pub mod secret;
pub mod solve;
pub mod tls;
pub mod wire;

/// The one name that Node.js looks for. zig exports every name of a Windows library unless told which.
#[cfg(all(windows, target_env = "gnu"))]
#[used]
#[unsafe(link_section = ".drectve")]
static EXPORTS: [u8; 33] = *b" -export:napi_register_module_v1 ";
