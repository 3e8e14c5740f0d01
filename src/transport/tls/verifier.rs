//! Verifies the certificates of servers as rustls does, and as Node.js does what rustls refuses: a certificate that its own key
//! has signed, if that very certificate is trusted. `openssl req -x509` makes such ones, and users name them in
//! `NODE_EXTRA_CA_CERTS`.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::{Trust, certificate::Certificate};

#[derive(Debug)]
pub struct Verifier {
    /// `None` if no authority is trusted.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    servers: Vec<CertificateDer<'static>>,
    signatures: rustls::crypto::WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub fn new(trust: Trust, provider: &Arc<CryptoProvider>) -> Result<Self, Error> {
        let authorities = match trust.roots.is_empty() {
            true => None,
            false => {
                let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(trust.roots), Arc::clone(provider));
                Some(builder.build().map_err(|problem| Error::General(problem.to_string()))?)
            }
        };
        Ok(Verifier { authorities, servers: trust.servers, signatures: provider.signature_verification_algorithms })
    }

    /// Of a certificate that is trusted itself: only its dates and its name are left to look at.
    fn verify_trusted(der: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
        let certificate = Certificate::read(der).ok_or(CertificateError::BadEncoding)?;
        if !certificate.is_begun(now) {
            return Err(CertificateError::NotValidYet.into());
        }
        if certificate.is_over(now) {
            return Err(CertificateError::Expired.into());
        }
        if let (false, ServerName::DnsName(name), Some(common_name)) =
            (certificate.has_alternative_names, name, certificate.common_name())
        {
            // As Node.js: the common name counts where there is no other.
            if common_name.eq_ignore_ascii_case(name.as_ref()) {
                return Ok(());
            }
        }
        verify_server_name(&ParsedCertificate::try_from(der)?, name)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.servers.iter().any(|trusted| trusted == end_entity) {
            Self::verify_trusted(end_entity, server_name, now)?;
            return Ok(ServerCertVerified::assertion());
        }
        // Another one with the name and the key of a trusted authority: only the very certificate is trusted, as in OpenSSL.
        if Certificate::read(end_entity).is_some_and(|certificate| certificate.is_self_issued()) {
            return Err(CertificateError::UnknownIssuer.into());
        }
        match &self.authorities {
            None => Err(CertificateError::UnknownIssuer.into()),
            Some(webpki) => webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.signatures)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.signatures)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
