//! Replies that are compressed although no compression was asked for.
//!
//! What is JSON as it stands, or cannot be decoded, is taken as it is: some servers and proxies only say that they compress. An end that is missing is
//! no error here, since JSON that is cut is none.

use std::io::Read;

use brotli_decompressor::Decompressor;
use http::HeaderValue;
use miniz_oxide::{
    DataFormat, MZError, MZFlush, MZStatus,
    inflate::stream::{self, InflateState},
};
use serde::de::IgnoredAny;

/// No honest reply is encoded more often.
const MAX_ENCODINGS: usize = 3;
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// The decoded body is longer than the limit.
pub struct TooLong;

/// The body without its encodings, and at most so long.
pub fn decode(mut body: Vec<u8>, encodings: &[HeaderValue], limit: usize) -> Result<Vec<u8>, TooLong> {
    if serde_json::from_slice::<IgnoredAny>(&body).is_ok() {
        return Ok(body);
    }
    let names = encodings.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let names: Vec<_> = names.map(|name| name.trim().to_ascii_lowercase()).collect();
    // The last was applied last.
    for name in names.iter().rev().filter(|name| !name.is_empty()).take(MAX_ENCODINGS) {
        let decoded = match name.as_str() {
            "gzip" | "x-gzip" => gunzip(&body, limit)?,
            "deflate" => inflate(&body, limit)?,
            "br" => unbrotli(&body, limit)?,
            _ => None,
        };
        body = decoded.unwrap_or(body);
    }
    // No JSON begins so.
    Ok(gunzip(&body, limit)?.unwrap_or(body))
}

fn gunzip(body: &[u8], limit: usize) -> Result<Option<Vec<u8>>, TooLong> {
    match gzip_data(body) {
        Some(data) => inflated(data, DataFormat::Raw, limit),
        None => Ok(None),
    }
}

/// What follows the header of a gzip member (RFC 1952).
fn gzip_data(body: &[u8]) -> Option<&[u8]> {
    const HAS_CHECKSUM: u8 = 2;
    const HAS_EXTRA: u8 = 4;
    const HAS_NAME: u8 = 8;
    const HAS_COMMENT: u8 = 16;
    let flags = *body.strip_prefix(&GZIP_MAGIC)?.first()?;
    let mut data = body.get(10..)?;
    if flags & HAS_EXTRA != 0 {
        let length = usize::from(u16::from_le_bytes([*data.first()?, *data.get(1)?]));
        data = data.get(2 + length..)?;
    }
    for text in [HAS_NAME, HAS_COMMENT] {
        if flags & text != 0 {
            let end = data.iter().position(|byte| *byte == 0)?;
            data = &data[end + 1..];
        }
    }
    if flags & HAS_CHECKSUM != 0 {
        data = data.get(2..)?;
    }
    Some(data)
}

/// With the header of zlib, as the standard says, or without, as some send it.
fn inflate(body: &[u8], limit: usize) -> Result<Option<Vec<u8>>, TooLong> {
    match inflated(body, DataFormat::Zlib, limit)? {
        Some(decoded) => Ok(Some(decoded)),
        None => inflated(body, DataFormat::Raw, limit),
    }
}

fn inflated(mut data: &[u8], format: DataFormat, limit: usize) -> Result<Option<Vec<u8>>, TooLong> {
    let mut state = InflateState::new_boxed(format);
    let (mut decoded, mut chunk) = (Vec::new(), [0; 8192]);
    loop {
        let result = stream::inflate(&mut state, data, &mut chunk, MZFlush::None);
        decoded.extend_from_slice(&chunk[..result.bytes_written]);
        if decoded.len() > limit {
            return Err(TooLong);
        }
        data = &data[result.bytes_consumed..];
        match result.status {
            Ok(MZStatus::StreamEnd) => return Ok(Some(decoded)),
            // The end is missing.
            Ok(_) if result.bytes_written == 0 && data.is_empty() => return Ok(Some(decoded)),
            Err(MZError::Buf) => return Ok(Some(decoded)),
            Ok(_) => {}
            Err(_) => return Ok(None),
        }
    }
}

fn unbrotli(body: &[u8], limit: usize) -> Result<Option<Vec<u8>>, TooLong> {
    let mut decoded = Vec::new();
    let read = Decompressor::new(body, 4096).take(limit as u64 + 1).read_to_end(&mut decoded);
    match read {
        _ if decoded.len() > limit => Err(TooLong),
        Ok(_) => Ok(Some(decoded)),
        // Cut, or no Brotli at all.
        Err(_) if decoded.is_empty() => Ok(None),
        Err(_) => Ok(Some(decoded)),
    }
}
