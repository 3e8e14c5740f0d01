mod await_points;
mod ban;
mod breaker;
mod cancel;
mod deadline;
mod events;
mod hostile;
mod load;
mod matrix;
mod own_connection;
mod ready_at_once;
mod replies;
mod requests;
mod retry;
mod schedule;
mod secrets;
pub mod support;

use super::*;
use crate::{options::RawOption, transport::scripted::Scripted};

#[tokio::test(start_paused = true)]
async fn a_solve_that_waits_holds_little_memory() {
    let options = [
        ("provider", "yescaptcha"),
        ("clientKey", "test-key-0123456789abcdef"),
        ("websiteURL", "https://example.com/"),
        ("websiteKey", "0x4AAAAAAAB"),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), RawOption::Text(value.to_owned())));
    let request = SolveRequest::parse(options.into()).unwrap();
    let registry = Registry::new(Scripted::default());
    let call = solve(&registry, Box::new(request), None, CancellationToken::new());
    assert!(size_of_val(&call) <= 1280, "{} bytes", size_of_val(&call));
}
