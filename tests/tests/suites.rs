//! The behaviour suites of `spec/v1/suites`: well formed, and true of the real binary.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tidegate_tests::process::{Gateway, KEY};

mod support {
    pub(crate) mod check;
    pub(crate) mod exchange;
    pub(crate) mod files;
    pub(crate) mod fill;
    pub(crate) mod rules;
    pub(crate) mod run;
    pub(crate) mod suite;
}
use support::files::{below, read, root, shown};
use support::run::Run;
use support::suite::Suite;
use support::{rules, suite};

const AGENTS: &str = "[[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n";

#[tokio::test]
async fn the_gateway_behaves_as_the_suites_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Gateway::start(folder.path(), "memory:", AGENTS).await;
    let only = std::env::var("TIDEGATE_SUITE").unwrap_or_default();
    let mut failed = Vec::new();
    let mut cases = 0;
    for (path, suite) in suites() {
        for case in &suite.cases {
            let name = format!("{}: {}", suite.suite, case.name);
            if !name.contains(&only) {
                continue;
            }
            cases += 1;
            let chat = format!("suite-{cases}");
            let outcome = Run::new(&gateway.address, KEY, &chat).case(case).await;
            match outcome {
                Ok(()) => println!("ok      {name}"),
                Err(error) => failed.push(format!("{}: {}: {error}", shown(&path), case.name)),
            }
        }
    }
    assert!(failed.is_empty(), "{} of {cases} cases failed:\n{}", failed.len(), failed.join("\n"));
    assert!(cases > 0, "no case is called {only:?}");
}

#[test]
fn suites_are_well_formed() {
    let defined: BTreeSet<String> = below(&root().join("spec/v1"), &["md"])
        .iter()
        .flat_map(|path| rules::defined(&read(path)))
        .collect();
    let mut cases = 0;
    for (path, suite) in suites() {
        let file = shown(&path);
        assert_eq!(Some(suite.suite.as_str()), path.file_stem().and_then(|s| s.to_str()), "{file}");
        assert!(suite.about.ends_with('.'), "{file}: about is no sentence");
        let names: BTreeSet<_> = suite.cases.iter().map(|case| &case.name).collect();
        assert_eq!(names.len(), suite.cases.len(), "{file}: case names repeat");
        for case in &suite.cases {
            cases += 1;
            assert!(!case.rules.is_empty(), "{file}: {}: no rules", case.name);
            for id in &case.rules {
                assert!(defined.contains(id), "{file}: {}: no rule {id}", case.name);
                assert_eq!(rules::cited(id), [id.as_str()], "{file}: {id} is no id");
                assert_ne!(rules::family(id), id, "{file}: {id} is a family");
            }
            for step in &case.steps {
                assert_eq!(step.actions(), 1, "{file}: {}: a step has one action", case.name);
            }
        }
    }
    assert!(cases >= 30, "only {cases} cases were found");
}

#[test]
fn unknown_keys_are_refused() {
    let step = |step: &str| {
        let case = format!("- {{ name: a, rules: [R-CUR-1], steps: [{step}] }}");
        suite::parse(&format!("suite: a\nabout: b.\ncases:\n  {case}\n"))
    };
    assert!(step("{ create: {}, expect: { status: 201 } }").is_ok());
    assert!(step("{ create: {}, expect: { statu: 201 } }").is_err());
    assert!(step("{ creat: {} }").is_err());
    assert!(step("{ read: { until: end, timeouts: 1 } }").is_err());
}

fn suites() -> Vec<(PathBuf, Suite)> {
    let parse = |path: PathBuf| {
        let suite = suite::parse(&read(&path));
        let suite = suite.unwrap_or_else(|error| panic!("{}: {error}", shown(&path)));
        (path, suite)
    };
    below(&root().join("spec/v1/suites"), &["yaml"]).into_iter().map(parse).collect()
}
