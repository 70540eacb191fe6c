//! Configuration: what is refused and why, what holds by default, what overrides what.

use std::path::{Path, PathBuf};

use crate::support::{KEY, tidegate, tidegate_in};
use tidegate_server::config::keys::{KEYS, Kind};
use tidegate_server::config::{Config, Source, explain, load};

pub(crate) const ENVIRONMENT: &str = "environment = [{ name = 'e', secret_keys = ['k'] }]\n";

fn source(text: &str, vars: &[(&str, &str)]) -> (tempfile::NamedTempFile, Source) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("writable");
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let file_path = Some(file.path().to_owned());
    (file, Source { file: file_path, vars: vars.collect(), fill: String::new() })
}

pub(crate) fn good(text: &str, vars: &[(&str, &str)]) -> Config {
    let (_file, source) = source(text, vars);
    load(&source).expect("a good configuration")
}

/// Problems of `text`, with the file's name left out.
fn problems(text: &str, vars: &[(&str, &str)]) -> Vec<String> {
    let (file, source) = source(text, vars);
    let name = file.path().display().to_string();
    let error = load(&source).expect_err("a bad configuration");
    error.problems.iter().map(|problem| problem.to_string().replace(&name, "FILE")).collect()
}

/// Problems of `text` beside a good environment.
pub(crate) fn refused(text: &str) -> Vec<String> {
    problems(&format!("{text}\n{ENVIRONMENT}"), &[])
}

#[test]
fn golden_errors() {
    let cases = [
        ("server.lisen = 'x'", "FILE: server.lisen: unknown key; did you mean `listen`?"),
        (
            "nonsense = 1",
            "FILE: nonsense: unknown key; known here: server, store, environment, agent, \
             retention, limits, log, drain",
        ),
        (
            "server.listen = 'x'",
            "FILE: server.listen: `x` is not HOST:PORT: invalid socket address",
        ),
        ("server.listen = 80", "FILE: server.listen: must be text, not a whole number"),
        ("server = 1", "FILE: server: must be a table, not a whole number"),
        (
            "server.public_url = 'ftp://x'",
            "FILE: server.public_url: `ftp://x` is not an http or https URL",
        ),
        (
            "server.listen_plain = '127.0.0.1:1'",
            "FILE: server.listen_plain: only makes sense beside [server.tls]",
        ),
        (
            "server.quic.secret = 's'",
            "FILE: server.quic.secret: only makes sense beside [server.tls]",
        ),
        ("server.tls = { cert = 'c' }", "FILE: server.tls.key: is missing"),
        ("agent = [{ backend = 'demo' }]", "FILE: agent[0].id: is missing"),
        ("agent = ['x']", "FILE: agent[0]: must be a table, not text"),
        (
            "agent = [{ id = 'a', backend = 'demo' }, { id = 'a', backend = 'demo' }]",
            "FILE: agent[1].id: another agent is called `a` already",
        ),
        (
            "agent = [{ id = '', backend = 'demo' }]",
            "FILE: agent[0].id: must have 1 to 128 characters",
        ),
        (
            "agent = [{ id = 'a', backend = 'demo', stop_on_disconnect = 1 }]",
            "FILE: agent[0].stop_on_disconnect: must be true or false, not a whole number",
        ),
        (
            "retention.ttl = 7",
            "FILE: retention.ttl: must be a duration such as \"60s\", not a whole number",
        ),
        (
            "retention.ttl = '7'",
            "FILE: retention.ttl: `7` is not a duration: write a whole number and ms, s, m, h or d",
        ),
        (
            "retention.bytes = '1mb'",
            "FILE: retention.bytes: `1mb` is not a size: write a whole number and B, KiB, MiB, \
             GiB, kB, MB or GB",
        ),
        ("retention.records = 0", "FILE: retention.records: must be above 0"),
        ("limits.rate_limit.burst = 5", "FILE: limits.rate_limit.requests_per_second: is missing"),
        ("log.format = 'xml'", "FILE: log.format: must be text or json"),
        (
            "drain.timeout = 'soon'",
            "FILE: drain.timeout: `soon` is not a duration: write a whole number and ms, s, m, h \
             or d",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), [expected], "{text}");
    }
}

