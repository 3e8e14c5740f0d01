use std::{fs, path::Path, time::Duration};

use rustls::pki_types::pem::PemObject;

use super::*;

/// Within the dates of all fixtures but one.
const NOW: u64 = 1_800_000_000;
const IN_2023: u64 = 1_690_000_000;
const IN_2125: u64 = 4_900_000_000;

fn certificate(name: &str) -> CertificateDer<'static> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("__test__/fixtures/tls/{name}.cert.pem"));
    CertificateDer::from_pem_slice(&fs::read(file).unwrap()).unwrap()
}

/// What comes of a certificate where these are named in `NODE_EXTRA_CA_CERTS`.
fn verify(trusted: &[&str], presented: &str, name: &str, now: u64) -> Result<(), Error> {
    let mut trust = Trust { roots: rustls::RootCertStore::empty(), servers: Vec::new() };
    trust.add(trusted.iter().map(|name| certificate(name)).collect());
    let verifier = Verifier::new(trust, &Arc::new(rustls::crypto::ring::default_provider())).unwrap();
    let (name, now) =
        (ServerName::try_from(name.to_owned()).unwrap(), UnixTime::since_unix_epoch(Duration::from_secs(now)));
    verifier.verify_server_cert(&certificate(presented), &[], &name, &[], now).map(|_| ())
}

fn problem(trusted: &[&str], presented: &str, name: &str, now: u64) -> String {
    format!("{:?}", verify(trusted, presented, name, now).unwrap_err())
}

#[test]
fn a_self_signed_certificate_that_is_named_is_trusted_whether_or_not_it_is_one_of_an_authority() {
    for certificate in ["self-signed", "self-signed-leaf"] {
        for name in ["localhost", "127.0.0.1", "::1"] {
            assert_eq!(verify(&[certificate], certificate, name, NOW), Ok(()), "{certificate} {name}");
            assert_eq!(verify(&["ca", certificate], certificate, name, NOW), Ok(()), "{certificate} {name}");
        }
    }
}

#[test]
fn one_for_another_name_is_refused() {
    for name in ["example.test", "x.localhost", "127.0.0.2"] {
        for certificate in ["self-signed", "self-signed-leaf"] {
            let problem = problem(&[certificate], certificate, name, NOW);
            assert!(problem.contains("NotValidForName"), "{problem}");
        }
    }
}

#[test]
fn one_out_of_its_dates_is_refused() {
    for certificate in ["self-signed", "self-signed-leaf", "self-signed-cn"] {
        assert_eq!(problem(&[certificate], certificate, "localhost", IN_2023), "InvalidCertificate(NotValidYet)");
        assert_eq!(problem(&[certificate], certificate, "localhost", IN_2125), "InvalidCertificate(Expired)");
    }
}

#[test]
fn another_certificate_is_refused_whatever_it_shares_with_the_one_that_is_named() {
    for (trusted, presented) in [
        (&["self-signed"][..], "self-signed-leaf"),
        (&["self-signed-leaf"], "self-signed"),
        // The same name and the same key.
        (&["self-signed"], "same-key"),
        (&["same-key"], "self-signed"),
        // Signed by the key of one that is none of an authority.
        (&["self-signed-leaf"], "issued-by-leaf"),
        (&["self-signed", "self-signed-leaf", "same-key"], "issued-by-leaf"),
        (&["ca"], "self-signed"),
        (&[], "self-signed"),
        // Of an authority that is not trusted.
        (&["self-signed"], "localhost"),
        // Not self-signed, and named itself: Node.js refuses it too.
        (&["localhost"], "localhost"),
    ] {
        let problem = problem(trusted, presented, "localhost", NOW);
        assert_eq!(problem, "InvalidCertificate(UnknownIssuer)", "{trusted:?} {presented}");
    }
}

#[test]
fn what_a_trusted_authority_has_signed_is_verified_as_ever() {
    assert_eq!(verify(&["ca"], "localhost", "localhost", NOW), Ok(()));
    assert_eq!(verify(&["self-signed", "ca"], "localhost", "localhost", NOW), Ok(()));
    assert!(problem(&["ca"], "expired", "localhost", NOW).contains("Expired"));
    assert!(problem(&["ca"], "wrong-host", "localhost", NOW).contains("NotValidForName"));
}

#[test]
fn the_common_name_counts_where_there_is_no_other() {
    assert_eq!(verify(&["self-signed-cn"], "self-signed-cn", "localhost", NOW), Ok(()));
    assert_eq!(verify(&["self-signed-cn"], "self-signed-cn", "LOCALHOST", NOW), Ok(()));
    for name in ["example.test", "127.0.0.1"] {
        assert!(problem(&["self-signed-cn"], "self-signed-cn", name, NOW).contains("NotValidForName"), "{name}");
    }
    // This one has others.
    assert!(problem(&["self-signed"], "self-signed", "self-signed", NOW).contains("NotValidForName"));
}
