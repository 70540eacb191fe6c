//! What is in Redis, and what may be there.

use std::collections::{BTreeMap, HashSet};

use tidegate_core::seams::store::Retention;
use tidegate_protocol::limits::{FRAME_KEY_TTL_MS, FRAME_KEYS_MAX};
use tidegate_store::servers::Redis;

const GLOBAL: [&str; 5] =
    ["tg:environments", "tg:reign", "tg:schema", "tg:{fleet}:members", "tg:{fleet}:rosters"];
const INDEXES: &str = "lidoxak";
const DAY_MS: u64 = 24 * 3_600 * 1_000;

/// Everything, at one moment.
#[derive(Debug)]
pub(crate) struct Look {
    /// Whom the indexes of partitions name, by index.
    pub(crate) indexed: BTreeMap<char, HashSet<String>>,
    /// Keys of each session: kind, channel if any, ms to live, bytes.
    pub(crate) sessions: BTreeMap<String, Vec<Key>>,
    /// Bytes of the indexes.
    pub(crate) index_bytes: u64,
}

/// A key of a session.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) kind: String,
    pub(crate) lives_ms: i64,
    pub(crate) bytes: u64,
}

impl Look {
    /// Looks; fails at a key that is neither global, nor an index, nor a session's.
    pub(crate) fn at(server: &Redis) -> Self {
        type Row = (String, i64, u64, Vec<String>);
        let all: Vec<Row> = server.ask(&["EVAL", include_str!("look.lua"), "0"]).expect("keys");
        let mut look = Self { indexed: BTreeMap::new(), sessions: BTreeMap::new(), index_bytes: 0 };
        for (key, lives_ms, bytes, names) in all {
            if GLOBAL.contains(&&*key) {
                continue;
            }
            let (base, rest) = key.split_once("}:").expect("a key of a partition");
            assert!(base.starts_with("tg:{dev:"), "an unknown key: {key}");
            let mut kinds = rest.chars();
            match (kinds.next(), kinds.next()) {
                (Some(index), None) if INDEXES.contains(index) => {
                    let names = names.into_iter().map(|name| match name.rsplit_once('\0') {
                        Some((_, name)) => name.to_owned(),
                        None => name,
                    });
                    look.indexed.entry(index).or_default().extend(names);
                    look.index_bytes += bytes;
                }
                (Some('h' | 'o' | 'z' | 'b' | 'n' | 'r' | 'f'), Some(':')) => {
                    let (kind, session) = rest.rsplit_once(':').expect("a session's name");
                    let key = Key { kind: kind.to_owned(), lives_ms, bytes };
                    look.sessions.entry(session.to_owned()).or_default().push(key);
                }
                _ => panic!("an unknown key: {key}"),
            }
        }
        look
    }

    /// No key outlives its session, none is there without it, none is too large.
    pub(crate) fn check(&self, rules: &Retention, alive: &HashSet<String>) {
        let span = (rules.ttl_ms + rules.closed_ttl_ms + DAY_MS) as i64;
        for (session, keys) in &self.sessions {
            let is_alive = alive.contains(session);
            assert!(keys.iter().any(|key| key.kind == "h"), "no head: {session} {keys:?}");
            for key in keys {
                let longest =
                    if key.kind.starts_with('f') { 2 * FRAME_KEY_TTL_MS as i64 } else { span };
                assert!((0..=longest).contains(&key.lives_ms), "{session} {key:?}");
                assert!(is_alive || key.kind == "h", "an orphan: {session} {key:?}");
                assert!(key.bytes <= cap(&key.kind, rules), "too large: {session} {key:?}");
            }
        }
        for (index, names) in &self.indexed {
            let odd: Vec<_> = names.iter().filter(|name| !alive.contains(*name)).collect();
            assert!(odd.is_empty(), "index {index} names sessions that are gone: {odd:?}");
        }
    }

    /// Bytes of one session.
    pub(crate) fn bytes(&self, session: &str) -> u64 {
        self.sessions.get(session).into_iter().flatten().map(|key| key.bytes).sum()
    }
}

/// Most bytes of a key once a sweep has passed. What Redis itself takes for an entry is in it.
fn cap(kind: &str, rules: &Retention) -> u64 {
    match &kind[..1] {
        // Half a page of slack at each end, and the newest batch.
        "r" => rules.bytes * 5 / 4 + 16 * 1024,
        // Two fields for each answer.
        "f" => (FRAME_KEYS_MAX as u64 + 64) * 256,
        // A fate for each record that is kept.
        "z" => rules.records * 256 + 4_096,
        "h" => 4_096,
        // What was written: messages of these chats are short, and few.
        _ => 256 * 1024,
    }
}
