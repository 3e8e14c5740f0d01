//! A tunnel through a proxy: CONNECT, and the answer to it.

use std::io;

use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Peer, stream::Io};
use crate::transport::USER_AGENT;

/// No honest answer to CONNECT comes near it.
const MAX_HEAD: usize = 16 << 10;

/// Why there is no tunnel.
pub enum TunnelError {
    Io(io::Error),
    Closed,
    NotHttp,
    Refused(u16),
}

impl TunnelError {
    /// What the proxy said is not repeated but for its status: it may repeat the credentials.
    pub fn describe(&self, proxy: &Peer, authority: &str) -> String {
        let problem = match self {
            TunnelError::Closed => "closed the connection before its answer was complete".into(),
            TunnelError::NotHttp => "did not answer in HTTP".into(),
            TunnelError::Refused(407) => "answered with status 407: it wants credentials, or other ones".into(),
            TunnelError::Refused(status) => format!("answered with status {status}"),
            TunnelError::Io(error) if error.kind() == io::ErrorKind::ConnectionReset => "reset the connection".into(),
            TunnelError::Io(error) => format!("broke off the connection: {error}"),
        };
        format!("{proxy} {problem}; it was asked for a connection to {authority}")
    }
}

/// Asks for a tunnel to the authority. What follows then is the server's.
pub async fn open(io: &mut Io, authority: &str, authorization: Option<&HeaderValue>) -> Result<(), TunnelError> {
    let mut head =
        format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\nuser-agent: {USER_AGENT}\r\n").into_bytes();
    if let Some(authorization) = authorization {
        head.extend_from_slice(b"proxy-authorization: ");
        head.extend_from_slice(authorization.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    io.write_all(&head).await.map_err(TunnelError::Io)?;
    io.flush().await.map_err(TunnelError::Io)?;
    let mut received = Vec::new();
    loop {
        while let Some(end) = end_of_head(&received) {
            match status(&received[..end]).ok_or(TunnelError::NotHttp)? {
                100..200 => drop(received.drain(..end)),
                200..300 => return Ok(()),
                status => return Err(TunnelError::Refused(status)),
            }
        }
        if received.len() > MAX_HEAD {
            return Err(TunnelError::NotHttp);
        }
        if io.read_buf(&mut received).await.map_err(TunnelError::Io)? == 0 {
            return Err(TunnelError::Closed);
        }
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map(|at| at + 4)
}

/// Of a status line such as `HTTP/1.1 200 OK`.
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?.strip_prefix(b"HTTP/1.")?;
    let [_, b' ', code @ ..] = line else { return None };
    let digits = code.split(|byte| *byte == b' ').next()?;
    match digits.len() {
        3 => std::str::from_utf8(digits).ok()?.parse().ok(),
        _ => None,
    }
}
