//! Which certificates to trust: the bundled Mozilla roots, and the certificates that Node.js was told to trust as well.

use std::{ffi::OsString, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::Environment;

/// A configuration that offers HTTP/2 and HTTP/1.1. It reads files that the environment names.
pub fn client_config(environment: Environment<'_>) -> Result<ClientConfig, rustls::Error> {
    client_config_with(roots(environment("NODE_EXTRA_CA_CERTS"), environment("NODE_USE_SYSTEM_CA")))
}

fn roots(extra_file: Option<OsString>, use_system: Option<OsString>) -> RootCertStore {
    let mut roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(file) = extra_file {
        roots.add_parsable_certificates(certificates(Path::new(&file)));
    }
    if use_system.is_some_and(|value| value == "1") {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    roots
}

/// The same with these roots.
pub fn client_config_with(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
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
