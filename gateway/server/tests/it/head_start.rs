//! `head_start` of an agent: what it may hold, and what it can't.

use std::time::Duration;

use serde_json::json;
use tidegate_server::config::explain;

use crate::config::{ENVIRONMENT, good, refused};

/// An agent of workers whose head start is a table with these keys.
fn linked(keys: &str) -> String {
    format!("agent = [{{ id = 'a', backend = 'link', head_start = {{ {keys} }} }}]")
}

#[test]
fn it_holds_its_backends_and_its_times() {
    let text = linked(
        "backend = 'openai', url = 'http://127.0.0.1:1/v1', model = 'm', api_key = 'k', \
         max_tokens = 9, wait = '10m', step = '5s', tools = [{ name = 'search' }, \
         { name = 'pay', description = 'd', parameters = { type = 'object' }, \
         needs_approval = true }], hedge = { backend = 'demo', words_per_second = 5 }",
    );
    let config = good(&format!("{ENVIRONMENT}{text}"), &[]);
    let head_start = config.agents[0].head_start.clone().expect("a head start");
    assert_eq!((head_start.wait, head_start.step), (secs(600), secs(5)));
    assert_eq!(head_start.backend.backend, "openai");
    let keys = json!({"url": "http://127.0.0.1:1/v1", "model": "m", "api_key": "k",
        "max_tokens": 9});
    assert_eq!(head_start.backend.table, keys);
    let hedge = head_start.hedge.expect("a hedge");
    assert_eq!((&*hedge.backend, hedge.table), ("demo", json!({"words_per_second": 5})));
    let tools = head_start.tools.expect("tools");
    assert_eq!((&*tools[0].name, tools[0].needs_approval), ("search", false));
    assert_eq!((&*tools[1].name, tools[1].needs_approval), ("pay", true));
    assert_eq!(tools[1].parameters, json!({"type": "object"}));
}

#[test]
fn it_needs_only_a_backend() {
    let config = good(&format!("{ENVIRONMENT}{}", linked("backend = 'demo'")), &[]);
    let head_start = config.agents[0].head_start.as_ref().expect("a head start");
    assert_eq!((head_start.wait, head_start.step), (secs(60), secs(60)));
    assert_eq!((&head_start.tools, &head_start.hedge), (&None, &None));
    let vars = [("TIDEGATE__AGENT__0__HEAD_START__WAIT", "5s")];
    let config = good(&format!("{ENVIRONMENT}{}", linked("backend = 'demo'")), &vars);
    assert_eq!(config.agents[0].head_start.as_ref().map(|it| it.wait), Some(secs(5)));
}

#[test]
fn a_variable_that_looks_like_a_number_is_still_a_key() {
    let text = linked("backend = 'openai', url = 'http://127.0.0.1:1/v1', model = 'm'");
    let vars = [
        ("TIDEGATE__AGENT__0__HEAD_START__API_KEY", "123"),
        ("TIDEGATE__AGENT__0__HEAD_START__HEDGE__BACKEND", "openai"),
        ("TIDEGATE__AGENT__0__HEAD_START__HEDGE__URL", "http://127.0.0.1:2/v1"),
        ("TIDEGATE__AGENT__0__HEAD_START__HEDGE__MODEL", "4"),
    ];
    let config = good(&format!("{ENVIRONMENT}{text}"), &vars);
    let head_start = config.agents[0].head_start.clone().expect("a head start");
    assert_eq!(head_start.backend.table["api_key"], "123");
    assert_eq!(head_start.hedge.expect("a hedge").table["model"], "4");
    assert!(!format!("{:?}", config.agents).contains("123"));
}

#[test]
fn golden_errors_of_head_starts() {
    let backends = "must be one of ai_sdk, demo, openai, process";
    let name = "`name` must be 1 to 64 of A-Za-z0-9_.:-";
    for (keys, expected) in [
        ("", "backend: is missing".to_owned()),
        ("backend = 'link'", format!("backend: {backends}")),
        ("backend = 'nope'", format!("backend: {backends}")),
        ("backend = 'demo', wait = 5", wrong("wait", "a duration such as \"60s\"")),
        ("backend = 'demo', wait = '0s'", "wait: must be above 0".to_owned()),
        ("backend = 'demo', step = '601s'", "step: must be at most 600s".to_owned()),
        ("backend = 'demo', wait = '11m'", "wait: must be at most 600s".to_owned()),
        ("backend = 'demo', tools = 5", wrong("tools", "a list")),
        ("backend = 'demo', tools = [{ name = '' }]", format!("tools[0]: {name}")),
        (
            "backend = 'demo', tools = [{ name = 'x' }, { name = 'x' }]",
            "tools[1]: another tool is called `x` already".to_owned(),
        ),
        ("backend = 'demo', hedge = { }", "hedge.backend: is missing".to_owned()),
        ("backend = 'demo', hedge = { backend = 'link' }", format!("hedge.backend: {backends}")),
        (
            "backend = 'demo', hedge = { backend = 'demo', tools = [] }",
            "hedge.tools: is said once, beside `hedge`".to_owned(),
        ),
    ] {
        let expected = format!("FILE: agent[0].head_start.{expected}");
        assert_eq!(refused(&linked(keys)), [expected], "{keys}");
    }
}

#[test]
fn what_its_backend_refuses_is_placed() {
    for (keys, place, part) in [
        ("backend = 'demo', wrds = 1", "", "wrds"),
        ("backend = 'openai', model = 'm'", "", "url"),
        ("backend = 'demo', tools = [{ nme = 'x' }]", ".tools[0]", "nme"),
        ("backend = 'demo', hedge = { backend = 'demo', wait = '5s' }", ".hedge", "wait"),
    ] {
        let found = refused(&linked(keys));
        let place = format!("FILE: agent[0].head_start{place}: ");
        assert!(found.len() == 1 && found[0].starts_with(&place), "{found:?}");
        assert!(found[0].contains(part), "{found:?}");
    }
}

#[test]
fn only_workers_have_one() {
    let own =
        refused("agent = [{ id = 'a', backend = 'demo', head_start = { backend = 'demo' } }]");
    let reason = "needs backend = \"link\": no other agent has workers that boot";
    assert_eq!(own, [format!("FILE: agent[0].head_start: {reason}")]);
    let word = refused("agent = [{ id = 'a', backend = 'link', head_start = 'openai' }]");
    assert_eq!(word, ["FILE: agent[0].head_start: must be a table, not text"]);
}

#[test]
fn every_key_of_its_own_is_explained() {
    let told = explain::explain(Some("agent[0].head_start")).expect("it is known");
    for key in ["backend", "wait", "step", "tools", "hedge"] {
        assert!(told.contains(&format!("agent[].head_start.{key}\n")), "{key}");
    }
    assert!(explain::defaults().contains("# [agent.head_start]\n"));
}

fn wrong(key: &str, wanted: &str) -> String {
    format!("{key}: must be {wanted}, not a whole number")
}

fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}
