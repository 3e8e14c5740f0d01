//! Reads the few fields of a certificate that the verifier does not show. Only certificates that the user trusts are read.

use rustls::pki_types::UnixTime;

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BOOLEAN: u8 = 0x01;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const SET: u8 = 0x31;
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

pub struct Certificate<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    /// In seconds since the epoch.
    not_before: u64,
    not_after: u64,
    /// May vouch for others. Where a certificate does not say, only one of the first version may.
    pub is_authority: bool,
    pub has_alternative_names: bool,
}

impl<'a> Certificate<'a> {
    /// `None` where it is no X.509.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let (SEQUENCE, signed, _) = item(der)? else { return None };
        let (SEQUENCE, mut fields, _) = item(signed)? else { return None };
        let is_first_version = match item(fields)? {
            (VERSION, version, rest) => {
                fields = rest;
                matches!(item(version)?, (INTEGER, [0], _))
            }
            _ => true,
        };
        let mut next = || {
            let (_, content, rest) = item(fields)?;
            fields = rest;
            Some(content)
        };
        let (_serial, _algorithm) = (next()?, next()?);
        let issuer = next()?;
        let validity = next()?;
        let subject = next()?;
        let _key = next()?;
        let (kind, not_before, rest) = item(validity)?;
        let not_before = seconds(kind, not_before)?;
        let (kind, not_after, _) = item(rest)?;
        let not_after = seconds(kind, not_after)?;
        let mut certificate = Certificate {
            issuer,
            subject,
            not_before,
            not_after,
            is_authority: is_first_version,
            has_alternative_names: false,
        };
        while let Some((tag, content, rest)) = item(fields) {
            fields = rest;
            if tag == EXTENSIONS {
                certificate.read_extensions(item(content)?.1)?;
            }
        }
        Some(certificate)
    }

    fn read_extensions(&mut self, mut extensions: &[u8]) -> Option<()> {
        while let Some((SEQUENCE, extension, rest)) = item(extensions) {
            extensions = rest;
            let (OID, id, mut value) = item(extension)? else { return None };
            if let Some((BOOLEAN, _, rest)) = item(value) {
                value = rest;
            }
            let (OCTETS, value, _) = item(value)? else { return None };
            if id == BASIC_CONSTRAINTS {
                let (_, constraints, _) = item(value)?;
                self.is_authority = matches!(item(constraints), Some((BOOLEAN, [flag], _)) if *flag != 0);
            }
            self.has_alternative_names |= id == ALTERNATIVE_NAMES;
        }
        Some(())
    }

    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    pub fn is_begun(&self, now: UnixTime) -> bool {
        self.not_before <= now.as_secs()
    }

    pub fn is_over(&self, now: UnixTime) -> bool {
        self.not_after < now.as_secs()
    }

    /// The last common name of the subject.
    pub fn common_name(&self) -> Option<&'a str> {
        let (mut names, mut found) = (self.subject, None);
        while let Some((SET, set, rest)) = item(names) {
            names = rest;
            let (_, pair, _) = item(set)?;
            let (_, id, value) = item(pair)?;
            if id == COMMON_NAME {
                found = std::str::from_utf8(item(value)?.1).ok();
            }
        }
        found
    }
}

/// The first item of DER: its tag, its content, and what follows.
fn item(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        ..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` in seconds since the epoch; what was before it is 0.
fn seconds(kind: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (kind, text.len()) {
        (UTC_TIME, 12) => {
            let year: i64 = text[..2].parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, &text[2..])
        }
        (GENERALIZED_TIME, 14) => (text[..4].parse().ok()?, &text[4..]),
        _ => return None,
    };
    let part = |at: usize| rest[at..at + 2].parse::<i64>().ok();
    let (month, day) = (part(0)?, part(2)?);
    // Days since the epoch, counted from March, so that a leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (month * 153 + 2) / 5 + day
            - 719_469;
    let seconds = ((days * 24 + part(4)?) * 60 + part(6)?) * 60 + part(8)?;
    Some(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        for (kind, text, read) in [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "240229235959Z", Some(1_709_251_199)),
            (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
            (UTC_TIME, "500101000000Z", Some(0)),
            (GENERALIZED_TIME, "20000301000000Z", Some(951_868_800)),
            (GENERALIZED_TIME, "21240101000000Z", Some(4_859_740_800)),
            (GENERALIZED_TIME, "99991231235959Z", Some(253_402_300_799)),
            (GENERALIZED_TIME, "240229235959Z", None),
            (UTC_TIME, "2402292359Z", None),
            (UTC_TIME, "24022923595+Z", None),
            (UTC_TIME, "240229235959", None),
        ] {
            assert_eq!(seconds(kind, text.as_bytes()), read, "{text}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for der in
            [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30, 3, 0x30, 1, 0], &[0; 100]]
        {
            assert!(Certificate::read(der).is_none(), "{der:?}");
        }
    }
}
