//! The secrets of a call planted in text, in every spelling that is promised to be found: none may be left.
#![no_main]

use arbitrary::Arbitrary;
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use libfuzzer_sys::fuzz_target;
use turnstile_solver::options::{CreateTaskRequest, RawOption};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    key: &'a str,
    user: &'a str,
    password: &'a str,
    pieces: Vec<Piece<'a>>,
    repeat: u8,
}

#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    Text(&'a str),
    Plain(Which),
    /// The bits say which bytes are escaped and with which digits.
    Percent(Which, u64, u64),
    Base64 {
        which: Which,
        url_safe: bool,
        padded: bool,
        before: &'a str,
        after: &'a str,
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Which {
    Key,
    User,
    Password,
    Credentials,
    Proxy,
}

/// What stands in a secret's place.
const NAMES: [&str; 5] = ["[clientKey]", "[proxy]", "[proxy credentials]", "[proxy password]", "[proxy user]"];
/// What is shorter is documented to be left alone.
const MIN_LENGTH: usize = 4;

fuzz_target!(|input: Input| {
    let or = |given: &'static str, text| if text == "" { given } else { text };
    let (key, user, password) =
        (or("test-key-0123456789abcdef", input.key), or("somebody", input.user), or("hunter2?>", input.password));
    // The first colon ends the user.
    if user.contains(':') {
        return;
    }
    let (credentials, proxy) = (format!("{user}:{password}"), format!("http://{user}:{password}@proxy.example.com:80"));
    let given = [
        ("provider", "ezcaptcha"),
        ("clientKey", key),
        ("websiteURL", "https://example.com"),
        ("websiteKey", "0x4"),
        ("proxy", &proxy),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), RawOption::Text(value.to_owned())));
    let Ok(request) = CreateTaskRequest::parse(given.into()) else { return };
    let secrets = [key, user, password, &credentials, &proxy].map(|secret| secret.to_owned());
    // A secret that is part of a name, or that could begin or end in one, is left by the name and not by the text.
    let confusing = |secret: &String| {
        secret.len() >= MIN_LENGTH
            && (secret.contains(['[', ']']) || NAMES.iter().any(|name| leaks(name, secret).is_some()))
    };
    if secrets.iter().any(confusing) {
        return;
    }
    let mut text: String = input.pieces.iter().map(|piece| spelt(piece, &secrets)).collect();
    if !text.is_empty() {
        // Now and then as long as a long reply.
        text = text.repeat(if input.repeat == 255 { (1 << 16) / text.len() } else { 1 });
    }
    let clean = request.account.secrets.redact(text.clone());
    for secret in secrets.iter().filter(|secret| secret.len() >= MIN_LENGTH) {
        if let Some(spelling) = leaks(&clean, secret) {
            panic!("{secret:?} is left {spelling}\n  in {clean:?}\nfrom {text:?}");
        }
    }
});

fn spelt(piece: &Piece, secrets: &[String; 5]) -> String {
    match *piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Plain(which) => secrets[which as usize].clone(),
        Piece::Percent(which, escaped, upper) => {
            let set = |bits: u64, at: usize| bits >> (at % 64) & 1 == 1;
            let secret = &secrets[which as usize];
            let mut text = String::new();
            for (at, c) in secret.char_indices() {
                match (set(escaped, at), set(upper, at)) {
                    (false, _) => text.push(c),
                    (true, true) => text.extend(c.to_string().bytes().map(|byte| format!("%{byte:02X}"))),
                    (true, false) => text.extend(c.to_string().bytes().map(|byte| format!("%{byte:02x}"))),
                }
            }
            text
        }
        Piece::Base64 { which, url_safe, padded, before, after } => {
            engine(url_safe, padded).encode([before, &secrets[which as usize], after].concat())
        }
    }
}

fn engine(url_safe: bool, padded: bool) -> GeneralPurpose {
    let alphabet = if url_safe { alphabet::URL_SAFE } else { alphabet::STANDARD };
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(padded)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&alphabet, config)
}

/// How the secret can be read in the text, if it can: by decoding, where the crate looks for what it has encoded.
fn leaks(text: &str, secret: &str) -> Option<&'static str> {
    if text.contains(secret) {
        return Some("as it is");
    }
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    if text.contains('%') && holds(&percent_decoded(text)) {
        return Some("percent-encoded");
    }
    let foreign = |c: char| !(c.is_ascii_alphanumeric() || "+/-_".contains(c));
    for run in text.split(foreign).filter(|run| run.len() >= secret.len()) {
        for skipped in 0..4 {
            let run = run.get(skipped..).unwrap_or_default();
            // A single character left over is no whole byte.
            let run = &run[..run.len() - usize::from(run.len() % 4 == 1)];
            for url_safe in [false, true] {
                if engine(url_safe, false).decode(run).is_ok_and(|bytes| holds(&bytes)) {
                    return Some("in base64");
                }
            }
        }
    }
    None
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let digit = |at: usize| text.as_bytes().get(at).and_then(|digit| char::from(*digit).to_digit(16));
    let (mut bytes, mut at) = (Vec::new(), 0);
    while at < text.len() {
        match (text.as_bytes()[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    bytes
}
