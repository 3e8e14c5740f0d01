use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

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
    for text in
        ["%", "%2", "%zz", "\\", "\\u", "\\u12", "\\ud800", "&", "&;", "&#;", "&#xffffff;", "&nothing;", "50 % of \\q"]
    {
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
