//! Which certificates to trust: those that Node.js trusts, with the same settings.

mod certificate;
mod trust_settings;
mod verifier;

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::Environment;
use certificate::Certificate;
use trust_settings::TrustSettings;
use verifier::Verifier;

/// What is trusted.
pub struct Trust {
    /// The authorities.
    pub roots: RootCertStore,
    /// Certificates of servers that are trusted themselves.
    pub servers: Vec<CertificateDer<'static>>,
}

/// A configuration that offers HTTP/2 and HTTP/1.1. It reads files that the environment and the options of Node.js name.
pub fn client_config(environment: Environment<'_>, exec_argv: &[String]) -> Result<ClientConfig, rustls::Error> {
    client_config_with(trust(&TrustSettings::read(environment, exec_argv)))
}

fn trust(settings: &TrustSettings) -> Trust {
    let mut trust = Trust { roots: RootCertStore::empty(), servers: Vec::new() };
    if !settings.openssl_ca {
        trust.roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if settings.openssl_ca || settings.system_ca {
        trust.add(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(file) = &settings.extra_file {
        trust.add(certificates(Path::new(file)));
    }
    trust
}

impl Trust {
    /// A certificate of an authority vouches for others, as in OpenSSL; and one that its own key has signed, for itself.
    fn add(&mut self, certificates: Vec<CertificateDer<'static>>) {
        for der in certificates {
            let Some(certificate) = Certificate::read(&der) else { continue };
            if certificate.is_self_issued() {
                self.servers.push(der.clone());
            }
            if certificate.is_authority {
                self.roots.add_parsable_certificates([der]);
            }
        }
    }
}

/// The same with this trust.
pub fn client_config_with(trust: Trust) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Verifier::new(trust, &provider)?);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        // The usual verifier does the work; this one also knows certificates that are trusted themselves.
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates of a PEM file. Like Node.js, what cannot be read is passed over: Node.js has warned of it itself.
fn certificates(file: &Path) -> Vec<CertificateDer<'static>> {
    match CertificateDer::pem_file_iter(file) {
        Ok(certificates) => certificates.filter_map(Result::ok).collect(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
