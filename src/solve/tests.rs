use super::*;
use crate::request::Given;

#[test]
fn a_solve_that_waits_holds_little() {
    let options = [
        ("provider", "yescaptcha"),
        ("clientKey", "test-key-0123456789abcdef"),
        ("websiteURL", "https://example.com/"),
        ("websiteKey", "0x4AAAAAAAB"),
    ];
    let given = options.map(|(name, value)| (name.to_owned(), Given::Text(value.to_owned())));
    let request = SolveRequest::parse(given.into()).unwrap();
    let call = solve(Box::new(request), None, CancellationToken::new());
    assert!(size_of_val(&call) <= 1280, "{} bytes", size_of_val(&call));
}