#[test]
fn golden_errors_of_proxies_and_drains() {
    let cases = [
        (
            "server.trusted_proxies = ['10.0.0.0/8', 'x']",
            "FILE: server.trusted_proxies[1]: `x` is neither an address nor a network such as \
             10.0.0.0/8",
        ),
        (
            "server.trusted_proxies = ['10.0.0.1/8']",
            "FILE: server.trusted_proxies[0]: `10.0.0.1/8` has bits behind its prefix",
        ),
        (
            "server.proxy_protocol = true",
            "FILE: server.proxy_protocol: needs trusted_proxies: only those are believed",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), [expected], "{text}");
    }
}

#[test]
fn golden_errors_of_drains() {
    let cases = [
        (
            "drain = { timeout = '10s', delay = '4s', spread = '7s' }",
            "FILE: drain.spread: delay and spread together are longer than drain.timeout",
        ),
        (
            "drain = { timeout = '2s', delay = '2s' }",
            "FILE: drain.delay: delay and spread together are longer than drain.timeout",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), [expected], "{text}");
    }
    let short = good(&format!("{ENVIRONMENT}drain.timeout = '2s'\n"), &[]);
    assert_eq!(short.drain.delay, std::time::Duration::from_millis(500));
    assert_eq!(short.drain.spread, std::time::Duration::from_secs(1));
}

