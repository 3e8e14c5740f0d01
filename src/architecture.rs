//! Holds the sources to the table of modules in `lib.rs`: a module uses only modules that come after it, and only those
//! named there know JavaScript, the network or the clock.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules in the order of the table.
fn table() -> Vec<String> {
    let lib = fs::read_to_string(sources().join("lib.rs")).unwrap();
    let row = |line: &str| Some(line.strip_prefix("//! | [`")?.split_once('`')?.0.to_owned());
    lib.lines().filter_map(row).collect()
}

/// The code of a module, its tests left out: the text of each file below it, and the name of that file.
fn code_of(module: &str) -> Vec<(String, String)> {
    fn collect(path: &Path, found: &mut Vec<(String, String)>) {
        if path.is_dir() {
            let mut entries: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
            entries.sort();
            entries.iter().for_each(|entry| collect(entry, found));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(sources()).unwrap().display().to_string();
            let only_for_tests =
                ["tests.rs", "scripted.rs"].iter().any(|file| name.ends_with(file)) || name.contains("tests/");
            let text = fs::read_to_string(path).unwrap();
            // Tests in the file itself are at its end.
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            if !only_for_tests {
                found.push((name, code.join("\n")));
            }
        }
    }
    let mut found = Vec::new();
    for path in [sources().join(format!("{module}.rs")), sources().join(module)] {
        if path.exists() {
            collect(&path, &mut found);
        }
    }
    found
}

/// The modules of this crate that a text names: `crate::a::b`, `crate::{a, b::{c, d}}`.
fn modules_named_in(code: &str) -> Vec<String> {
    let identifier = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut named = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let Some(list) = rest.strip_prefix('{') else {
            named.push(identifier(rest));
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => named.push(identifier(std::mem::take(&mut item).trim())),
                _ if depth == 0 => item.push(c),
                _ => {}
            }
        }
        named.push(identifier(item.trim()));
    }
    named.retain(|name| !name.is_empty());
    named
}

#[test]
fn modules_named_in_code_are_found_in_lists_and_alone() {
    let code = "use crate::{\n    a::{B, c::D},\n    e,\n};\nfn f(x: crate::g::H) { crate::i() }";
    assert_eq!(modules_named_in(code), ["a", "e", "g", "i"]);
    assert_eq!(modules_named_in("use crate::{a, b::C};"), ["a", "b"]);
}

#[test]
fn the_table_lists_every_module() {
    let mut files: Vec<_> = fs::read_dir(sources()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        !matches!(
            path.file_name().and_then(|name| name.to_str()),
            Some("lib.rs" | "architecture.rs" | "freed_memory.rs")
        )
    });
    let mut modules: Vec<_> = files.iter().map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    modules.sort();
    modules.dedup();
    let mut listed = table();
    listed.sort();
    assert_eq!(listed, modules);
}

#[test]
fn a_module_uses_only_modules_that_come_after_it() {
    let table = table();
    let rank = |module: &str| table.iter().position(|listed| listed == module);
    let mut uses = 0;
    for module in &table {
        for (file, code) in code_of(module) {
            for used in modules_named_in(&code).iter().filter(|used| *used != module) {
                uses += 1;
                assert!(rank(used) > rank(module), "{file} uses {used}, which does not come after {module}");
            }
        }
    }
    assert!(uses > 40, "only {uses} uses were found");
}

#[test]
fn only_the_modules_named_for_it_know_javascript_and_the_network() {
    let names = |code: &str, krate: &str| {
        code.contains(&format!("{krate}::"))
            || code.contains(&format!("use {krate}"))
            || code.contains(&format!("{krate}_derive"))
    };
    for (krate, owner) in [
        ("napi", "binding"),
        ("hyper", "transport"),
        ("tokio_rustls", "transport"),
        ("rustls", "transport"),
        ("h2", "transport"),
        ("http_body", "transport"),
        ("hyper_util", "transport"),
    ] {
        let users: Vec<_> =
            table().into_iter().filter(|module| code_of(module).iter().any(|(_, code)| names(code, krate))).collect();
        assert_eq!(users, [owner], "{krate}");
    }
}

#[test]
fn the_loop_knows_nothing_but_tokio() {
    for (file, code) in code_of("poll") {
        assert_eq!(modules_named_in(&code), Vec::<String>::new(), "{file}");
        assert!(!code.contains("std::time::Instant") && !code.contains("SystemTime"), "{file} reads another clock");
    }
}

#[test]
fn nothing_process_wide_is_reached_by_name_from_the_core() {
    for module in table().iter().filter(|module| *module != "binding") {
        for (file, code) in code_of(module) {
            let shared = ["LazyLock", "static mut", "thread_local!", ": Mutex<", ": OnceLock<"];
            for line in code
                .lines()
                .filter(|line| line.trim_start().starts_with("static ") || line.trim_start().starts_with("pub static "))
            {
                assert!(!shared.iter().any(|word| line.contains(word)), "{file}: {line}");
            }
            assert!(!code.contains("thread_local!"), "{file}");
        }
    }
}
