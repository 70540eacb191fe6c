//! Every key of the configuration, in one table: what the loader accepts and `config explain`
//! and `config defaults` print.

mod agent;

pub use super::kind::Kind;
use agent::AGENT;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Path; `[]` stands for an index.
    pub path: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// TOML literal in force when the key is absent; `None` if there is none.
    pub default: Option<&'static str>,
    /// A TOML literal as an example.
    pub example: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

/// The key at `path`, with or without indexes in its brackets. What a backend takes is the same in
/// a head start as in an agent.
pub fn find(path: &str) -> Option<&'static Key> {
    let path = without_indexes(path);
    let find = |path: &str| KEYS.iter().find(|key| key.path == path);
    find(&path).or_else(|| find(&path.replace(".head_start", "").replace(".hedge", "")))
}

/// `agent[3].url` → `agent[].url`.
pub fn without_indexes(path: &str) -> String {
    let mut inside = false;
    let keep = |c: &char| {
        let drop = inside && *c != ']';
        inside = *c == '[' || drop;
        !drop
    };
    path.chars().filter(keep).collect()
}

const fn key(
    path: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    example: &'static str,
    meaning: &'static str,
) -> Key {
    Key { path, kind, default, example, meaning }
}

/// Every key, in the order of the file.
pub const KEYS: &[Key] = &all();

const COUNT: usize = FIRST.len() + AGENT.len() + LAST.len();

const fn all() -> [Key; COUNT] {
    let mut all = [FIRST[0]; COUNT];
    let mut at = 0;
    while at < COUNT {
        all[at] = match at.checked_sub(FIRST.len()) {
            None => FIRST[at],
            Some(at) if at < AGENT.len() => AGENT[at],
            Some(at) => LAST[at - AGENT.len()],
        };
        at += 1;
    }
    all
}

const FIRST: &[Key] = &[
    key(
        "server.listen",
        Kind::Address,
        Some("\"127.0.0.1:8787\""),
        "\"0.0.0.0:8787\"",
        "Where the gateway listens: HTTP/1.1, HTTP/2 and h2c on one port. With [server.tls]: TLS \
         only, and HTTP/3 on the UDP port of the same number.",
    ),
    key(
        "server.listen_plain",
        Kind::Address,
        None,
        "\"127.0.0.1:8788\"",
        "A second listener without TLS beside [server.tls].",
    ),
    key(
        "server.public_url",
        Kind::Url,
        None,
        "\"https://chat.example.com\"",
        "The address that clients use. Absent: made from server.listen.",
    ),
    key(
        "server.s2_url",
        Kind::Url,
        None,
        "\"https://chat.example.com/s2/v1\"",
        "The address for S2 writes. Absent: made from the request's Host.",
    ),
    key(
        "server.trusted_proxies",
        Kind::Texts,
        Some("[]"),
        "[\"10.0.0.0/8\", \"::1\"]",
        "Addresses or networks of the proxies in front. What they say of a client in \
         X-Forwarded-For, -Proto, -Host or Forwarded is believed; from others it is ignored.",
    ),
    key(
        "server.proxy_protocol",
        Kind::Boolean,
        Some("false"),
        "true",
        "Must connections of trusted_proxies begin with a header of the PROXY protocol (1 or 2)? \
         Those of others never do.",
    ),
    key(
        "server.http3",
        Kind::Boolean,
        Some("true"),
        "false",
        "With [server.tls]: is HTTP/3 spoken, too? It is announced (Alt-Svc) if server.public_url \
         is an https address.",
    ),
    key(
        "server.tls.cert",
        Kind::Path,
        None,
        "\"cert.pem\"",
        "PEM file with the certificate chain, the server's own first.",
    ),
    key("server.tls.key", Kind::Path, None, "\"key.pem\"", "PEM file with the private key."),
    key(
        "server.quic.secret",
        Kind::Secret,
        None,
        "\"env:TIDEGATE_QUIC_SECRET\"",
        "What address tokens and resets of QUIC are made from; the same for all gateways behind \
         one UDP balancer. Absent: random, known to this process alone.",
    ),
    key(
        "store.url",
        Kind::StoreUrl,
        Some("\"disk:./data\""),
        "\"disk:/var/lib/tidegate\"",
        "Where sessions are kept. memory: forgets everything at exit; disk: survives kill -9.",
    ),
    key(
        "environment[].name",
        Kind::Text,
        None,
        "\"dev\"",
        "Name of a tenant: unique, 1 to 64 of A-Z a-z 0-9 . _ -",
    ),
    key(
        "environment[].secret_keys",
        Kind::Secrets,
        None,
        "[\"env:TIDEGATE_KEY\"]",
        "The environment's keys. The first one signs tokens, all are accepted. A key of the shape \
         that `tidegate keys new` prints lets the gateway mint tokens; with any other key the SDK \
         signs tokens itself.",
    ),
];

