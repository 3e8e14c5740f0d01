//! JSON cut off at a depth: what is nested deeper than JavaScript can serialize or clone would make a paid token's object
//! useless.

use serde_json::value::RawValue;

/// Deeper values are replaced by `null`.
pub const MAX_DEPTH: usize = 100;

/// The same JSON with every object and array that lies deeper than [`MAX_DEPTH`] replaced by `null`.
pub fn bounded(json: &RawValue) -> Box<RawValue> {
    let text = json.get();
    let (mut out, mut depth) = (String::with_capacity(text.len()), 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        let keeps = depth <= MAX_DEPTH;
        match c {
            _ if escaped => escaped = false,
            // JSON has it only in strings.
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' | '[' => {
                depth += 1;
                if depth == MAX_DEPTH + 1 {
                    out.push_str("null");
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if keeps && depth <= MAX_DEPTH {
            out.push(c);
        }
    }
    // Cut where a whole value began and ended, so it is JSON still.
    RawValue::from_string(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(json: &str) -> String {
        bounded(&RawValue::from_string(json.to_owned()).unwrap()).get().to_owned()
    }

    #[test]
    fn what_is_deep_enough_to_be_kept_is_kept_to_the_letter() {
        let deepest = format!("{}0{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        for json in ["0", "{}", r#"{"a":"[[[[{{{{","b":"\"[","c":[1,{"d":null}]}"#, &deepest] {
            assert_eq!(cut(json), json);
        }
        for before in ["", r#"\""#, r#"\\\""#, r"\\", r"\u005b"] {
            let brackets_in_text = format!(r#"{{"a":"{before}{}","b":[1]}}"#, "[".repeat(1000));
            assert_eq!(cut(&brackets_in_text), brackets_in_text);
        }
    }

    #[test]
    fn what_is_deeper_becomes_null_and_its_neighbours_stay() {
        for depth in [MAX_DEPTH + 1, 1000, 100_000] {
            let deep = format!("{}0{}", "[".repeat(depth - 1), "]".repeat(depth - 1));
            let json = format!(r#"{{"token":"t]","deep":{deep},"more":[1,"}}"]}}"#);
            let kept = format!("{}null{}", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1));
            assert_eq!(cut(&json), format!(r#"{{"token":"t]","deep":{kept},"more":[1,"}}"]}}"#));
        }
        let objects = format!("{}1{}", r#"{"a":"#.repeat(500), "}".repeat(500));
        let kept = format!("{}null{}", r#"{"a":"#.repeat(MAX_DEPTH), "}".repeat(MAX_DEPTH));
        assert_eq!(cut(&objects), kept);
    }
}
