//! The spec against the code: rule ids, the error registry, the limits, the OpenAPI document, and
//! the links between the files. (The suites are held by `suites.rs`.)

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tidegate_protocol::error::Blame;
use tidegate_protocol::{ErrorCode, version};

mod support {
    pub(crate) mod files;
    pub(crate) mod musts;
    pub(crate) mod rules;
    pub(crate) mod tables;
}
use support::files::{below, read, root, shown};
use support::{musts, rules, tables};

fn spec() -> PathBuf {
    root().join("spec/v1")
}

/// Id to file, over the whole spec.
fn definitions() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for path in below(&spec(), &["md"]) {
        for id in rules::defined(&read(&path)) {
            let before = found.insert(id.clone(), shown(&path));
            assert_eq!(before, None, "{id} is defined twice, also in {}", shown(&path));
        }
    }
    found
}

fn exists(id: &str, defined: &BTreeMap<String, String>) -> bool {
    defined.contains_key(id) || defined.keys().any(|rule| rules::family(rule) == id)
}

#[test]
fn rules_are_defined_once_and_indexed() {
    let defined = definitions();
    assert!(defined.len() > 100, "only {} rules were found", defined.len());
    let mut indexed = BTreeMap::new();
    for row in tables::rows(&read(&spec().join("README.md"))) {
        let Some((_, file)) = row[0].split_once("](") else { continue };
        for family in row[1].split(", ").filter(|cell| *cell != "none") {
            indexed.insert(family.to_owned(), format!("spec/v1/{}", file.trim_end_matches(')')));
        }
    }
    let mut families = BTreeMap::new();
    for (id, file) in &defined {
        assert_eq!(rules::cited(id), [id.as_str()], "{id} is not a rule id");
        let before = families.insert(rules::family(id).to_owned(), file.clone());
        assert!(before.is_none_or(|before| before == *file), "{id} is outside its family's file");
    }
    assert_eq!(indexed, families, "the index in README.md is not what the files hold");
}

