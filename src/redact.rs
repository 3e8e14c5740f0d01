//! Secrets in text that came from outside: found as they are, percent-encoded, as JSON escapes them and in base64.

use std::{cmp::Reverse, ops::Range};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use secrecy::{ExposeSecret, SecretString};

/// The secrets of one call, each with the name that stands in its place.
#[derive(Debug, Default)]
pub struct Secrets(Vec<(SecretString, &'static str)>);

/// What is shorter is no secret, and taking it out would garble the text.
const MIN_LENGTH: usize = 4;

impl Secrets {
    pub fn of<'a>(secrets: impl IntoIterator<Item = (&'a str, &'static str)>) -> Self {
        let mut all = Secrets::default();
        all.extend(secrets);
        all
    }

    pub fn extend<'a>(&mut self, secrets: impl IntoIterator<Item = (&'a str, &'static str)>) {
        for (secret, name) in secrets.into_iter().filter(|(secret, _)| secret.len() >= MIN_LENGTH) {
            self.0.reserve_exact(1);
            self.0.push((secret.into(), name));
        }
    }

    /// The text without the secrets: as they are, percent-encoded in part or whole, or in base64 at any offset.
    pub fn redact(&self, mut text: String) -> String {
        for (secret, name) in self.encodings() {
            let secret = secret.expose_secret();
            for find in [find_plain, find_percent_encoded, find_base64] {
                text = replaced(text, find, secret, name);
            }
        }
        text
    }

    /// The longer come before the shorter, which may be a part of them.
    fn encodings(&self) -> Vec<(SecretString, &'static str)> {
        let mut all = self.0.clone();
        for (secret, name) in &self.0 {
            let secret = secret.expose_secret();
            // Replies that are no answers are quoted as they are: in JSON, likely. Some escape the slash there.
            let in_json = secret.replace('\\', "\\\\").replace('"', "\\\"");
            let slashes_too = in_json.replace('/', "\\/");
            let decoded = percent_encoding::percent_decode_str(secret).decode_utf8_lossy().into_owned();
            for spelling in [in_json, slashes_too, decoded] {
                if spelling != secret {
                    all.push((spelling.into(), name));
                }
            }
        }
        all.sort_by_key(|(secret, _)| Reverse(secret.expose_secret().len()));
        all
    }
}

/// Ranges of the text, in order and apart from each other.
type Found = Vec<Range<usize>>;

fn replaced(text: String, find: fn(&str, &str) -> Found, secret: &str, name: &str) -> String {
    let (mut clean, mut at) = (String::new(), 0);
    for Range { start, end } in find(&text, secret) {
        clean.extend([&text[at..start], name]);
        at = end;
    }
    match at {
        0 => text,
        _ => clean + &text[at..],
    }
}

fn find_plain(text: &str, secret: &str) -> Found {
    text.match_indices(secret).map(|(start, found)| start..start + found.len()).collect()
}