#[test]
fn golden_errors_of_environments() {
    let cases = [
        ("", "FILE: environment: at least one [[environment]] with a key is needed"),
        ("environment = [{ secret_keys = ['k'] }]", "FILE: environment[0].name: is missing"),
        (
            "environment = [{ name = 'e' }]",
            "FILE: environment[0].secret_keys: at least one key is needed; `tidegate keys new` \
             makes one",
        ),
        (
            "environment = [{ name = 'a/b', secret_keys = ['k'] }]",
            "FILE: environment[0].name: must be 1 to 64 of A-Z a-z 0-9 . _ -",
        ),
        (
            "environment = [{ name = 'e', secret_keys = ['env:TIDEGATE_NONE'] }]",
            "FILE: environment[0].secret_keys[0]: environment variable TIDEGATE_NONE is not set",
        ),
        (
            "environment = [{ name = 'e', secret_keys = ['k', 1] }]",
            "FILE: environment[0].secret_keys[1]: must be text",
        ),
        (
            "environment = [{ name = 'e', secret_keys = ['a'] }, \
             { name = 'e', secret_keys = ['b'] }]",
            "FILE: environment[1].name: another environment is called `e` already",
        ),
        (
            "environment = [{ name = 'e', secret_keys = ['a'] }, \
             { name = 'f', secret_keys = ['a'] }]",
            "FILE: environment[1].secret_keys: environment `e` has one of these keys already",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(problems(text, &[]), [expected], "{text}");
    }
}

#[test]
fn an_agents_own_keys_are_the_backends_to_refuse() {
    let unknown = refused("agent = [{ id = 'a', backend = 'nope' }]");
    assert!(
        unknown[0].starts_with("FILE: agent[0]: agent \"a\": unknown backend \"nope\""),
        "{unknown:?}"
    );
    let link = refused("agent = [{ id = 'a', backend = 'link', url = 'http://x' }]");
    assert_eq!(link, ["FILE: agent[0].url: is no key of the backend `link`"]);
    let key = refused("agent = [{ id = 'a', backend = 'demo', wrds = 1 }]");
    assert!(key[0].contains("agent[0]") && key[0].contains("wrds"), "{key:?}");
}

#[test]
fn every_problem_is_told_at_once_and_no_secret_is() {
    let text = "server.listen = 'x'\nlog.format = 's3cret'\n\
                environment = [{ name = 'e', secret_keys = 's3cret' }]";
    let found = problems(text, &[]);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(!found.join("\n").contains("s3cret"), "{found:?}");
}

#[test]
fn syntax_errors_have_a_line() {
    let found = problems("[server]\nlisten = \n", &[]);
    assert!(found[0].starts_with("FILE:2:"), "{found:?}");
    assert!(found[0].contains("not valid TOML"), "{found:?}");
}

#[test]
fn the_environment_overrides_and_is_named_in_errors() {
    let vars = [
        ("TIDEGATE__SERVER__LISTEN", "127.0.0.1:1234"),
        ("TIDEGATE__ENVIRONMENT__0__SECRET_KEYS", "['a', 'b']"),
        ("TIDEGATE__AGENT__0__ID", "demo"),
        ("TIDEGATE__AGENT__0__BACKEND", "demo"),
        ("TIDEGATE__LIMITS__RATE_LIMIT__REQUESTS_PER_SECOND", "9"),
    ];
    let config = good(ENVIRONMENT, &vars);
    assert_eq!(config.server.listen.port(), 1234);
    assert_eq!(config.environments[0].secret_keys.len(), 2);
    assert_eq!(config.agents[0].id, "demo");
    assert_eq!(config.limits.rate_limit.map(|limit| limit.burst), Some(18));
    let bad = problems(
        ENVIRONMENT,
        &[("TIDEGATE__SERVER__LISTEN", "x"), ("TIDEGATE__DRAIN__TIMEOU", "1s")],
    );
    assert_eq!(
        bad,
        [
            "TIDEGATE__SERVER__LISTEN: server.listen: `x` is not HOST:PORT: invalid socket address",
            "TIDEGATE__DRAIN__TIMEOU: drain.timeou: unknown key; did you mean `timeout`?",
        ]
    );
}

#[test]
fn debug_shows_no_secret() {
    let text = "environment = [{ name = 'e', secret_keys = ['s3cret'] }]\n\
                agent = [{ id = 'a', backend = 'demo' }]";
    assert!(!format!("{:?}", good(text, &[])).contains("s3cret"));
}

#[test]
fn the_printed_defaults_are_the_defaults() {
    let printed = good(&format!("{ENVIRONMENT}{}", explain::defaults()), &[]);
    let bare = good(ENVIRONMENT, &[]);
    assert_eq!(format!("{printed:?}"), format!("{bare:?}"));
}

/// A configuration that sets `path` to its example.
fn example(path: &str, example: &str) -> String {
    let value = format!("{path} = {example}\n");
    let whole = |table: &str, rest: &str| format!("{ENVIRONMENT}[{table}]\n{rest}\n");
    if let Some(key) = path.strip_prefix("environment[].") {
        let other = if key == "name" { "secret_keys = ['k']" } else { "name = 'e'" };
        return format!("[[environment]]\n{other}\n{key} = {example}\n");
    }
    if let Some(key) = path.strip_prefix("agent[].") {
        return agent(key, example);
    }
    match path {
        "server.tls.cert" => whole("server.tls", &format!("key = 'k'\ncert = {example}")),
        "server.tls.key" => whole("server.tls", &format!("cert = 'c'\nkey = {example}")),
        "server.listen_plain" | "server.quic.secret" => {
            format!("{ENVIRONMENT}{value}server.tls = {{ cert = 'c', key = 'k' }}\n")
        }
        "server.proxy_protocol" => {
            format!("{ENVIRONMENT}{value}server.trusted_proxies = ['::1']\n")
        }
        "limits.rate_limit.burst" => {
            whole("limits.rate_limit", &format!("requests_per_second = 1\nburst = {example}"))
        }
        _ => format!("{ENVIRONMENT}{value}"),
    }
}

fn agent(key: &str, example: &str) -> String {
    let backend = match key {
        "words_per_second" | "id" | "stop_on_disconnect" => "demo",
        "command" | "cwd" | "env" | "max_children" | "actions" => "process",
        _ if key.starts_with("head_start.") => "link",
        _ => "openai",
    };
    let mut table = format!("{ENVIRONMENT}[[agent]]\n");
    let mut set = |other: &str, value: &str| {
        if other != key {
            table.push_str(&format!("{other} = {value}\n"));
        }
    };
    set("id", "'a'");
    match key {
        "backend" => set("url", "'http://127.0.0.1:1/x'"),
        _ if backend == "openai" => {
            set("backend", "'openai'");
            set("url", "'http://127.0.0.1:1/v1'");
            set("model", "'m'");
        }
        _ if backend == "process" => {
            set("backend", "'process'");
            set("command", "['true']");
        }
        _ if backend == "link" => {
            set("backend", "'link'");
            set("head_start.backend", "'openai'");
            set("head_start.url", "'http://127.0.0.1:1/v1'");
            set("head_start.model", "'m'");
        }
        _ => set("backend", "'demo'"),
    }
    table.push_str(&format!("{key} = {example}\n"));
    table
}

#[test]
fn every_explained_key_is_accepted_with_its_example() {
    for key in KEYS {
        // The examples name environment variables that a test can't set.
        let value = match key.example.split_once("env:") {
            Some((before, rest)) => format!("{before}k{}", &rest[rest.find('"').expect("text")..]),
            None => key.example.to_owned(),
        };
        let (_file, source) = source(&example(key.path, &value), &[]);
        if let Err(error) = load(&source) {
            panic!("{}: {error}", key.path);
        }
    }
}

#[test]
fn every_accepted_key_is_explained() {
    // What an unknown key is answered with is the list of known ones.
    let known = |prefix: &str, text: &str| -> Vec<String> {
        let found = refused(text);
        let list = found[0].split("known here: ").nth(1).expect("a list").to_owned();
        list.split(", ").map(|key| format!("{prefix}{key}")).collect()
    };
    let mut all = Vec::new();
    for section in ["server", "store", "retention", "limits", "log", "drain"] {
        all.extend(known(&format!("{section}."), &format!("{section}.zzzzzzzz = 1")));
    }
    all.extend(known(
        "limits.rate_limit.",
        "limits.rate_limit = { zzzzzzzz = 1, requests_per_second = 1 }",
    ));
    for path in all {
        let explained =
            KEYS.iter().any(|key| key.path == path || key.path.starts_with(&format!("{path}.")));
        assert!(explained, "{path} is not explained");
    }
    assert!(KEYS.iter().all(|key| key.default.is_none() || key.kind != Kind::Secrets));
}

#[test]
fn check_says_good_or_everything_that_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |text: &str| std::fs::write(folder.path().join("t.toml"), text).expect("writable");
    write(ENVIRONMENT);
    let ran = tidegate_in(folder.path(), &["config", "check", "--config", "t.toml"], &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.starts_with("t.toml: good: 1 environment(s), 0 agent(s)"), "{}", ran.stdout);
    write("server.lisen = 1");
    let ran = tidegate_in(folder.path(), &["config", "check", "--config", "t.toml"], &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (64, ""));
    assert_eq!(
        ran.stderr,
        "tidegate: t.toml: server.lisen: unknown key; did you mean `listen`?\n\
         tidegate: t.toml: environment: at least one [[environment]] with a key is needed\n"
    );
    let ran = tidegate(&["config", "check", "--config", "/no/such.toml"]);
    assert_eq!(ran.code, 64);
    assert!(ran.stderr.starts_with("tidegate: /no/such.toml: can't be read: "), "{}", ran.stderr);
}

#[test]
fn variables_reach_the_binary() {
    let folder = tempfile::tempdir().expect("a folder");
    let file: PathBuf = folder.path().join("t.toml");
    std::fs::write(&file, "").expect("writable");
    let vars = [
        ("TIDEGATE__ENVIRONMENT__0__NAME", "prod"),
        ("TIDEGATE__ENVIRONMENT__0__SECRET_KEYS__0", "env:MY_KEY"),
        ("MY_KEY", KEY),
        ("TIDEGATE__SERVER__LISTEN", "127.0.0.1:4321"),
    ];
    let ran = tidegate_in(
        Path::new("/"),
        &["config", "check", "--config", &file.display().to_string()],
        &vars,
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("listens on 127.0.0.1:4321"), "{}", ran.stdout);
    assert!(!ran.stdout.contains(KEY));
}
