//! Who may depend on whom (`ARCHITECTURE.md`): the layers of the workspace, and which of them may
//! touch sockets, TLS and the database. Normal dependencies only.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

const PROTOCOL: &str = "tidegate-protocol";
const CORE: &str = "tidegate-core";
const STORE: &str = "tidegate-store";
const AGENTS: &str = "tidegate-agents";
const TRANSPORT: &str = "tidegate-transport";
const SERVER: &str = "tidegate-server";

/// Each layer, and the layers that it may see.
const ARROWS: [(&str, &[&str]); 6] = [
    (PROTOCOL, &[]),
    (CORE, &[PROTOCOL]),
    (STORE, &[PROTOCOL, CORE]),
    (AGENTS, &[PROTOCOL, CORE]),
    (TRANSPORT, &[PROTOCOL, CORE]),
    (SERVER, &[PROTOCOL, CORE, STORE, AGENTS, TRANSPORT]),
];

/// What only some layers may use.
const RESERVED: [(&str, &[&str]); 8] = [
    ("hyper", &[AGENTS, TRANSPORT, SERVER]),
    ("hyper-util", &[AGENTS, TRANSPORT, SERVER]),
    // The server's command line is a client that speaks HTTPS.
    ("rustls", &[AGENTS, TRANSPORT, SERVER]),
    ("tokio-rustls", &[AGENTS, TRANSPORT, SERVER]),
    ("socket2", &[TRANSPORT]),
    ("tower", &[TRANSPORT]),
    ("fjall", &[STORE]),
    ("tokio", &[CORE, STORE, AGENTS, TRANSPORT, SERVER]),
];

type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn layers_see_only_what_is_below_them() {
    assert_eq!(broken_arrows(&graph()), Vec::<String>::new());
}

#[test]
fn sockets_tls_and_the_database_stay_in_their_layers() {
    assert_eq!(trespasses(&graph()), Vec::<String>::new());
}

#[test]
fn every_layer_is_there() {
    let graph = graph();
    for (layer, _) in ARROWS {
        assert!(graph.contains_key(layer), "{layer} is not in the workspace");
    }
    assert!(graph[SERVER].contains(STORE) && graph[CORE].contains(PROTOCOL));
}

#[test]
fn the_checks_can_fail() {
    let graph = |edges: &[(&str, &str)]| -> Graph {
        let edges = edges.iter();
        edges.map(|(from, to)| ((*from).to_owned(), BTreeSet::from([(*to).to_owned()]))).collect()
    };
    let layers = graph(&[(STORE, TRANSPORT), (PROTOCOL, CORE), (CORE, PROTOCOL)]);
    let broken = ["tidegate-protocol -> tidegate-core", "tidegate-store -> tidegate-transport"];
    assert_eq!(broken_arrows(&layers), broken);
    let crates = graph(&[(CORE, "hyper"), (PROTOCOL, "tokio"), (STORE, "fjall")]);
    assert_eq!(trespasses(&crates), ["tidegate-core -> hyper", "tidegate-protocol -> tokio"]);
}

fn broken_arrows(graph: &Graph) -> Vec<String> {
    let layers: BTreeSet<&str> = ARROWS.iter().map(|(layer, _)| *layer).collect();
    let edges = edges(graph, |from, to| layers.contains(from) && to.starts_with("tidegate-"));
    let allowed = |from: &str, to: &str| {
        ARROWS.iter().any(|(layer, below)| *layer == from && below.contains(&to))
    };
    edges.into_iter().filter(|(from, to)| !allowed(from, to)).map(shown).collect()
}

fn trespasses(graph: &Graph) -> Vec<String> {
    let layers: BTreeSet<&str> = ARROWS.iter().map(|(layer, _)| *layer).collect();
    let may = |from: &str, to: &str| {
        RESERVED.iter().all(|(name, users)| *name != to || users.contains(&from))
    };
    let edges = edges(graph, |from, _| layers.contains(from));
    edges.into_iter().filter(|(from, to)| !may(from, to)).map(shown).collect()
}

fn edges(graph: &Graph, wanted: impl Fn(&str, &str) -> bool) -> Vec<(&str, &str)> {
    graph
        .iter()
        .flat_map(|(from, all)| all.iter().map(move |to| (from.as_str(), to.as_str())))
        .filter(|(from, to)| wanted(from, to))
        .collect()
}

fn shown((from, to): (&str, &str)) -> String {
    format!("{from} -> {to}")
}

/// The normal dependencies of every package of the workspace.
fn graph() -> Graph {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let all = package["dependencies"].as_array().expect("dependencies");
            let normal = all.iter().filter(|dependency| dependency["kind"].is_null());
            (name(package), normal.map(name).collect())
        })
        .collect()
}

fn name(of: &Value) -> String {
    of["name"].as_str().expect("a name").to_owned()
}