/// Behind the agents.
const LAST: &[Key] = &[
    key(
        "retention.ttl",
        Kind::Duration,
        Some("\"30d\""),
        "\"7d\"",
        "Records older than this are dropped.",
    ),
    key(
        "retention.records",
        Kind::Integer,
        Some("1000000"),
        "100000",
        "Records kept in each stream; the oldest go first.",
    ),
    key(
        "retention.bytes",
        Kind::Size,
        Some("\"256MiB\""),
        "\"64MiB\"",
        "Bytes of records kept in each stream; the oldest go first.",
    ),
    key(
        "retention.closed_ttl",
        Kind::Duration,
        Some("\"30d\""),
        "\"1d\"",
        "A closed or expired session is deleted this long after.",
    ),
    key(
        "limits.connections",
        Kind::Integer,
        Some("100000"),
        "10000",
        "Connections open at once; more wait in the kernel's backlog.",
    ),
    key(
        "limits.streams",
        Kind::Integer,
        Some("100000"),
        "10000",
        "Streams read at once, over all connections; more are answered 503.",
    ),
    key(
        "limits.rate_limit.requests_per_second",
        Kind::Integer,
        None,
        "50",
        "Requests per second that each credential may make to /api and append at one gateway (each \
         counts by itself); absent: no limit.",
    ),
    key(
        "limits.rate_limit.burst",
        Kind::Integer,
        None,
        "100",
        "Requests that may come at once on top; absent: twice requests_per_second.",
    ),
    key(
        "log.format",
        Kind::Choice(&["text", "json"]),
        Some("\"text\""),
        "\"json\"",
        "Form of the log, on stderr.",
    ),
    key(
        "log.level",
        Kind::Text,
        Some("\"info\""),
        "\"info,tidegate_core=debug\"",
        "error, warn, info, debug, trace, or a filter by module. RUST_LOG, when set, replaces it.",
    ),
    key(
        "drain.timeout",
        Kind::Duration,
        Some("\"25s\""),
        "\"60s\"",
        "From SIGTERM to the end, at most. Turns that still run then are left to another gateway \
         or the next start.",
    ),
    key(
        "drain.delay",
        Kind::Duration,
        Some("\"3s\""),
        "\"5s\"",
        "How long a stopping gateway serves on while /ready says 503, so that load balancers find \
         out: longer than their check interval. At most a quarter of drain.timeout unless it is \
         set. `tidegate dev`: 0s.",
    ),
    key(
        "drain.spread",
        Kind::Duration,
        Some("\"5s\""),
        "\"20s\"",
        "After the delay, readers are sent to another gateway at random moments within this time, \
         so that they don't arrive there all at once. At most half of drain.timeout unless it is \
         set. `tidegate dev`: 0s.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_left_out() {
        assert_eq!(without_indexes("agent[12].tools[0].name"), "agent[].tools[].name");
        assert_eq!(without_indexes("server.listen"), "server.listen");
    }
}
