//! HTTP/2 frame by frame, for scripts that do what no library would let them do.

use super::server::Conn;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

pub const NO_ERROR: u32 = 0;
pub const PROTOCOL_ERROR: u32 = 1;
pub const INTERNAL_ERROR: u32 = 2;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

pub struct H2(Conn);

impl H2 {
    /// Begins with the client's preface and one's own settings.
    pub async fn start(conn: Conn) -> Option<H2> {
        H2::start_with(conn, &[]).await
    }

    /// The same, and lets no more streams be open at once.
    pub async fn start_with_max_streams(conn: Conn, max_concurrent_streams: u32) -> Option<H2> {
        H2::start_with(conn, &[&[0, 3][..], &max_concurrent_streams.to_be_bytes()].concat()).await
    }

    async fn start_with(conn: Conn, settings: &[u8]) -> Option<H2> {
        assert_eq!(conn.protocol(), Some(&b"h2"[..]));
        let mut h2 = H2(conn);
        assert_eq!(h2.0.read(24).await?, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        h2.frame(SETTINGS, 0, 0, settings).await?;
        // Room for all that a test sends.
        h2.frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes()).await?;
        Some(h2)
    }

    async fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Option<()> {
        let length = &(payload.len() as u32).to_be_bytes()[1..];
        self.0.write([length, &[kind, flags], &stream.to_be_bytes(), payload].concat()).await.ok()
    }

    /// The stream of the next request that has come whole, or `None` if the client has closed the connection.
    pub async fn request(&mut self) -> Option<u32> {
        loop {
            let head = self.0.read(9).await?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let (kind, flags, stream) = (head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
            self.0.read(length as usize).await?;
            match kind {
                SETTINGS if flags & ACK == 0 => self.frame(SETTINGS, ACK, 0, &[]).await?,
                DATA | HEADERS if flags & END_STREAM != 0 => return Some(stream),
                _ => {}
            }
        }
    }

    /// Status 200 and the length of the body, and nothing of the body yet.
    pub async fn reply_head(&mut self, stream: u32, length: usize) -> Option<()> {
        let length = length.to_string();
        // HPACK: the status of the static table, and a value for the name `content-length` of that table.
        let fields = [&[0x88, 0x0f, 0x0d, length.len() as u8][..], length.as_bytes()].concat();
        self.frame(HEADERS, END_HEADERS, stream, &fields).await
    }

    pub async fn reply(&mut self, stream: u32, body: &str) -> Option<()> {
        self.reply_head(stream, body.len()).await?;
        self.frame(DATA, END_STREAM, stream, body.as_bytes()).await
    }

    pub async fn reset(&mut self, stream: u32, code: u32) -> Option<()> {
        self.frame(RST_STREAM, 0, stream, &code.to_be_bytes()).await
    }

    /// Says that the connection ends, and that no stream after this one was or will be processed.
    pub async fn go_away(&mut self, last_stream: u32, code: u32) -> Option<()> {
        self.frame(GOAWAY, 0, 0, &[last_stream.to_be_bytes(), code.to_be_bytes()].concat()).await
    }

    /// One that asks for no answer.
    pub async fn ping(&mut self) -> Option<()> {
        self.frame(PING, ACK, 0, &[0; 8]).await
    }

    /// Waits until the client closes the connection.
    pub async fn closed(&mut self) {
        self.0.closed().await;
    }
}
