//! Secrets in text that came from outside: found as they are, percent-encoded, as JSON and HTML escape them, in base64, and
//! in up to three of these on top of each other.

mod view;

use std::{cmp::Reverse, ops::Range};

use secrecy::{ExposeSecret, SecretString};
use view::View;
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
        for _ in 0..=MAX_LAYERS {
            for (secret, name) in &encodings {
                let secret = secret.expose_secret();
                let ranges = view.find(secret).into_iter().chain(view.find_base64(secret));
                found.extend(ranges.map(|range| (range, *name)));
            }
            match view.decoded() {
                Some(decoded) => view = decoded,
                None => break,
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
mod tests;