#[test]
fn every_must_stands_in_a_rule() {
    let texts = below(&spec(), &["md"]).into_iter().filter(|path| !path.ends_with("README.md"));
    let stray = |path: PathBuf| {
        let found = musts::stray_musts(&read(&path)).into_iter();
        found.map(|block| format!("{}: {block}", shown(&path))).collect::<Vec<_>>()
    };
    assert_eq!(texts.flat_map(stray).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn cited_rules_exist() {
    let defined = definitions();
    let mut cited = 0;
    let mut missing = BTreeSet::new();
    // This file and its support hold ids that are examples.
    let is_example = |path: &Path| path.starts_with(root().join("tests/tests"));
    for path in below(&root(), &["rs", "md", "yaml", "toml", "ts", "py", "mjs"]) {
        if is_example(&path) && !path.ends_with("suites.rs") {
            continue;
        }
        for id in rules::cited(&read(&path)) {
            cited += 1;
            if !exists(&id, &defined) {
                missing.insert(format!("{}: {id}", shown(&path)));
            }
        }
    }
    assert_eq!(missing, BTreeSet::new());
    assert!(cited > 300, "only {cited} citations were found");
}

#[test]
fn the_error_registry_is_the_codes() {
    let text = read(&spec().join("errors.md"));
    let listed: Vec<_> = tables::rows(&text)
        .into_iter()
        .map(|row| {
            (tables::code(&row[0]).to_owned(), [row[1].clone(), row[2].clone(), row[3].clone()])
        })
        .collect();
    let real: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|code| {
            let retry = if code.retryable() { "yes" } else { "no" };
            let blame = match code.blame() {
                Blame::Client => "client",
                Blame::Conflict => "conflict",
                Blame::Overload => "overload",
                Blame::Unavailable => "unavailable",
                Blame::Internal => "internal",
            };
            let cells = [code.status().to_string(), retry.to_owned(), blame.to_owned()];
            (code.as_str().to_owned(), cells)
        })
        .collect();
    assert_eq!(listed, real);
}

#[test]
fn the_limits_are_the_constants() {
    let source = read(&root().join("protocol/src/limits.rs"));
    let real = tables::constants(&source);
    assert!(real.len() > 30, "only {} constants were found", real.len());
    let listed: Vec<(String, u64)> = tables::rows(&read(&spec().join("limits.md")))
        .into_iter()
        .map(|row| {
            let value = row[1].replace(',', "");
            (tables::code(&row[0]).to_owned(), value.parse().expect("a number"))
        })
        .collect();
    assert_eq!(listed, real);
}

#[test]
fn the_discovery_example_tells_the_truth() {
    use tidegate_protocol::limits;
    let text = read(&spec().join("versions.md"));
    let json = text.split("```json\n").nth(1).and_then(|rest| rest.split("```").next());
    let document: Value = serde_json::from_str(json.expect("an example")).expect("JSON");
    let expected = serde_json::json!({
        "appendBodyBytes": limits::APPEND_BODY_MAX_BYTES,
        "recordBytes": limits::RECORD_MAX_BYTES,
        "createBodyBytes": limits::CREATE_BODY_MAX_BYTES,
        "chatBodyBytes": limits::CHAT_BODY_MAX_BYTES,
        "jsonBodyBytes": limits::JSON_BODY_MAX_BYTES,
        "recordsPage": limits::RECORDS_PAGE_MAX,
        "listPage": limits::LIST_PAGE_MAX,
        "transcriptPage": limits::TRANSCRIPT_PAGE_MAX,
        "readTimeoutSeconds": {
            "default": limits::READ_TIMEOUT_DEFAULT_S,
            "max": limits::READ_TIMEOUT_MAX_S,
        },
        "pingIntervalMs": limits::PING_INTERVAL_MS,
    });
    assert_eq!(document["limits"], expected);
    let protocol = serde_json::json!({
        "versions": version::SUPPORTED, "default": version::DEFAULT,
    });
    assert_eq!(document["protocol"], protocol);
}

#[test]
fn the_openapi_document_is_the_route_table() {
    let document = openapi();
    let paths = document["paths"].as_object().expect("paths");
    let methods = |item: &Value| -> BTreeSet<String> {
        let keys = item.as_object().expect("a path item").keys();
        keys.filter(|key| *key != "parameters").map(|key| key.to_uppercase()).collect()
    };
    let described: BTreeMap<_, _> =
        paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect();
    let listed: BTreeMap<String, BTreeSet<String>> = tables::rows(&read(&spec().join("README.md")))
        .into_iter()
        .filter(|row| row[1].starts_with("`/"))
        .map(|row| {
            let methods = row[0].split(", ").map(str::to_owned).collect();
            (tables::code(&row[1]).to_owned(), methods)
        })
        .collect();
    assert_eq!(described, listed);
}

#[test]
fn the_openapi_document_holds_together() {
    let document = openapi();
    let mut references = Vec::new();
    collect(&document, "$ref", &mut references);
    assert!(references.len() > 50, "only {} references were found", references.len());
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut operations = Vec::new();
    collect(&document, "operationId", &mut operations);
    let unique: BTreeSet<_> = operations.iter().collect();
    assert_eq!(unique.len(), operations.len(), "operationIds repeat");
    for (path, item) in document["paths"].as_object().expect("paths") {
        let parameters = item["parameters"].as_array().expect("parameters").iter();
        let declared: BTreeSet<_> = parameters
            .filter_map(|parameter| {
                document.pointer(parameter["$ref"].as_str()?.strip_prefix('#')?)
            })
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let used = path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(used.collect::<BTreeSet<_>>(), declared, "{path}");
    }
}

#[test]
fn files_are_linked_and_links_lead_somewhere() {
    let mut reached = BTreeSet::new();
    let at_root = ["ARCHITECTURE.md", "CHANGELOG.md", "README.md"].map(|name| root().join(name));
    let at_root = at_root.into_iter().filter(|path| path.exists());
    for path in below(&root().join("spec"), &["md"]).into_iter().chain(at_root) {
        let text = read(&path);
        for link in links(&text) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = path.parent().expect("a folder");
            let file = if target.is_empty() { path.clone() } else { folder.join(target) };
            let file = file.canonicalize();
            let file = file.unwrap_or_else(|_| panic!("{}: {link} leads nowhere", shown(&path)));
            if !anchor.is_empty() {
                let found = read(&file).lines().any(|line| slug(line).as_deref() == Some(anchor));
                assert!(found, "{}: {link} has no such heading", shown(&path));
            }
            reached.insert(shown(&file));
        }
    }
    let is_data = |path: &str| path.contains("/vectors/") || path.contains("/suites/");
    for path in below(&root().join("spec"), &["md", "yaml"]) {
        let path = shown(&path);
        let linked = reached.contains(&path) || path == "spec/v1/README.md";
        assert!(linked || is_data(&path), "{path} is linked from nowhere");
    }
}

#[test]
fn the_checks_can_fail() {
    assert_eq!(
        rules::cited("(R-CUR-4), R-CUR, PR-XX-1, R-X, R-AI-10."),
        ["R-CUR-4", "R-CUR", "R-AI-10"]
    );
    assert_eq!(rules::defined("- **R-A-1** x\n- **b** y\n  **R-A-2** z"), ["R-A-1", "b"]);
    assert_eq!(musts::stray_musts("- **R-AA-1** it\n  MUST\n\nIt MUST.\n"), ["It MUST."]);
    assert_eq!(tables::rows("|a|b|\n|---|---|\n| `x` | 1 |\n\n|c|\n"), [["`x`", "1"]]);
    assert_eq!(tables::constants("pub const A: u64 = 2 * 1_000;\n"), [("A".to_owned(), 2_000)]);
    assert_eq!(links("[a](b.md) [c](https://x) `[d](e)`"), ["b.md"]);
    assert_eq!(
        slug("## What an `.in` record says (R-IN)").as_deref(),
        Some("what-an-in-record-says-r-in")
    );
}

fn openapi() -> Value {
    let text = read(&spec().join("openapi.yaml"));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("openapi.yaml: {error}"))
}

/// Every text under `key`, anywhere.
fn collect<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, key, found)),
        Value::Object(map) => {
            found.extend(map.get(key).and_then(Value::as_str));
            map.values().for_each(|value| collect(value, key, found));
        }
        _ => {}
    }
}

/// Relative link targets outside code.
fn links(text: &str) -> Vec<&str> {
    let outside = text.split('`').step_by(2);
    let targets = outside.flat_map(|part| part.split("](").skip(1));
    let targets = targets.filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets.filter(|target| !target.contains("://")).collect()
}

/// The anchor of a heading.
fn slug(line: &str) -> Option<String> {
    let title = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'));
    Some(kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect())
}
