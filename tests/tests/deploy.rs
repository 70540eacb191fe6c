//! The material in `spec/deploy`: what is written there can be used as it is.

mod support {
    pub(crate) mod files;
}

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tidegate_tests::process::{Gateway, binary};

use support::files::{below, read, root, shown};

/// More than `drain.timeout`, at the least: R-DRN-7.
const GOODBYE: u64 = 1;

fn deploy(path: &str) -> String {
    read(&root().join("spec/deploy").join(path))
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// `config check`, with keys at hand; stores that this machine has not are replaced.
fn check(dir: &Path, toml: &str) -> Output {
    let key = dir.join("key");
    std::fs::write(&key, "tr_prod_sk_abcdefghijklmnopqrstuvwx").expect("writable");
    let toml = toml.replace("/run/credentials/tidegate.service/key", &key.display().to_string());
    let file = dir.join("tidegate.toml");
    std::fs::write(&file, toml).expect("writable");
    Command::new(binary())
        .args(["config", "check", "--config"])
        .arg(&file)
        .env("TIDEGATE_KEY", "tr_prod_sk_abcdefghijklmnopqrstuvwx")
        .env("TIDEGATE__STORE__URL", "memory:")
        .output()
        .expect("the binary was built")
}

fn configurations() -> BTreeMap<&'static str, String> {
    let mut all: BTreeMap<_, _> =
        ["systemd/tidegate.toml", "systemd/fleet.toml", "container/tidegate.toml"]
            .map(|path| (path, deploy(path)))
            .into();
    let values = yaml(&deploy("chart/values.yaml"));
    all.insert("chart/values.yaml", values["config"].as_str().expect("text").to_owned());
    all
}

#[test]
fn every_configuration_is_good() {
    let dir = tempfile::tempdir().expect("a folder");
    for (path, text) in configurations() {
        let output = check(dir.path(), &text);
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(!check(dir.path(), "[server]\nlisten_on = \"x\"\n").status.success());
}

/// Seconds in `NAME = "30s"` of a configuration, or the default.
fn drain_timeout(toml: &str) -> u64 {
    let line = toml.lines().find_map(|line| line.strip_prefix("timeout = \""));
    line.map_or(25, |text| text.trim_end_matches("s\"").parse().expect("seconds"))
}

#[test]
fn whoever_stops_a_gateway_waits_for_its_drain() {
    let all = configurations();
    let unit = |path| {
        let text = deploy(path);
        let line = text.lines().find_map(|line| line.strip_prefix("TimeoutStopSec="));
        line.and_then(|text| text.trim_end_matches('s').parse::<u64>().ok()).expect("seconds")
    };
    let compose = yaml(&deploy("container/compose.yaml"));
    let grace = compose["services"]["gateway1"]["stop_grace_period"].as_str().expect("merged");
    let grace: u64 = grace.trim_end_matches('s').parse().expect("seconds");
    let chart = yaml(&deploy("chart/values.yaml"));
    let chart = chart["terminationGracePeriodSeconds"].as_u64().expect("seconds");
    for (waits, config) in [
        (unit("systemd/tidegate.service"), "systemd/tidegate.toml"),
        (unit("systemd/tidegate@.service"), "systemd/fleet.toml"),
        (grace, "container/tidegate.toml"),
        (chart, "chart/values.yaml"),
    ] {
        assert!(waits > drain_timeout(&all[config]) + GOODBYE, "{config}");
    }
}

/// systemd's own check, with the binary of this build in the place of the installed one.
#[test]
fn units_are_valid() {
    let dir = tempfile::tempdir().expect("a folder");
    for name in ["tidegate.service", "tidegate@.service"] {
        let unit = deploy(&format!("systemd/{name}"));
        let unit = unit.replace("/usr/bin/tidegate", &binary().display().to_string());
        let path = dir.path().join(name);
        std::fs::write(&path, unit).expect("writable");
        let mut checked = Command::new("systemd-analyze");
        checked.args(["verify", "--man=no"]).arg(&path);
        let output = checked.output().expect("systemd-analyze: run tests/run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{name}: {said}");
    }
}

/// The image's health check, run against a real gateway.
#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_tells_ready_from_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut gateway = Gateway::start(dir.path(), "memory:", "").await;
    let file = deploy("container/Containerfile");
    let command = file.lines().find_map(|line| line.trim().strip_prefix("CMD [\"bash\""));
    let command = format!("[\"bash\"{}", command.expect("it has one"));
    let port = gateway.address.rsplit(':').next().expect("a port").to_owned();
    let command: Vec<String> = serde_json::from_str(&command).expect("the form of a list");
    let script = command[2].replace("8787", &port);
    let healthy = || {
        let output = Command::new(&command[0]).args([&command[1], &script]).output();
        output.expect("bash exists").status.success()
    };
    assert!(healthy());
    gateway.signal("-TERM");
    let client = gateway.client();
    while client.get("/ready").await.is_ok_and(|answer| answer.status == 200) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!healthy());
    gateway.kill();
}

