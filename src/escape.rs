//! Text that came from outside, made safe to print: bounded, and without what a terminal or a reader could be misled by.

use std::fmt;

/// Displays a text in one line: at most so many characters, each that is not visible as it stands escaped as `\u{…}`.
pub struct Escaped<'a>(pub &'a str, pub usize);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Escaped(text, max) = *self;
        for c in text.chars().take(max) {
            match c.is_control() || is_invisible(c) {
                true => write!(f, "\\u{{{:x}}}", c as u32)?,
                false => write!(f, "{c}")?,
            }
        }
        match text.chars().nth(max) {
            Some(_) => f.write_str("…"),
            None => Ok(()),
        }
    }
}

/// How a text begins, in one line: its white space folded, and what cannot be printed replaced.
pub fn one_line(text: &str, max: usize) -> String {
    // Four times as many are enough to be left with that many once white space is folded, or to be cut anyway.
    let start: String = text.chars().take(max * 4).collect();
    let line = start.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(max).collect()
}

/// Line separators, characters without a width or without ink, and those that change the direction of text.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_visible_is_escaped() {
        for (text, shown) in [
            ("plain: ünïcode 漢字 🔑", "plain: ünïcode 漢字 🔑"),
            ("\u{1b}[31mred", r"\u{1b}[31mred"),
            ("a\nb\r\tc\0", r"a\u{a}b\u{d}\u{9}c\u{0}"),
            ("\u{7f}\u{9b}31m", r"\u{7f}\u{9b}31m"),
            ("\u{202e}gpj.exe\u{2066}", r"\u{202e}gpj.exe\u{2066}"),
            ("0x4A\u{200b}A\u{feff}", r"0x4A\u{200b}A\u{feff}"),
            ("\u{2028}\u{2029}\u{e0041}\u{ad}", r"\u{2028}\u{2029}\u{e0041}\u{ad}"),
            ("\u{1d173}\u{e01f0}\u{1bca0}\u{fff0}", r"\u{1d173}\u{e01f0}\u{1bca0}\u{fff0}"),
            ("\u{3164}\u{ffa0}\u{115f}\u{2800}\u{34f}", r"\u{3164}\u{ffa0}\u{115f}\u{2800}\u{34f}"),
        ] {
            assert_eq!(Escaped(text, 100).to_string(), shown);
        }
    }

    #[test]
    fn one_line_is_short_and_printable() {
        assert_eq!(one_line("<html>\r\n  <h1>502\tBad  Gateway\n", 1000), "<html> <h1>502 Bad Gateway");
        assert_eq!(one_line("\x1b[31mred\0", 1000), "\u{fffd}[31mred\u{fffd}");
        assert_eq!(one_line(&"é".repeat(5000), 1000).chars().count(), 1000);
        assert_eq!(one_line("a   b   c   d", 3), "a b");
        assert_eq!(one_line("a         b", 3), "a b", "white space that is folded does not count");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        assert_eq!(Escaped("abc", 3).to_string(), "abc");
        assert_eq!(Escaped("abcd", 3).to_string(), "abc…");
        assert_eq!(Escaped("\n\n\n", 2).to_string(), r"\u{a}\u{a}…");
        assert_eq!(Escaped(&"é".repeat(900_000), 300).to_string().chars().count(), 301);
    }
}
