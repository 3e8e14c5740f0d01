//! Secrets in text that came from outside: found as they are, percent-encoded, as JSON and HTML escape them, in base64, and
//! in up to three of these on top of each other.

use std::{borrow::Cow, cmp::Reverse, ops::Range};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// The secrets of one call, each with the name that replaces it.
#[derive(Debug, Default)]
pub struct Secrets(Vec<(SecretString, &'static str)>);

/// What is shorter is no secret, and redacting it would garble the text.
const MIN_LENGTH: usize = 4;
/// So many characters of a reply are searched before any of it is quoted.
pub const MAX_SEARCHED: usize = 16 * 1024;
/// The longest spelling of a secret: a proxy has at most 1024 characters, and an escape of an escape at most eight.
pub const MAX_SPELLING: usize = 8 * 1024;
/// How many encodings on top of each other are undone.
const MAX_LAYERS: usize = 3;

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

    /// The text without the secrets.
    pub fn redact(&self, text: String) -> String {
        let encodings = self.encodings();
        let mut found: Vec<(Range<usize>, &'static str)> = Vec::new();
        let mut view = View::of(&text);
        for layer in 0..=MAX_LAYERS {
            for (secret, name) in &encodings {
                let secret = secret.expose_secret();
                let ranges = view.find(secret).into_iter().chain(view.find_base64(secret));
                found.extend(ranges.map(|range| (range, *name)));
            }
            match view.decoded() {
                Some(decoded) if layer < MAX_LAYERS => view = decoded,
                _ => break,
            }
        }
        replaced(text, found)
    }

    /// Whether the text holds any of the secrets.
    pub fn are_in(&self, text: &str) -> bool {
        self.redact(text.to_owned()) != text
    }

    /// The secrets as they are, and percent-decoded. The longer come before the shorter, which may be a part of them.
    fn encodings(&self) -> Vec<(SecretString, &'static str)> {
        let mut all = self.0.clone();
        for (secret, name) in &self.0 {
            let secret = secret.expose_secret();
            let decoded = percent_encoding::percent_decode_str(secret).decode_utf8_lossy();
            if decoded != secret {
                let decoded = Zeroizing::new(decoded.into_owned());
                all.push((decoded.as_str().into(), name));
            }
        }
        all.sort_by_key(|(secret, _)| Reverse(secret.expose_secret().len()));
        all
    }
}

/// The text with names in place of the ranges. Of two that overlap the first found takes the text of both.
fn replaced(text: String, mut found: Vec<(Range<usize>, &'static str)>) -> String {
    if found.is_empty() {
        return text;
    }
    // Stable, so that of two ranges with the same start the longer secret's comes first.
    found.sort_by_key(|(range, _)| range.start);
    let (mut clean, mut end) = (String::new(), 0);
    for (range, name) in found {
        if range.start >= end {
            clean.extend([&text[end..range.start], name]);
        }
        end = end.max(range.end);
    }
    clean + &text[end..]
}

/// A text, or what it decodes to, and where each byte of it comes from.
struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// The range of the original text behind each byte; `None` for the text itself.
    origins: Option<Vec<Range<usize>>>,
}

impl<'a> View<'a> {
    fn of(text: &'a str) -> Self {
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
    fn decoded(&self) -> Option<View<'static>> {
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

    fn find(&self, secret: &str) -> Vec<Range<usize>> {
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
    fn find_base64(&self, secret: &str) -> Vec<Range<usize>> {
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

/// The text with the credentials of every URL in it redacted: what was given in a wrong place may hold some.
pub fn redact_url_credentials(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("//") {
        clean.extend([before, "//"]);
        let authority = &after[..after.find(['/', '?', '#', ' ']).unwrap_or(after.len())];
        rest = match authority.rfind('@') {
            Some(at) => {
                clean.push_str("[credentials]");
                &after[at..]
            }
            None => after,
        };
    }
    clean + rest
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
    fn a_secret_is_found_whatever_json_or_html_escape_of_it() {
        let units = |escaped: fn(char) -> String| KEY.chars().map(escaped).collect::<String>();
        let some = |of: char, by: &str| KEY.replace(of, by);
        for encoded in [
            units(|c| format!("\\u{:04x}", c as u32)),
            units(|c| format!("\\u{:04X}", c as u32)),
            units(|c| format!("&#{};", c as u32)),
            units(|c| format!("&#x{:x};", c as u32)),
            units(|c| format!("%{:02X}", c as u32)),
            some('-', "\\u002d"),
            some('0', "\\u0030"),
            some('-', "&#45;"),
            // Quoted twice and three times.
            some('-', "\\\\u002d"),
            some('-', "%252D"),
            some('-', "%25252D"),
            some('-', "&amp;#45;"),
            some('-', "%5Cu002d"),
        ] {
            assert_eq!(redact(&format!("got {encoded}.")), "got [clientKey].", "{encoded}");
        }
    }

    #[test]
    fn every_character_that_json_or_html_escapes_by_a_name_is_found() {
        let key = "a\"b\\c/d'e\nf\rg\th<i>j&k";
        let secrets = Secrets::of([(key, "[password]")]);
        let in_json = key.replace('\\', "\\\\").replace('"', "\\\"").replace('/', "\\/").replace('\'', "\\'");
        let in_json = in_json.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
        let in_html = key.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        let in_html = in_html.replace('\'', "&apos;");
        for encoded in [in_json.clone(), in_html, in_json.replace('\\', "\\\\").replace('"', "\\\"")] {
            assert_eq!(secrets.redact(format!("got {encoded}.")), "got [password].", "{encoded}");
        }
    }

    #[test]
    fn base64_that_does_not_hold_the_whole_secret_is_left_as_it_is() {
        for near in ["test-key-0123456789abcde", "est-key-0123456789abcdef", "test-key-0123456789abcde~", "xxxx"] {
            for before in ["", "a", "ab", "abc"] {
                let text = format!("got {} here", STANDARD_NO_PAD.encode(format!("{before}{near}{}", "?".repeat(40))));
                assert_eq!(redact(&text), text, "{near}");
            }
        }
    }

    #[test]
    fn of_secrets_side_by_side_and_one_within_another_each_is_replaced_once() {
        let secrets = Secrets::of([("inner", "[password]"), ("the-inner-one", "[proxy]"), ("other", "[clientKey]")]);
        for (text, clean) in [
            ("innerother", "[password][clientKey]"),
            ("the-inner-oneinner", "[proxy][password]"),
            ("inner the-inner-one, other.", "[password] [proxy], [clientKey]."),
            ("the-inner-on", "the-[password]-on"),
            ("%69nner%6fther", "[password][clientKey]"),
            ("innerinner", "[password][password]"),
        ] {
            assert_eq!(secrets.redact(text.into()), clean);
        }
    }

    #[test]
    fn whether_a_text_holds_a_secret_is_known() {
        let secrets = Secrets::of([(KEY, "[clientKey]")]);
        assert!(secrets.are_in(&format!("a{KEY}")) && !secrets.are_in("a key"));
    }

    #[test]
    fn a_secret_beyond_ascii_is_found_in_a_pair_of_json_escapes() {
        let secrets = Secrets::of([("pass\u{1f511}wörd", "[password]")]);
        assert_eq!(secrets.redact(r"got pass\ud83d\udd11w\u00f6rd!".into()), "got [password]!");
        assert_eq!(secrets.redact("got pass%F0%9F%94%91w%c3%b6rd!".into()), "got [password]!");
    }

    #[test]
    fn base64_whose_slashes_json_escapes_hides_nothing() {
        let key = "??>>test-key-0123456789??>>";
        let encoded = STANDARD_NO_PAD.encode(key).replace('/', "\\/");
        assert_eq!(Secrets::of([(key, "[clientKey]")]).redact(format!("k {encoded} x")), "k [clientKey] x");
    }

    #[test]
    fn text_that_only_looks_like_escapes_is_left_as_it_is() {
        for text in [
            "%",
            "%2",
            "%zz",
            "\\",
            "\\u",
            "\\u12",
            "\\ud800",
            "&",
            "&;",
            "&#;",
            "&#xffffff;",
            "&nothing;",
            "50 % of \\q",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn credentials_of_urls_are_redacted_and_nothing_else() {
        for (text, clean) in [
            ("http://user:secret@proxy.test:80", "http://[credentials]@proxy.test:80"),
            (
                "x http://u:p@a.test/y@z and socks5://token@b.test",
                "x http://[credentials]@a.test/y@z and socks5://[credentials]@b.test",
            ),
            ("http://u:p@ss@a.test", "http://[credentials]@a.test"),
            ("https://a.test/path@x", "https://a.test/path@x"),
            ("a@b", "a@b"),
            ("", ""),
        ] {
            assert_eq!(redact_url_credentials(text), clean);
        }
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
