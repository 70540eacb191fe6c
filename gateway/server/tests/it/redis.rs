//! Gateways that share a Redis: what stands in the way of a start, and clocks that differ.

use serde_json::{Value, json};
use tidegate_store::servers::{Config, Redis};

use crate::config::refused as problems;
use crate::support::{Gateway, KEY, request, tidegate, tidegate_in};

#[test]
fn golden_errors_of_store_urls() {
    let cases = [
        ("store.url = 'redis://h:x'", "FILE: store.url: `h:x` is not `host:port`"),
        (
            "store.url = 'redis-sentinel://h'",
            "FILE: store.url: a Sentinel URL ends in `/service` or `/service/db`",
        ),
        (
            "store.url = 'redis+tls://h'",
            "FILE: store.url: must be memory:, disk:PATH, redis://HOST, rediss://HOST, \
             redis-sentinel://HOST,…/SERVICE or redis-cluster://HOST,…",
        ),
        ("store.url = 'disk:'", "FILE: store.url: `disk:` needs a path, as in `disk:./data`"),
        (
            "store.url = 'sqlite:x'",
            "FILE: store.url: must be memory:, disk:PATH, redis://HOST, rediss://HOST, \
             redis-sentinel://HOST,…/SERVICE or redis-cluster://HOST,…",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

/// What a start against `url` ends with.
fn refused(url: &str) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = format!(
        "server.listen = '127.0.0.1:0'\nstore.url = '{url}'\n\
         [[environment]]\nname = 'test'\nsecret_keys = ['{KEY}']\n"
    );
    std::fs::write(folder.path().join("tidegate.toml"), config).expect("the folder is writable");
    let ran = tidegate_in(folder.path(), &["serve", "--config", "tidegate.toml"], &[]);
    (ran.code, ran.stderr)
}

#[test]
fn a_redis_that_can_not_be_the_store_is_refused_in_clear_words() {
    let server = Redis::start(Config::new());
    let guarded = Redis::start(Config::new().password("right-one"));
    let replica = Redis::start(Config::new().replica_of(server.port()));
    let evicting = Redis::start(Config::new().maxmemory(50_000_000, "allkeys-lru"));
    let full = Redis::start(Config::new().maxmemory(1, "noeviction"));
    let newer = Redis::start(Config::new());
    newer.ask::<()>(&["SET", "tg:schema", "9"]).expect("set");
    let older = Redis::start(Config::new());
    older.ask::<()>(&["SET", "tg:schema", "0"]).expect("set");
    let mut gone = Redis::start(Config::new());
    let nobody = gone.url();
    gone.kill();
    let wrong = format!("redis://:wrong-one@127.0.0.1:{}", guarded.port());
    let cluster = format!("redis-cluster://127.0.0.1:{}", server.port());
    for (url, code, text) in [
        (wrong, 69, "refused the credentials"),
        (format!("{}/99", server.url()), 69, "has no database 99"),
        (replica.url(), 69, "is a read-only replica: name its primary"),
        (evicting.url(), 69, "may evict keys: set `maxmemory-policy noeviction`"),
        (full.url(), 69, "OOM"),
        (newer.url(), 69, "has schema `9`, newer than 1"),
        (older.url(), 69, "has schema `0`, older than 1"),
        (cluster, 69, "runs in mode `standalone`, the URL is for `cluster`"),
        (nobody, 69, "can't be reached"),
        ("redis+tls://h".to_owned(), 64, "redis://HOST, rediss://HOST"),
    ] {
        let (ended, said) = refused(&url);
        assert_eq!(ended, code, "{url}: {said}");
        assert!(said.contains(text) && !said.contains("-one"), "{url}: {said}");
    }
}

/// Variables under which a program lives `offset` from now (libfaketime).
fn skewed(offset: &str) -> Vec<(&'static str, String)> {
    let libraries = std::fs::read_dir("/usr/lib").expect("readable");
    let place = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.ok()?.path().join("faketime/libfaketime.so.1");
        path.exists().then_some(path)
    };
    let library = libraries.filter_map(place).next().expect("libfaketime is installed");
    vec![
        ("LD_PRELOAD", library.to_string_lossy().into_owned()),
        ("FAKETIME", offset.to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

fn call(gateway: &Gateway, method: &str, path: &str, key: &str, body: &str) -> Value {
    let answer = request(gateway.address, method, path, Some(key), body);
    assert!(matches!(answer.status, 200 | 201), "{path}: {} {}", answer.status, answer.body);
    serde_json::from_str(&answer.body).unwrap_or_default()
}

/// Nodes that are ten minutes apart agree on times and on whose token is good.
#[test]
fn gateways_whose_clocks_differ_by_ten_minutes_work_together() {
    let server = Redis::start(Config::new());
    let store = format!("store.url = '{}'", server.url());
    let (fast, slow) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    let fast = Gateway::serve_with(fast.path(), &store, &skewed("+5m"));
    let slow = Gateway::serve_with(slow.path(), &store, &skewed("-5m"));
    let time = || {
        let (seconds, micros): (u64, u64) = server.ask(&["TIME"]).expect("a time");
        seconds * 1_000 + micros / 1_000
    };
    let before = time();
    let body = json!({
        "type": "chat.agent",
        "externalId": "chat",
        "taskIdentifier": "demo",
        "triggerConfig": {"basePayload": {"chatId": "chat"}},
    });
    call(&fast, "POST", "/api/v1/sessions", KEY, &body.to_string());
    // Made behind, and over before it gets ahead, if each went by its own clock.
    let wish =
        json!({"scopes": ["write:sessions:chat", "read:sessions:chat"], "expirationTime": "5m"});
    let made = call(&slow, "POST", "/api/v1/auth/public-tokens", KEY, &wish.to_string());
    let token = made["token"].as_str().expect("a token").to_owned();
    let message = json!({"kind": "message", "payload": {
        "chatId": "chat",
        "trigger": "submit-message",
        "message": {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "hello"}]},
    }});
    call(&fast, "POST", "/realtime/v1/sessions/chat/in/append", &token, &message.to_string());
    let url = fast.url();
    let args = ["tail", "chat", "--url", &url, "--key", KEY, "--json", "--until-settled"];
    let read = tidegate(&args);
    let after = time();
    assert!(read.stdout.contains("turn-complete"), "{}", read.stderr);
    for line in read.stdout.lines() {
        let record: Value = serde_json::from_str(line).expect("a record");
        let at = record["timestamp"].as_u64().expect("a timestamp");
        assert!((before..=after).contains(&at), "{before} {after} {record}");
    }
    let list = tidegate(&["sessions", "list", "--url", &slow.url(), "--key", KEY, "--json"]);
    let row: Value = serde_json::from_str(&list.stdout).expect("one session");
    let made = row["createdAt"].as_str().expect("a time");
    let (hour, minute) = (&made[11..13], &made[14..16]);
    let minutes =
        hour.parse::<u64>().expect("hours") * 60 + minute.parse::<u64>().expect("minutes");
    let expected = [before, after].map(|ms| ms / 60_000 % (24 * 60));
    assert!(expected.contains(&minutes), "{made}");
}