fn find_percent_encoded(text: &str, secret: &str) -> Found {
    if !text.contains('%') {
        return Vec::new();
    }
    let bytes = text.as_bytes();
    // What is between two escapes is matched too, since encoders differ in what they escape.
    let (mut decoded, mut starts) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < bytes.len() {
        starts.push(at);
        let escaped = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(hex_byte);
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    starts.push(bytes.len());
    let mut found = Found::new();
    let mut at = 0;
    while let Some(rest) = decoded.get(at..at + secret.len()) {
        match rest == secret.as_bytes() {
            true => {
                found.push(starts[at]..starts[at + secret.len()]);
                at += secret.len();
            }
            false => at += 1,
        }
    }
    found
}

fn hex_byte(digits: &[u8]) -> Option<u8> {
    match digits.iter().all(u8::is_ascii_hexdigit) {
        true => u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok(),
        false => None,
    }
}

/// Finds the whole runs of base64 that hold the secret.
fn find_base64(text: &str, secret: &str) -> Found {
    // The percent sign is there for what is percent-encoded on top.
    let in_alphabet = |c: char| c.is_ascii_alphanumeric() || "+/-_=%".contains(c);
    let mut cores = Vec::new();
    for offset in 0..3 {
        let shifted = [&[0; 2][..offset], secret.as_bytes()].concat();
        // Of each spelling, the characters that depend on the secret alone.
        let (first, end) = ((offset * 8).div_ceil(6), shifted.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&shifted), URL_SAFE_NO_PAD.encode(&shifted)] {
            cores.push(encoded[first..end].to_owned());
        }
    }
    let mut found = Found::new();
    let mut end = 0;
    while let Some(before) = text[end..].find(in_alphabet) {
        let start = end + before;
        end = text[start..].find(|c| !in_alphabet(c)).map_or(text.len(), |length| start + length);
        let run = percent_encoding::percent_decode_str(&text[start..end]).decode_utf8_lossy();
        if cores.iter().any(|core| run.contains(core)) {
            found.push(start..end);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "test-key-0123456789abcdef";

    fn redact(text: &str) -> String {
        Secrets::of([(KEY, "[clientKey]")]).redact(text.to_owned())
    }

    #[test]
    fn a_secret_is_taken_out_wherever_it_stands() {
        assert_eq!(redact(&format!("key {KEY} is bad, {KEY}!")), "key [clientKey] is bad, [clientKey]!");
        assert_eq!(redact(KEY), "[clientKey]");
        assert_eq!(redact("nothing here"), "nothing here");
    }

    #[test]
    fn percent_encoding_hides_nothing_however_much_of_it_is_encoded() {
        let whole: String = KEY.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let dashes = KEY.replace('-', "%2D");
        for spelling in [whole.clone(), whole.to_uppercase(), dashes] {
            assert_eq!(redact(&format!("a=%20&k={spelling}&b=%")), "a=%20&k=[clientKey]&b=%");
        }
    }

    #[test]
    fn base64_hides_nothing_at_any_offset_and_in_either_alphabet() {
        let key = "??>>test-key-0123456789??>>";
        let secrets = Secrets::of([(key, "[clientKey]")]);
        for before in ["", "a", "ab", "abc", "{\"clientKey\":\""] {
            for after in ["", "z", "zz", "\"}"] {
                let inner = format!("{before}{key}{after}");
                for encoded in [STANDARD_NO_PAD.encode(&inner), URL_SAFE_NO_PAD.encode(&inner)] {
                    assert_eq!(secrets.redact(format!("got {encoded}== from you")), "got [clientKey] from you");
                }
            }
        }
    }

    #[test]
    fn a_name_that_holds_the_secret_does_not_hang() {
        let secrets = Secrets::of([("clientKey", "[clientKey]")]);
        assert_eq!(secrets.redact("clientKey".into()), "[clientKey]");
    }

    #[test]
    fn base64_that_is_percent_encoded_hides_nothing() {
        let key = "??>>test-key-0123456789??>>";
        let encoded = STANDARD_NO_PAD.encode(key).replace('+', "%2B").replace('/', "%2f");
        assert_eq!(Secrets::of([(key, "[clientKey]")]).redact(format!("k {encoded}%3D&x")), "k [clientKey]&x");
    }

    #[test]
    fn a_secret_given_percent_encoded_is_found_decoded_and_the_longer_before_its_part() {
        let secrets = Secrets::of([("p%40ssword", "[password]"), ("p%40ssword-extra", "[user]")]);
        assert_eq!(secrets.redact("p@ssword p%40ssword-extra".into()), "[password] [user]");
    }

    #[test]
    fn a_slash_that_json_escapes_hides_nothing() {
        assert_eq!(Secrets::of([("ab/cd+ef", "[clientKey]")]).redact(r"ab\/cd+ef".into()), "[clientKey]");
    }

    #[test]
    fn a_secret_is_found_as_json_spells_it() {
        let secrets = Secrets::of([(r#"ke"y\"#, "[clientKey]")]);
        let quoted = serde_json::to_string(r#"ke"y\"#).unwrap();
        assert_eq!(secrets.redact(format!("got {quoted}")), "got \"[clientKey]\"");
    }

    #[test]
    fn what_is_too_short_to_be_a_secret_is_left_alone() {
        let secrets = Secrets::of([("a", "[clientKey]")]);
        assert_eq!(secrets.redact("a bad key".into()), "a bad key");
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let secrets = Secrets::of([(KEY, "[clientKey]")]);
        assert!(!format!("{secrets:?}").contains(KEY));
    }
}
