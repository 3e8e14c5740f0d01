//! The settings by which Node.js decides which certificates it trusts.

use std::ffi::OsString;

use super::Environment;

#[derive(Debug, Default, PartialEq)]
pub struct TrustSettings {
    /// The system's store as well.
    pub system_ca: bool,
    /// OpenSSL's store in place of the bundled roots.
    pub openssl_ca: bool,
    /// A file with further certificates.
    pub extra_file: Option<OsString>,
}

impl TrustSettings {
    /// Like Node.js: the variables, then the options in `NODE_OPTIONS`, then those of the command line; the last one counts.
    pub fn read(environment: Environment<'_>, exec_argv: &[String]) -> Self {
        let mut settings = TrustSettings {
            system_ca: environment("NODE_USE_SYSTEM_CA").is_some_and(|value| value == "1"),
            openssl_ca: false,
            extra_file: environment("NODE_EXTRA_CA_CERTS").filter(|file| !file.is_empty()),
        };
        let node_options = environment("NODE_OPTIONS").unwrap_or_default();
        for option in split_options(&node_options.to_string_lossy()).iter().chain(exec_argv) {
            // Node.js takes underscores for hyphens.
            match option.replace('_', "-").as_str() {
                "--use-system-ca" => settings.system_ca = true,
                "--no-use-system-ca" => settings.system_ca = false,
                "--use-openssl-ca" => settings.openssl_ca = true,
                "--no-use-openssl-ca" | "--use-bundled-ca" => settings.openssl_ca = false,
                _ => {}
            }
        }
        settings
    }
}

/// By spaces, but for those in double quotes, in which a backslash escapes.
fn split_options(text: &str) -> Vec<String> {
    let (mut options, mut is_quoted, mut is_begun) = (Vec::<String>::new(), false, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' if is_quoted => match chars.next() {
                Some(escaped) => escaped,
                None => break,
            },
            ' ' if !is_quoted => {
                is_begun = false;
                continue;
            }
            '"' => {
                is_quoted = !is_quoted;
                continue;
            }
            c => c,
        };
        if !is_begun {
            options.push(String::new());
            is_begun = true;
        }
        if let Some(option) = options.last_mut() {
            option.push(c);
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(environment: &[(&str, &str)], exec_argv: &[&str]) -> (bool, bool) {
        let read =
            |name: &str| environment.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value));
        let exec_argv: Vec<_> = exec_argv.iter().map(|option| (*option).to_owned()).collect();
        let settings = TrustSettings::read(&read, &exec_argv);
        (settings.system_ca, settings.openssl_ca)
    }

    #[test]
    fn options_count_on_the_command_line_and_in_node_options() {
        for (option, read) in [
            ("--use-system-ca", (true, false)),
            ("--use_system_ca", (true, false)),
            ("--use-openssl-ca", (false, true)),
            ("--use-bundled-ca", (false, false)),
            ("--no-use-system-ca", (false, false)),
            ("--use-system-cas", (false, false)),
            ("--title=--use-system-ca", (false, false)),
        ] {
            assert_eq!(settings(&[], &["--expose-gc", option]), read, "{option}");
            assert_eq!(settings(&[("NODE_OPTIONS", &format!("--expose-gc  {option} "))], &[]), read, "{option}");
            assert_eq!(settings(&[("NODE_OPTIONS", &format!("\"{option}\""))], &[]), read, "{option}");
        }
        assert_eq!(
            settings(&[("NODE_OPTIONS", r#"--title="a --use-system-ca \" b" --use-openssl-ca"#)], &[]),
            (false, true)
        );
        assert_eq!(settings(&[("NODE_OPTIONS", r#"--title="a\"#)], &[]), (false, false));
    }

    #[test]
    fn the_last_one_counts_and_the_command_line_comes_last() {
        assert_eq!(settings(&[("NODE_OPTIONS", "--use-system-ca")], &["--no-use-system-ca"]), (false, false));
        assert_eq!(settings(&[("NODE_OPTIONS", "--use-openssl-ca")], &["--use-bundled-ca"]), (false, false));
        assert_eq!(settings(&[("NODE_USE_SYSTEM_CA", "1")], &["--no-use-system-ca"]), (false, false));
        assert_eq!(settings(&[("NODE_USE_SYSTEM_CA", "1")], &["--use-openssl-ca"]), (true, true));
    }

    #[test]
    fn the_variable_for_the_system_s_store_counts_only_where_it_is_1() {
        for (value, on) in [("1", true), ("0", false), ("", false), ("true", false)] {
            assert_eq!(settings(&[("NODE_USE_SYSTEM_CA", value)], &[]), (on, false), "{value}");
        }
    }
}
