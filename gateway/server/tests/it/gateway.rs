//! The gateway as a process: start, stop, and what it serves besides the protocol.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::support::{Gateway, KEY, command, follow_until, get, request, tidegate, tidegate_in};
use tidegate_protocol::token::key::KeyShape;

const OUT: &str = "/realtime/v1/sessions/chat%201/out";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Makes session `name` with a first message.
fn ask(gateway: &Gateway, key: &str, name: &str, text: &str) {
    let body = serde_json::json!({
        "type": "chat.agent",
        "externalId": name,
        "taskIdentifier": "demo",
        "triggerConfig": {"basePayload": {
            "chatId": name,
            "trigger": "submit-message",
            "message": {"id": "m1", "role": "user", "parts": [{"type": "text", "text": text}]},
        }},
    });
    let answer = request(gateway.address, "POST", "/api/v1/sessions", Some(key), &body.to_string());
    assert!(matches!(answer.status, 200 | 201), "{}: {}", answer.status, answer.body);
}

fn tail(gateway: &Gateway, key: &str, more: &[&str]) -> crate::support::Ran {
    let url = gateway.url();
    let args = [&["tail", "chat 1", "--url", &url, "--key", key, "--until-settled"], more].concat();
    tidegate(&args)
}

#[test]
fn dev_starts_answers_and_stops() {
    let folder = folder();
    let mut gateway = Gateway::dev(folder.path());
    let greeting = gateway.read_until("Ctrl-C stops.");
    let path = folder.path().join(".tidegate/key");
    let key = std::fs::read_to_string(&path).expect("a key").trim().to_owned();
    assert_eq!(KeyShape::of(&key), KeyShape::Minting);
    let mode = std::fs::metadata(&path).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let console = format!("{}/console#key={key}", gateway.url());
    assert!(greeting.contains(&console) && greeting.contains("curl "), "{greeting}");
    ask(&gateway, &key, "chat 1", "hello");
    assert!(tail(&gateway, &key, &[]).stdout.contains("[turn-complete]"));
    gateway.signal("TERM");
    let (code, log) = gateway.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(&key), "the key is in the log");

    // The key and the sessions are still there.
    let gateway = Gateway::dev(folder.path());
    assert!(tail(&gateway, &key, &[]).stdout.contains("[turn-complete]"));
    gateway.signal("INT");
    assert_eq!(gateway.wait().0, Some(0));
}

#[test]
fn tail_reads_on_from_a_seq_and_lists_show_the_session() {
    let folder = folder();
    let gateway = Gateway::serve(folder.path(), "store.url = 'memory:'");
    ask(&gateway, KEY, "chat 1", "/words 20 1");
    let all = tail(&gateway, KEY, &["--json"]);
    assert_eq!(all.code, 0, "{}", all.stderr);
    let lines: Vec<&str> = all.stdout.lines().collect();
    assert!(lines.len() > 20, "{}", all.stdout);
    for (seq, line) in lines.iter().enumerate() {
        let record: serde_json::Value = serde_json::from_str(line).expect("a record");
        assert_eq!(record["seq_num"], seq, "{line}");
    }
    let rest = tail(&gateway, KEY, &["--json", "--from", "5"]);
    assert_eq!(rest.stdout.lines().collect::<Vec<_>>(), lines[5..]);

    let url = gateway.url();
    let list = |more: &[&str]| {
        tidegate(&[&["sessions", "list", "--url", &url, "--key", KEY], more].concat()).stdout
    };
    let json: serde_json::Value = serde_json::from_str(&list(&["--json"])).expect("one session");
    assert_eq!(json["externalId"], "chat 1");
    assert!(list(&[]).contains("chat 1"));
    assert_eq!(list(&["--json", "--status", "closed"]), "");
    let ran = tidegate(&["sessions", "list", "--url", &url, "--key", "wrong"]);
    assert_eq!(ran.code, 77, "{}", ran.stderr);
}