/// As the chart's templates use them: values, and blocks that are left as they stand.
fn render(template: &str, values: &Value) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once("{{") {
        let (action, after) = after.split_once("}}").expect("every action is closed");
        out.push_str(if action.starts_with('-') { before.trim_end() } else { before });
        out.push_str(&evaluate(action.trim_start_matches('-').trim(), values));
        rest = after;
    }
    out + rest
}

fn evaluate(action: &str, values: &Value) -> String {
    let mut found = Value::Null;
    for path in action.split([' ', '(', ')']).filter_map(|word| word.strip_prefix(".Values.")) {
        found = path.split('.').fold(values.clone(), |value, key| value[key].clone());
        assert!(!found.is_null(), "values.yaml has no {path}");
    }
    match action.split(' ').next() {
        Some("if" | "end") => String::new(),
        _ if action.contains("| nindent ") => indented(action, &found),
        _ if action.contains(" | quote") => found.to_string(),
        _ if action.contains(" | ") => "x".to_owned(),
        _ => found.as_str().map_or_else(|| "x".to_owned(), str::to_owned),
    }
}

/// Text as it is, anything else as JSON, which is YAML.
fn indented(action: &str, value: &Value) -> String {
    let columns = action.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number");
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.lines().map(|line| format!("\n{}{line}", " ".repeat(columns))).collect()
}

#[test]
fn the_chart_is_yaml_that_names_what_exists() {
    let values = yaml(&deploy("chart/values.yaml"));
    assert_eq!(yaml(&deploy("chart/Chart.yaml"))["apiVersion"], "v2");
    let mut kinds = Vec::new();
    for path in below(&root().join("spec/deploy/chart/templates"), &["yaml"]) {
        let object = yaml(&render(&read(&path), &values));
        let kind = object["kind"].as_str().unwrap_or_else(|| panic!("{}", shown(&path)));
        assert_eq!(object["metadata"]["name"], "x-tidegate", "{}", shown(&path));
        kinds.push(kind.to_owned());
        if kind == "ConfigMap" {
            assert_eq!(object["data"]["tidegate.toml"], values["config"]);
        }
        if kind == "Deployment" {
            let pod = &object["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(pod["readinessProbe"]["httpGet"]["path"], "/ready");
            assert_eq!(pod["livenessProbe"]["httpGet"]["path"], "/live");
        }
    }
    kinds.sort();
    let expected = ["ConfigMap", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy"];
    assert_eq!(kinds[..4], expected);
    assert_eq!(kinds[4..], ["PodDisruptionBudget", "Secret", "Service"]);
}

/// The compose file's HAProxy is the recipe's, but for the gateways.
#[test]
fn the_balancer_of_the_compose_file_is_the_recipe() {
    let kept = |path: &str| -> Vec<String> {
        let text = deploy(path);
        let from = text.find("\ndefaults\n").expect("a section");
        let servers = |line: &&str| !line.trim_start().starts_with("server ");
        text[from..].lines().filter(servers).map(str::to_owned).collect()
    };
    assert_eq!(kept("container/haproxy.cfg"), kept("balancers/haproxy.cfg"));
    let compose = yaml(&deploy("container/compose.yaml"));
    let config = deploy("container/haproxy.cfg");
    for name in ["gateway1", "gateway2", "gateway3"] {
        let network = &compose["services"][name]["networks"]["tidegate"];
        let address = network["ipv4_address"].as_str().expect("a fixed address");
        let servers = config.matches(&format!("server {name} {address}:8787")).count();
        assert_eq!(servers, config.matches("server gateway1 ").count(), "{name}");
    }
}
