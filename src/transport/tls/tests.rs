use super::*;

fn count(extra_file: Option<&str>, use_system: Option<&str>) -> usize {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("__test__/fixtures/tls");
    roots(extra_file.map(|file| fixtures.join(file).into()), use_system.map(Into::into)).len()
}

#[test]
fn the_bundled_roots_are_trusted_and_those_of_the_file_as_well() {
    let bundled = webpki_roots::TLS_SERVER_ROOTS.len();
    assert!(bundled > 100);
    assert_eq!(count(None, None), bundled);
    assert_eq!(count(Some("ca.cert.pem"), None), bundled + 1);
}

#[test]
fn a_file_that_is_missing_or_holds_no_certificate_adds_none() {
    let bundled = count(None, None);
    for file in ["missing.pem", "localhost.key.pem", "."] {
        assert_eq!(count(Some(file), None), bundled, "{file}");
    }
}

#[test]
fn the_roots_of_the_system_are_trusted_only_where_the_variable_is_1() {
    let bundled = count(None, None);
    for value in ["", "0", "true"] {
        assert_eq!(count(None, Some(value)), bundled, "{value}");
    }
    let system = rustls_native_certs::load_native_certs().certs;
    assert!(count(None, Some("1")) >= bundled + usize::from(!system.is_empty()));
}

#[test]
fn http2_is_offered_before_http1() {
    assert_eq!(client_config(&|_| None).unwrap().alpn_protocols, [&b"h2"[..], b"http/1.1"]);
}
