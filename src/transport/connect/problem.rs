//! Why a connection did not come about, in plain words.

use std::{error::Error, fmt::Display, io};

use rustls::{AlertDescription, CertificateError};

use super::{DialError, Peer, resolver::ResolveError};

/// Of a TCP connection.
pub fn of_tcp(error: &(dyn Error + 'static), peer: &Peer) -> String {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(ResolveError(problem)) = cause.downcast_ref() {
            let of = if peer.is_proxy { " of the proxy" } else { "" };
            return format!("the name {}{of} does not resolve: {}", peer.host, problem);
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::ConnectionRefused => format!("connection refused by {peer}"),
                io::ErrorKind::ConnectionReset => format!("connection reset by {peer}"),
                io::ErrorKind::TimedOut => format!("{peer} did not accept a connection in time"),
                _ => format!("no connection to {peer}: {error}"),
            };
        }
        next = cause.source();
    }
    format!("no connection to {peer}: {error}")
}

/// Of a TLS handshake.
pub fn of_tls(error: &io::Error, to: &impl Display) -> DialError {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    DialError::Connect(match (tls, error.kind()) {
        (Some(rustls::Error::InvalidCertificate(problem)), _) => {
            return DialError::Certificate(format!("the certificate of {to} {}", of_certificate(problem)));
        }
        (Some(rustls::Error::AlertReceived(alert)), _) => {
            format!("{to} refused the TLS handshake: {}", of_alert(*alert))
        }
        (Some(rustls::Error::InvalidMessage(_)), _) => format!("{to} does not speak TLS"),
        (Some(problem), _) => format!("no TLS connection to {to}: {problem}"),
        (None, io::ErrorKind::UnexpectedEof) => format!("{to} closed the connection during the TLS handshake"),
        (None, io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            format!("{to} reset the connection during the TLS handshake")
        }
        (None, _) => format!("no TLS connection to {to}: {error}"),
    })
}

/// What follows "the certificate of …".
fn of_certificate(problem: &CertificateError) -> String {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "is not valid yet".into(),
        CertificateError::NotValidForName => "is not valid for this name".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented: Vec<_> = presented.iter().map(|name| plain_name(name)).collect();
            match presented.is_empty() {
                true => format!("is not valid for the name {}: it has no names", expected.to_str()),
                false => format!("is not valid for the name {}, but for {}", expected.to_str(), presented.join(", ")),
            }
        }
        CertificateError::UnknownIssuer => "was issued by an authority that is not trusted (UnknownIssuer)".into(),
        CertificateError::Revoked => "was revoked".into(),
        CertificateError::BadEncoding => "cannot be read".into(),
        CertificateError::BadSignature => "has a wrong signature".into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "is not one for servers".into()
        }
        CertificateError::Other(problem) if problem.to_string().contains("CaUsedAsEndEntity") => {
            "is one of an authority, and is not trusted itself (CaUsedAsEndEntity)".into()
        }
        problem => format!("was refused: {problem}"),
    }
}

/// `DnsName("a.test")` and `IpAddress(127.0.0.1)` without the words around them.
fn plain_name(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn of_alert(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure => "no cipher or protocol in common".into(),
        AlertDescription::ProtocolVersion => "no version of TLS in common".into(),
        AlertDescription::NoApplicationProtocol => "no protocol in common".into(),
        AlertDescription::UnrecognisedName => "it does not know the name".into(),
        alert => format!("alert {alert:?}"),
    }
}
