//! What comes along when a text is copied from a file, a terminal or a page: a task that was bought with it would be of no use.

use crate::escape::is_invisible;

/// The first character of a text that cannot belong to a URL, a sitekey or a task type, and where it stands.
pub fn problem_of(text: &str) -> Option<String> {
    let (at, c) = text.chars().enumerate().find(|(_, c)| kind_of(*c).is_some())?;
    Some(format!("has {} (U+{:04X}) as its character {}", kind_of(c)?, c as u32, at + 1))
}

fn kind_of(c: char) -> Option<&'static str> {
    match c {
        // Some of these are controls, and some have no width.
        _ if c.is_whitespace() => Some("white space"),
        _ if c.is_control() => Some("a control character"),
        _ if is_invisible(c) => Some("an invisible character"),
        // What stands for something that could not be read.
        '\u{fffd}' => Some("a replacement character"),
        '"' | '\'' | '`' | '\u{b4}' | '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}' | '\u{2039}' | '\u{203a}' => {
            Some("a quotation mark")
        }
        '\u{2032}'..='\u{2037}' | '\u{275b}'..='\u{275e}' | '\u{300c}'..='\u{300f}' | '\u{301d}'..='\u{301f}' => {
            Some("a quotation mark")
        }
        '\u{ff02}' | '\u{ff07}' => Some("a quotation mark"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_urls_and_sitekeys_is_right() {
        for text in [
            "https://shop.example/login?a=1&b=%22x%22#top",
            "https://xn--bcher-kva.example/",
            "https://bücher.example/straße/漢字?q=a+b,c;d=(e)*f!~g",
            "https://[2001:db8::1]:8443/",
            "0x4AAAAAAADnPIDROrmt1Wwj",
            "1x00000000000000000000AA",
        ] {
            assert_eq!(problem_of(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_copied_by_mistake_is_named_with_its_place() {
        for (text, problem) in [
            ("https://shop.example/login\r", "has white space (U+000D) as its character 27"),
            (" 0x4AAAA ", "has white space (U+0020) as its character 1"),
            ("0x4AAAA\n", "has white space (U+000A) as its character 8"),
            ("0x4A AAA", "has white space (U+0020) as its character 5"),
            ("0x4AAAA\u{a0}", "has white space (U+00A0) as its character 8"),
            ("0x4AAAA\u{3000}", "has white space (U+3000) as its character 8"),
            ("0x4AAAA\u{200b}", "has an invisible character (U+200B) as its character 8"),
            ("\u{feff}0x4AAAA", "has an invisible character (U+FEFF) as its character 1"),
            ("0x4A\u{2060}AAA", "has an invisible character (U+2060) as its character 5"),
            ("0x4A\u{ad}AAA", "has an invisible character (U+00AD) as its character 5"),
            ("0x4AAAA\u{202e}", "has an invisible character (U+202E) as its character 8"),
            ("0x4AAAA\0", "has a control character (U+0000) as its character 8"),
            ("0x4AAAA\u{7f}", "has a control character (U+007F) as its character 8"),
            ("0x4AAAA\u{9b}", "has a control character (U+009B) as its character 8"),
            ("\"0x4AAAA\"", "has a quotation mark (U+0022) as its character 1"),
            ("'0x4AAAA'", "has a quotation mark (U+0027) as its character 1"),
            ("`0x4AAAA`", "has a quotation mark (U+0060) as its character 1"),
            ("\u{201c}0x4AAAA\u{201d}", "has a quotation mark (U+201C) as its character 1"),
            ("\u{ab}0x4AAAA\u{bb}", "has a quotation mark (U+00AB) as its character 1"),
            ("\u{2033}0x4AAAA", "has a quotation mark (U+2033) as its character 1"),
            ("\u{ff02}0x4AAAA", "has a quotation mark (U+FF02) as its character 1"),
            ("0x4A\u{fffd}", "has a replacement character (U+FFFD) as its character 5"),
        ] {
            assert_eq!(problem_of(text).as_deref(), Some(problem), "{text:?}");
        }
    }
}
