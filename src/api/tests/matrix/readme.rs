//! The table of failures in docs/time-and-money.md, generated from the matrix.

use std::{env, fs, path::Path};

use super::{
    play::COLUMNS,
    rows::{Cell, Row, rows},
};

const BEGIN: &str = "<!-- faults:begin -->\n";
const END: &str = "<!-- faults:end -->";

#[test]
fn the_document_has_the_table_that_the_matrix_generates() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/time-and-money.md");
    let document = fs::read_to_string(&path).unwrap();
    let (before, rest) = document.split_once(BEGIN).unwrap();
    let (section, after) = rest.split_once(END).unwrap();
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, [before, BEGIN, &markdown(), END, after].concat()).unwrap();
        return;
    }
    assert_eq!(section, markdown(), "write it with: UPDATE_DOCS=1 cargo test matrix");
}

#[test]
#[ignore = "prints the whole matrix, for people"]
fn print_the_matrix() {
    println!("{}", COLUMNS.map(|column| column.title).join(" | "));
    for row in rows() {
        println!("{}: {}", row.name, row.cells.map(|cell| in_words(cell, row.fields.code)).join(" | "));
    }
}

fn in_words(cell: Option<Cell>, code: &str) -> String {
    match cell {
        None => String::new(),
        Some(Cell::Ok | Cell::Pending) => "as usual".into(),
        Some(Cell::Retried) => "retried".into(),
        Some(Cell::ChargeUnknown) => format!("`{code}` and `mayBeCharged`"),
        Some(Cell::NotCharged) => format!("`{code}`"),
        Some(Cell::Resumable) => format!("`{code}` and `taskId`"),
    }
}

/// A line for each group of rows. All three calls that poll do it in the same way.
fn markdown() -> String {
    let all = rows();
    let mut groups: Vec<&str> = Vec::new();
    for Row { group, .. } in &all {
        if !groups.contains(group) {
            groups.push(group);
        }
    }
    let mut lines = vec![
        "The table is generated from the tests, which check every line of it in every call.".into(),
        String::new(),
        "- *retried*: with back-off, until it succeeds. If it never does, the call ends with a `TIMEOUT` whose `cause` is the last error.".into(),
        "- In all other cells with a code, the call ends at once with that error.".into(),
        "- *and `taskId`*: the task is paid for, so `mayBeCharged` is `true`, and its token can still be fetched.".into(),
        "- *and `mayBeCharged`*: a task may have been created and charged, but its id is unknown. In all other cases nothing was charged.".into(),
        String::new(),
        "| failure | in `createTask` | in a poll, `getTaskResult` | in `getBalance` |".into(),
        "|---|---|---|---|".into(),
    ];
    for group in groups {
        let members: Vec<_> = all.iter().filter(|row| row.group == group).collect();
        let cells = [[0, 1].as_slice(), &[2, 3, 4], &[5]].map(|columns| merged(&members, columns));
        lines.push(format!("| {group} | {} |", cells.join(" | ")));
    }
    lines.push("| `timeoutMs` passes while a request is in flight | `TIMEOUT` and `mayBeCharged` | `TIMEOUT` and `taskId` | `TIMEOUT` |".into());
    lines.join("\n") + "\n"
}

fn merged(members: &[&Row], columns: &[usize]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for row in members {
        for column in columns {
            let text = in_words(row.cells[*column], row.fields.code);
            if !text.is_empty() && !texts.contains(&text) {
                texts.push(text);
            }
        }
    }
    assert!(texts.len() <= 1, "one line cannot say this: {}: {texts:?}", members[0].group);
    texts.pop().unwrap_or_default()
}