#[test]
fn tail_reads_on_after_the_gateway_was_killed() {
    let folder = folder();
    let gateway = Gateway::serve(folder.path(), "store.url = 'disk:./data'");
    ask(&gateway, KEY, "chat 1", "/words 500 20");
    let url = gateway.url();
    let args = ["tail", "chat 1", "--url", &url, "--key", KEY, "--json", "--until-settled"];
    let mut child = command(folder.path(), &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut next = || Some(lines.next()?.expect("a line"));
    let mut records: Vec<String> = (0..20).map_while(|_| next()).collect();
    let address = gateway.address;
    gateway.signal("KILL");
    drop(gateway);
    let gateway = Gateway::serve_at(address, folder.path(), "store.url = 'disk:./data'");
    records.extend(std::iter::from_fn(next));
    assert!(child.wait().expect("ends").success());
    let whole = tail(&gateway, KEY, &["--json"]);
    assert_eq!(records, whole.stdout.lines().collect::<Vec<_>>());
    assert!(records.len() > 20, "{records:?}");
}

#[test]
fn dev_uses_a_file_and_adds_what_it_lacks() {
    let folder = folder();
    let text = "[log]\nformat = 'json'\n[[agent]]\nid = 'mine'\nbackend = 'demo'\n";
    std::fs::write(folder.path().join("my.toml"), text).expect("writable");
    let gateway = Gateway::dev_with(folder.path(), &["--config", "my.toml", "--data", "d"]);
    let key = std::fs::read_to_string(folder.path().join("d/key")).expect("a key");
    let agents = get(gateway.address, "/v1/agents", Some(key.trim()));
    assert_eq!(agents.body, r#"{"agents":[{"id":"mine"}]}"#);
    gateway.signal("TERM");
    let (code, log) = gateway.wait();
    assert_eq!(code, Some(0), "{log}");
    for line in log.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
        assert!(event["message"].is_string() && event["level"].is_string(), "{line}");
    }
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let (first, second) = (folder(), folder());
    let gateway = Gateway::serve(first.path(), "store.url = 'memory:'");
    let listen = gateway.address.to_string();
    let ran = tidegate_in(second.path(), &["dev", "--listen", &listen], &[]);
    assert_eq!(ran.code, 69);
    let expected = format!("tidegate: can't listen on {listen}: Address already in use");
    assert!(ran.stderr.lines().any(|line| line.starts_with(&expected)), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_store_in_use_is_one_clear_line() {
    let folder = folder();
    let _gateway = Gateway::serve(folder.path(), "store.url = 'disk:./data'");
    let vars = [("TIDEGATE__SERVER__LISTEN", "127.0.0.1:0")];
    let ran = tidegate_in(folder.path(), &["serve", "--config", "tidegate.toml"], &vars);
    assert_eq!(ran.code, 69, "{}", ran.stderr);
    assert!(ran.stderr.contains("is in use by another process"), "{}", ran.stderr);
}

#[test]
fn broken_tls_files_are_named() {
    let folder = folder();
    let text = "server.listen = '127.0.0.1:0'\nserver.tls = { cert = 'c.pem', key = 'k.pem' }\n\
                store.url = 'memory:'\nenvironment = [{ name = 'e', secret_keys = ['k'] }]\n";
    std::fs::write(folder.path().join("t.toml"), text).expect("writable");
    let serve = || tidegate_in(folder.path(), &["serve", "--config", "t.toml"], &[]);
    let missing = serve();
    assert_eq!(missing.code, 74);
    assert!(missing.stderr.contains("can't read c.pem: "), "{}", missing.stderr);
    for name in ["c.pem", "k.pem"] {
        std::fs::write(folder.path().join(name), "nonsense").expect("writable");
    }
    let broken = serve();
    assert_eq!(broken.code, 64, "{}", broken.stderr);
    assert!(broken.stderr.contains("certificate"), "{}", broken.stderr);
}

#[test]
fn a_running_answer_is_finished_before_the_gateway_goes() {
    let folder = folder();
    let gateway = Gateway::serve(folder.path(), "store.url = 'disk:./data'");
    // Long enough to still run when the signal comes, whatever the machine does.
    ask(&gateway, KEY, "chat 1", "/words 100 20");
    gateway.signal("TERM");
    let (code, log) = gateway.wait();
    assert_eq!(code, Some(0), "{log}");
    let gateway = Gateway::serve(folder.path(), "store.url = 'disk:./data'");
    let words = tail(&gateway, KEY, &[]).stdout;
    assert!(words.contains("word-100"), "{words}");
    assert_eq!(words.matches("[turn-complete]").count(), 1, "{words}");
}

#[test]
fn an_answer_that_hangs_is_left_to_the_next_start() {
    let folder = folder();
    let config = "store.url = 'disk:./data'\ndrain.timeout = '200ms'";
    let gateway = Gateway::serve(folder.path(), config);
    ask(&gateway, KEY, "chat 1", "/hang");
    follow_until(gateway.address, OUT, KEY, "Still");
    gateway.signal("TERM");
    let (code, log) = gateway.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("turns did not end in time"), "{log}");

    // The words that were seen can't be taken back: the turn is closed with an error.
    let gateway = Gateway::serve(folder.path(), config);
    let words = tail(&gateway, KEY, &[]).stdout;
    assert!(words.contains("Still"), "{words}");
    assert_eq!(words.matches("[turn-complete]").count(), 1, "{words}");
}

#[test]
fn a_second_signal_does_not_wait() {
    let folder = folder();
    let config = "store.url = 'disk:./data'\ndrain.timeout = '1h'";
    let mut gateway = Gateway::serve(folder.path(), config);
    ask(&gateway, KEY, "chat 1", "/hang");
    follow_until(gateway.address, OUT, KEY, "Still");
    gateway.signal("TERM");
    gateway.read_log_until("stopping");
    gateway.signal("INT");
    let (code, log) = gateway.wait();
    assert_eq!(code, Some(130), "{log}");
}

#[test]
fn the_console_is_served_with_its_types_and_policy() {
    let folder = folder();
    let gateway = Gateway::serve(folder.path(), "store.url = 'memory:'");
    let page = get(gateway.address, "/console", None);
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let linked = page.body.split('"').filter(|text| text.starts_with("/console/"));
    let modules = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("console"));
    let modules = modules
        .expect("the page's folder")
        .map(|entry| format!("/console/{}", entry.expect("an entry").file_name().display()));
    for path in linked.map(str::to_owned).chain(modules.filter(|path| path.ends_with(".js"))) {
        let asset = get(gateway.address, &path, None);
        let kind = if path.ends_with(".css") { "text/css" } else { "text/javascript" };
        assert_eq!(asset.status, 200, "{path}");
        assert!(asset.header("content-type").starts_with(kind), "{path}");
        let policy = asset.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(asset.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(get(gateway.address, "/console/none.js", None).status, 404);
    assert_eq!(request(gateway.address, "POST", "/console", None, "").status, 405);
}

#[test]
fn metrics_are_well_formed() {
    let folder = folder();
    let gateway = Gateway::serve(folder.path(), "store.url = 'memory:'");
    ask(&gateway, KEY, "chat 1", "/words 3 1");
    tail(&gateway, KEY, &[]);
    let metrics = get(gateway.address, "/metrics", None);
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let mut typed = None;
    for line in metrics.body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            typed = rest.split_once(' ').map(|(name, kind)| (name.to_owned(), kind.to_owned()));
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        let family = name.split('{').next().unwrap_or(name);
        let (of, kind) = typed.as_ref().expect("a type before the first sample");
        assert_eq!(family, of);
        assert_eq!(family.ends_with("_total"), kind == "counter", "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(metrics.body.contains("\ntidegate_turns_completed_total 1\n"), "{}", metrics.body);
    assert!(!metrics.body.contains("chat 1"));
}

#[test]
fn agents_are_listed_for_secret_keys_only() {
    let folder = folder();
    let gateway = Gateway::serve(folder.path(), "store.url = 'memory:'");
    let agents = get(gateway.address, "/v1/agents", Some(KEY));
    assert_eq!((agents.status, agents.body.as_str()), (200, r#"{"agents":[{"id":"demo"}]}"#));
    assert_eq!(get(gateway.address, "/v1/agents", None).status, 401);
    assert_eq!(get(gateway.address, "/v1/agents", Some("wrong")).status, 401);
    assert_eq!(get(gateway.address, "/ready", None).status, 200);
    assert_eq!(get(gateway.address, "/live", None).status, 200);
}
