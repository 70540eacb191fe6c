//! Every key of the configuration, in one table: what the loader accepts and `config explain`
//! and `config defaults` print.

pub use super::kind::Kind;

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

/// The key at `path`, with or without indexes in its brackets.
pub fn find(path: &str) -> Option<&'static Key> {
    let path = without_indexes(path);
    KEYS.iter().find(|key| key.path == path)
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
pub const KEYS: &[Key] = &[
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
    key(
        "agent[].id",
        Kind::Text,
        None,
        "\"my-chat\"",
        "What clients call the agent: unique, 1 to 128 characters.",
    ),
    key(
        "agent[].backend",
        Kind::Choice(&["ai_sdk", "openai", "process", "demo", "link"]),
        None,
        "\"ai_sdk\"",
        "What answers: an AI SDK route, an OpenAI-compatible endpoint, a command, the built-in \
         demo, or workers that register (link).",
    ),
    key(
        "agent[].stop_on_disconnect",
        Kind::Boolean,
        Some("false"),
        "true",
        "AI SDK binding: does closing the request's socket stop the turn?",
    ),
    key(
        "agent[].url",
        Kind::Url,
        None,
        "\"http://127.0.0.1:3000/api/chat\"",
        "ai_sdk: the route that answers a UI message stream. openai: the API's base, as …/v1.",
    ),
    key("agent[].model", Kind::Text, None, "\"gpt-5\"", "openai: the model."),
    key(
        "agent[].api_key",
        Kind::Secret,
        None,
        "\"env:OPENAI_API_KEY\"",
        "openai: sent as a bearer token.",
    ),
    key("agent[].system", Kind::Text, None, "\"Be brief.\"", "openai: the system prompt."),
    key("agent[].temperature", Kind::Number, None, "0.2", "openai: sampling temperature."),
    key("agent[].max_tokens", Kind::Integer, None, "4096", "openai: most tokens of one answer."),
    key(
        "agent[].tools",
        Kind::Tables,
        None,
        "[{ name = \"locate\", description = \"Where the user is\" }]",
        "openai: tools that run in the client: name, description, parameters (a JSON schema).",
    ),
    key(
        "agent[].headers",
        Kind::Table,
        None,
        "{ x-team = \"tides\" }",
        "ai_sdk, openai: headers of every request; values may be env:NAME or file:PATH.",
    ),
    key(
        "agent[].extra_body",
        Kind::Table,
        None,
        "{ top_p = 0.9 }",
        "openai: keys set in every request body, over those that the gateway sets.",
    ),
    key(
        "agent[].command",
        Kind::Texts,
        None,
        "[\"sh\", \"agent.sh\"]",
        "process: program and arguments, run for each answer; no shell reads them.",
    ),
    key("agent[].cwd", Kind::Path, None, "\"agents\"", "process: where the command runs."),
    key(
        "agent[].env",
        Kind::Table,
        None,
        "{ LANG = \"C.UTF-8\" }",
        "process: variables of the command; values may be env:NAME or file:PATH. Of the gateway's \
         own it gets PATH, HOME, LANG and a few more.",
    ),
    key(
        "agent[].max_children",
        Kind::Integer,
        Some("64"),
        "8",
        "process: commands that run at once; further turns wait.",
    ),
    key(
        "agent[].actions",
        Kind::Boolean,
        Some("false"),
        "true",
        "process: does the command take action turns?",
    ),
    key(
        "agent[].timeouts.connect_ms",
        Kind::Integer,
        Some("5000"),
        "2000",
        "ai_sdk, openai: for each connection, TLS included, in ms.",
    ),
    key(
        "agent[].timeouts.first_byte_ms",
        Kind::Integer,
        Some("120000"),
        "30000",
        "ai_sdk, openai, process: until the answer's first byte, in ms.",
    ),
    key(
        "agent[].timeouts.idle_ms",
        Kind::Integer,
        Some("120000"),
        "60000",
        "ai_sdk, openai, process: between two bytes of the answer, in ms.",
    ),
    key(
        "agent[].timeouts.total_ms",
        Kind::Integer,
        Some("900000"),
        "600000",
        "ai_sdk, openai, process: for the whole answer, in ms.",
    ),
    key(
        "agent[].words_per_second",
        Kind::Integer,
        Some("20"),
        "100",
        "demo: pace of answers; 0 is as fast as possible.",
    ),
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
