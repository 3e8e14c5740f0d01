//! A server on loopback: what it does with each connection is a script.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::transport::tls::Trust;

pub struct Server {
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    script_failed: Arc<AtomicBool>,
}

impl Server {
    /// Runs the script for each connection; it gets the connection's number, counted from 1.
    pub async fn start<Script, Running>(script: Script) -> Self
    where
        Script: Fn(usize, Conn) -> Running + Send + 'static,
        Running: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (accepted, script_failed) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let server = Server {
            address: listener.local_addr().unwrap(),
            accepted: accepted.clone(),
            script_failed: script_failed.clone(),
        };
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let number = accepted.fetch_add(1, Ordering::SeqCst) + 1;
                let running = tokio::spawn(script(number, Conn { io: Io::Tcp(tcp), unread: Vec::new() }));
                let script_failed = script_failed.clone();
                tokio::spawn(async move {
                    if running.await.is_err_and(|error| error.is_panic()) {
                        script_failed.store(true, Ordering::SeqCst);
                    }
                });
            }
        });
        server
    }

    /// How many connections it has accepted.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    pub fn http(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub fn https(&self) -> String {
        format!("https://{}/", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        assert!(thread::panicking() || !self.script_failed.load(Ordering::SeqCst), "the script of a connection failed");
    }
}

/// The server's end of a connection.
pub struct Conn {
    io: Io,
    unread: Vec<u8>,
}

enum Io {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Conn {
    /// Continues in TLS.
    pub async fn tls(self, certificate: &str, protocols: &[&str]) -> io::Result<Conn> {
        let Io::Tcp(tcp) = self.io else { panic!("TLS in TLS") };
        let tls = TlsAcceptor::from(Arc::new(server_config(certificate, protocols))).accept(tcp).await?;
        Ok(Conn { io: Io::Tls(Box::new(tls)), unread: Vec::new() })
    }

    /// The protocol agreed on in TLS.
    pub fn protocol(&self) -> Option<&[u8]> {
        match &self.io {
            Io::Tcp(_) => None,
            Io::Tls(tls) => tls.get_ref().1.alpn_protocol(),
        }
    }

    /// Some bytes more, or none if the client has closed the connection.
    async fn read_more(&mut self) -> Option<()> {
        let read = match &mut self.io {
            Io::Tcp(tcp) => tcp.read_buf(&mut self.unread).await,
            Io::Tls(tls) => tls.read_buf(&mut self.unread).await,
        };
        read.is_ok_and(|count| count > 0).then_some(())
    }

    /// The next so many bytes.
    pub async fn read(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.unread.len() < count {
            self.read_more().await?;
        }
        Some(self.unread.drain(..count).collect())
    }

    /// The head of the next request.
    pub async fn head(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.unread.windows(4).position(|end| end == b"\r\n\r\n") {
                return Some(String::from_utf8(self.read(at + 4).await?).unwrap());
            }
            self.read_more().await?;
        }
    }

    /// The next request with its whole body, or `None` if the client has closed the connection.
    pub async fn request(&mut self) -> Option<(String, String)> {
        let head = self.head().await?;
        let length = header(&head, "content-length").expect("a request states the length of its body");
        let body = self.read(length.parse().unwrap()).await?;
        Some((head, String::from_utf8(body).unwrap()))
    }

    /// An error means that the client has closed the connection.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        match &mut self.io {
            Io::Tcp(tcp) => tcp.write_all(bytes.as_ref()).await,
            Io::Tls(tls) => {
                tls.write_all(bytes.as_ref()).await?;
                tls.flush().await
            }
        }
    }

    /// Replies with status 200 and further header lines, each ended.
    pub async fn reply(&mut self, headers: &str, body: &str) -> Option<()> {
        let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len());
        self.write(reply).await.ok()
    }

    /// Waits until the client closes the connection.
    pub async fn closed(&mut self) {
        while self.read_more().await.is_some() {
            self.unread.clear();
        }
    }

    /// Ends the connection in the regular way, whatever the client still sends.
    pub async fn end(mut self) {
        let Io::Tcp(tcp) = &mut self.io else { panic!("an end of TCP below TLS") };
        tcp.shutdown().await.unwrap();
        self.closed().await;
    }

    /// Ends the connection by a TCP reset.
    pub fn reset(self) {
        let tcp = match &self.io {
            Io::Tcp(tcp) => tcp,
            Io::Tls(tls) => tls.get_ref().0,
        };
        tcp.set_zero_linger().unwrap();
    }
}

pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim())
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("__test__/fixtures/tls").join(name)
}

/// The authority that has signed the certificates of the fixtures.
pub fn trust() -> Trust {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&fs::read(fixture("ca.cert.pem")).unwrap()).unwrap()).unwrap();
    Trust { roots, servers: Vec::new() }
}

/// Of a fixture, or of two: `certificate+key`.
fn server_config(fixtures: &str, protocols: &[&str]) -> ServerConfig {
    let (certificate, key) = fixtures.split_once('+').unwrap_or((fixtures, fixtures));
    let read = |name: &str, kind| fs::read(fixture(&format!("{name}.{kind}.pem"))).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(&read(certificate, "cert")).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(&read(key, "key")).unwrap();
    let key = ring::sign::any_supported_type(&key).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))));
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config
}
