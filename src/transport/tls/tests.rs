use super::*;

fn count(settings: TrustSettings) -> (usize, usize) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("__test__/fixtures/tls");
    let extra_file = settings.extra_file.map(|file| fixtures.join(file).into());
    let trust = trust(&TrustSettings { extra_file, ..settings });
    (trust.roots.len(), trust.servers.len())
}

fn extra(file: &str) -> TrustSettings {
    TrustSettings { extra_file: Some(file.into()), ..TrustSettings::default() }
}

#[test]
fn the_bundled_roots_are_trusted_and_those_of_the_file_as_well() {
    let bundled = webpki_roots::TLS_SERVER_ROOTS.len();
    assert!(bundled > 100);
    assert_eq!(count(TrustSettings::default()), (bundled, 0));
    assert_eq!(count(extra("ca.cert.pem")), (bundled + 1, 1));
    // One that is none of an authority vouches for no other.
    assert_eq!(count(extra("self-signed-leaf.cert.pem")), (bundled, 1));
    assert_eq!(count(extra("localhost.cert.pem")), (bundled, 0));
}

#[test]
fn a_file_that_is_missing_or_holds_no_certificate_adds_none() {
    let bundled = count(TrustSettings::default());
    for file in ["missing.pem", "localhost.key.pem", "."] {
        assert_eq!(count(extra(file)), bundled, "{file}");
    }
}

#[test]
fn the_store_of_the_system_is_trusted_beside_the_bundled_roots_and_that_of_openssl_in_their_place() {
    let (bundled, _) = count(TrustSettings::default());
    let system = |certificates: Vec<CertificateDer<'static>>| {
        let mut trust = Trust { roots: RootCertStore::empty(), servers: Vec::new() };
        trust.add(certificates);
        trust.roots.len()
    };
    let system = system(rustls_native_certs::load_native_certs().certs);
    let with = |system_ca, openssl_ca| count(TrustSettings { system_ca, openssl_ca, extra_file: None }).0;
    assert_eq!(with(true, false), bundled + system);
    assert_eq!(with(false, true), system);
    assert_eq!(with(true, true), system);
}

#[test]
fn http2_is_offered_before_http1() {
    assert_eq!(client_config(&|_| None, &[]).unwrap().alpn_protocols, [&b"h2"[..], b"http/1.1"]);
}
