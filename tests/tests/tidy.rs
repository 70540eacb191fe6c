//! What the formatter and the linter don't hold: short files and functions, folders without logic
//! in `mod.rs`, and nothing in the texts that belongs to one machine.

use std::path::Path;

mod support {
    pub(crate) mod files;
}
use support::files::{below, read, root, shown};

const FILE_MAX_LINES: usize = 400;
const LINE_MAX_COLUMNS: usize = 100;
const FUNCTION_MAX_LINES: usize = 70;
/// Written for people and tools; lock files are made.
const TEXTS: [&str; 18] = [
    "rs", "toml", "md", "yaml", "yml", "json", "js", "mjs", "ts", "tsx", "html", "css", "sh", "py",
    "txt", "sql", "conf", "svg",
];

#[test]
fn sources_are_short() {
    let mut found = Vec::new();
    let mut lengths = Vec::new();
    for path in below(&root(), &["rs"]) {
        let text = read(&path);
        lengths.push(text.lines().count());
        found.extend(problems(&path, &text));
    }
    assert_eq!(found, Vec::<String>::new());
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median < 200, "the median source has {median} lines");
}

#[test]
fn texts_name_no_machine() {
    let mut found = Vec::new();
    for path in below(&root(), &TEXTS) {
        let text = read(&path);
        let hits = MACHINE.iter().filter(|needle| text.contains(**needle));
        found.extend(hits.map(|needle| format!("{}: {needle}", shown(&path))));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_checks_can_fail() {
    let source = Path::new("a/x.rs");
    let wide = "x".repeat(LINE_MAX_COLUMNS + 1);
    assert_eq!(problems(source, &wide).len(), 1);
    assert_eq!(problems(source, &"\n".repeat(FILE_MAX_LINES + 1)).len(), 1);
    assert_eq!(problems(Path::new("a/mod.rs"), "pub fn f() {}\n").len(), 1);
    assert_eq!(problems(Path::new("a/mod.rs"), "pub mod f;\n"), Vec::<String>::new());
    let function =
        |lines| format!("    pub async fn f(\n    ) {{\n{}    }}\n", "        1;\n".repeat(lines));
    assert_eq!(problems(source, &function(FUNCTION_MAX_LINES)).len(), 1);
    assert_eq!(problems(source, &function(FUNCTION_MAX_LINES - 3)), Vec::<String>::new());
    let signatures = format!("fn a();\n{}", "// x\n".repeat(FUNCTION_MAX_LINES + 1));
    assert_eq!(problems(source, &signatures), Vec::<String>::new());
}

/// Home and work folders, and what a lock file holds that was made against one machine's mirror; in
/// pieces, so that this file does not hold them.
const MACHINE: &[&str] = &[
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("C:", "\\Users"),
    concat!("\"resolved\"", ": \"http"),
];

fn problems(path: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let file = shown(path);
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() > FILE_MAX_LINES {
        found.push(format!("{file}: {} lines", lines.len()));
    }
    for (number, line) in (1..).zip(&lines) {
        let columns = line.chars().count();
        if columns > LINE_MAX_COLUMNS {
            found.push(format!("{file}:{number}: {columns} columns"));
        }
    }
    let functions = functions(&lines);
    if path.ends_with("mod.rs") && !functions.is_empty() {
        found.push(format!("{file}: logic in mod.rs"));
    }
    let long = functions.into_iter().filter(|(_, length)| *length > FUNCTION_MAX_LINES);
    found.extend(
        long.map(|(number, length)| format!("{file}:{number}: a function of {length} lines")),
    );
    found
}

/// Line number and length of every function with a body, as the formatter lays it out: its closing
/// brace stands in the column of its first line.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if !is_function(line) {
            continue;
        }
        let head = lines[at..].iter().find(|line| line.ends_with(['{', '}', ';']));
        match head {
            Some(head) if head.ends_with('}') => found.push((at + 1, 1)),
            Some(head) if head.ends_with('{') => {
                let indent = line.len() - line.trim_start().len();
                let end = format!("{}}}", " ".repeat(indent));
                let length = lines[at..].iter().position(|line| *line == end);
                found.push((at + 1, length.map_or(lines.len() - at, |length| length + 1)));
            }
            _ => {}
        }
    }
    found
}

fn is_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let keyword = words.find(|word| {
        !(word.starts_with("pub")
            || matches!(*word, "async" | "const" | "extern" | "in" | "unsafe"))
    });
    keyword == Some("fn")
}
