//! A text and what it decodes to, so that a secret is found behind escapes.

use std::{borrow::Cow, ops::Range};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

/// A text, or what it decodes to, and where each byte of it comes from.
pub struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// The range of the original text behind each byte; `None` for the text itself.
    origins: Option<Vec<Range<usize>>>,
}

impl<'a> View<'a> {
    pub fn of(text: &'a str) -> Self {
        View { bytes: Cow::Borrowed(text.as_bytes()), origins: None }
    }

    /// The range of the original text behind a range of this one.
    fn origin(&self, range: Range<usize>) -> Range<usize> {
        match &self.origins {
            None => range,
            Some(origins) => origins[range.start].start..origins[range.end - 1].end,
        }
    }

    /// The same with one layer of escapes undone; `None` if there is none.
    pub fn decoded(&self) -> Option<View<'static>> {
        let (mut bytes, mut origins, mut at) = (Vec::new(), Vec::new(), 0);
        let mut undone = false;
        while at < self.bytes.len() {
            let (length, unit) = match escape(&self.bytes[at..]) {
                Some((length, c)) => {
                    undone = true;
                    (length, c)
                }
                None => (1, Unit::Byte(self.bytes[at])),
            };
            let origin = self.origin(at..at + length);
            let mut buffer = [0; 4];
            let decoded: &[u8] = match &unit {
                Unit::Byte(byte) => std::slice::from_ref(byte),
                Unit::Char(c) => c.encode_utf8(&mut buffer).as_bytes(),
            };
            bytes.extend_from_slice(decoded);
            origins.extend(decoded.iter().map(|_| origin.clone()));
            at += length;
        }
        undone.then_some(View { bytes: Cow::Owned(bytes), origins: Some(origins) })
    }

    pub fn find(&self, secret: &str) -> Vec<Range<usize>> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(rest) = self.bytes.get(at..at + secret.len()) {
            match rest == secret.as_bytes() {
                true => {
                    found.push(self.origin(at..at + secret.len()));
                    at += secret.len();
                }
                false => at += 1,
            }
        }
        found
    }

    /// Finds the whole runs of base64 that hold the secret.
    pub fn find_base64(&self, secret: &str) -> Vec<Range<usize>> {
        let in_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
        let cores = base64_cores(secret);
        let (mut found, mut end) = (Vec::new(), 0);
        while let Some(before) = self.bytes[end..].iter().position(in_alphabet) {
            let start = end + before;
            let length = self.bytes[start..].iter().position(|byte| !in_alphabet(byte));
            end = length.map_or(self.bytes.len(), |length| start + length);
            let run = &self.bytes[start..end];
            let holds = |core: &Zeroizing<String>| run.windows(core.len()).any(|part| part == core.as_bytes());
            if cores.iter().any(holds) {
                found.push(self.origin(start..end));
            }
        }
        found
    }
}

enum Unit {
    Byte(u8),
    Char(char),
}

/// The escape at the start of the bytes, and its length: `%2D`, `\u002d`, `\"`, `&#45;`, `&amp;`.
fn escape(bytes: &[u8]) -> Option<(usize, Unit)> {
    match bytes[0] {
        b'%' => Some((3, Unit::Byte(hex(bytes.get(1..3)?)? as u8))),
        b'\\' if *bytes.get(1)? == b'u' => json_unicode_escape(bytes),
        b'\\' => {
            let unit = match bytes.get(1)? {
                byte @ (b'"' | b'\\' | b'/' | b'\'') => *byte,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                _ => return None,
            };
            Some((2, Unit::Byte(unit)))
        }
        b'&' => html_escape(bytes),
        _ => None,
    }
}

/// `\uXXXX`, or a pair of them for what lies beyond 16 bits.
fn json_unicode_escape(bytes: &[u8]) -> Option<(usize, Unit)> {
    let first = hex(bytes.get(2..6)?)?;
    let second = || match bytes.get(6..8)? == b"\\u" {
        true => hex(bytes.get(8..12)?).filter(|low| (0xdc00..0xe000).contains(low)),
        false => None,
    };
    match (first, second()) {
        (0xd800..0xdc00, Some(low)) => {
            let c = char::from_u32(0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00))?;
            Some((12, Unit::Char(c)))
        }
        _ => Some((6, Unit::Char(char::from_u32(first)?))),
    }
}

fn html_escape(bytes: &[u8]) -> Option<(usize, Unit)> {
    const LONGEST: usize = 10;
    let end = bytes.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let name = str::from_utf8(&bytes[1..end]).ok()?;
    let number = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => digits.parse().ok()?,
        },
        None => match name {
            "amp" => '&'.into(),
            "lt" => '<'.into(),
            "gt" => '>'.into(),
            "quot" => '"'.into(),
            "apos" => '\''.into(),
            _ => return None,
        },
    };
    Some((end + 1, Unit::Char(char::from_u32(number)?)))
}

fn hex(digits: &[u8]) -> Option<u32> {
    match digits.iter().all(u8::is_ascii_hexdigit) {
        true => u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok(),
        false => None,
    }
}

/// Of each base64 of the secret, at each offset and in each alphabet, the characters that depend on the secret alone.
fn base64_cores(secret: &str) -> Vec<Zeroizing<String>> {
    let mut cores = Vec::new();
    for offset in 0..3 {
        let shifted = Zeroizing::new([&[0; 2][..offset], secret.as_bytes()].concat());
        let (first, end) = ((offset * 8).div_ceil(6), shifted.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&*shifted), URL_SAFE_NO_PAD.encode(&*shifted)].map(Zeroizing::new) {
            cores.push(Zeroizing::new(encoded[first..end].to_owned()));
        }
    }
    cores
}
