//! Takes the tree apart and checks every value.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use tidegate_core::seams::store::Retention;
use tidegate_protocol::limits::AGENT_ID_MAX_CHARS;
use tidegate_transport::proxies::Proxies;
use toml::{Table, Value};

use tidegate_store::STORE_URLS;
use tidegate_store::redis::connect::{RedisUrl, UrlError};

use super::head_start::head_start;
use super::model::{
    AgentConfig, Config, Drain, EnvironmentConfig, LINK, Limits, LogConfig, LogFormat, RateLimit,
    ServerConfig, TlsFiles,
};
use super::problem::Problems;
use super::secret::Secret;
use super::section::Section;

const BESIDE_TLS: &str = "only makes sense beside [server.tls]";
const ENVIRONMENT_NAME_MAX_BYTES: usize = 64;

/// The configuration; worth nothing if `problems` were found.
pub(super) fn config(tree: Table, problems: &Problems) -> Config {
    let mut root = Section::root(tree, problems);
    let config = Config {
        server: server(root.section("server")),
        store_url: store_url(root.section("store")),
        environments: environments(&mut root),
        agents: agents(&mut root),
        retention: retention(root.section("retention")),
        limits: limits(root.section("limits")),
        log: log(root.section("log")),
        drain: drain(root.section("drain")),
    };
    root.finish();
    config
}

fn server(section: Option<Section<'_>>) -> ServerConfig {
    let mut server = ServerConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 8787)),
        listen_plain: None,
        public_url: None,
        s2_url: None,
        proxies: Proxies::default(),
        tls: None,
        http3: true,
        quic_secret: None,
    };
    let Some(mut section) = section else { return server };
    server.listen = section.parsed("listen", address).unwrap_or(server.listen);
    server.listen_plain = section.parsed("listen_plain", address);
    server.public_url = section.parsed("public_url", http_url);
    server.s2_url = section.parsed("s2_url", http_url);
    server.proxies = proxies(&mut section);
    if let Some(mut tls) = section.section("tls") {
        let (cert, key) = (tls.required("cert"), tls.required("key"));
        server.tls = cert
            .zip(key)
            .map(|(cert, key)| TlsFiles { cert: PathBuf::from(cert), key: PathBuf::from(key) });
        tls.finish();
    } else if server.listen_plain.is_some() {
        section.refuse("listen_plain", BESIDE_TLS);
    }
    http3(&mut section, &mut server);
    section.finish();
    server
}

fn http3(section: &mut Section<'_>, server: &mut ServerConfig) {
    server.http3 = section.boolean("http3").unwrap_or(server.http3);
    if let Some(mut quic) = section.section("quic") {
        server.quic_secret = quic.parsed("secret", Secret::resolve);
        if server.quic_secret.is_some() && server.tls.is_none() {
            quic.refuse("secret", BESIDE_TLS);
        }
        quic.finish();
    }
}

fn proxies(section: &mut Section<'_>) -> Proxies {
    let mut trusted = Vec::new();
    for (index, item) in section.list("trusted_proxies").unwrap_or_default().iter().enumerate() {
        let network = item.as_str().ok_or_else(|| "must be text".to_owned()).and_then(str::parse);
        match network {
            Ok(network) => trusted.push(network),
            Err(reason) => section.refuse(&format!("trusted_proxies[{index}]"), reason),
        }
    }
    let proxy_protocol = section.boolean("proxy_protocol").unwrap_or(false);
    if proxy_protocol && trusted.is_empty() {
        section.refuse("proxy_protocol", "needs trusted_proxies: only those are believed");
    }
    Proxies { trusted, proxy_protocol }
}

fn store_url(section: Option<Section<'_>>) -> String {
    const DEFAULT: &str = "disk:./data";
    let Some(mut section) = section else { return DEFAULT.to_owned() };
    let url = section.parsed("url", check_store_url);
    section.finish();
    url.unwrap_or_else(|| DEFAULT.to_owned())
}

fn check_store_url(url: &str) -> Result<String, String> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(url.to_owned()),
        Some(("disk", path)) if !path.is_empty() => Ok(url.to_owned()),
        Some(("disk", _)) => Err("`disk:` needs a path, as in `disk:./data`".to_owned()),
        Some((scheme, _)) if scheme.starts_with("redis") => match RedisUrl::parse(url) {
            Ok(_) => Ok(url.to_owned()),
            Err(UrlError::Scheme) => Err(format!("must be {STORE_URLS}")),
            Err(error) => Err(error.to_string()),
        },
        _ => Err(format!("must be {STORE_URLS}")),
    }
}

fn environments(root: &mut Section<'_>) -> Vec<EnvironmentConfig> {
    let mut environments: Vec<EnvironmentConfig> = Vec::new();
    let mut failed = false;
    for mut section in root.sections("environment") {
        let name = section.required("name");
        let keys = secret_keys(&mut section);
        if let Some(name) = &name {
            if let Err(reason) = check_environment_name(name) {
                section.refuse("name", reason);
            } else if environments.iter().any(|other| other.name == *name) {
                section.refuse("name", format!("another environment is called `{name}` already"));
            } else if let Some(other) = sharing(&environments, &keys) {
                let reason = format!("environment `{other}` has one of these keys already");
                section.refuse("secret_keys", reason);
            }
        }
        failed |= name.is_none();
        section.finish();
        environments.extend(name.map(|name| EnvironmentConfig { name, secret_keys: keys }));
    }
    if environments.is_empty() && !failed {
        root.refuse("environment", "at least one [[environment]] with a key is needed");
    }
    environments
}

/// A key belongs to one environment: it is what says which one a request is for.
fn sharing<'a>(others: &'a [EnvironmentConfig], keys: &[Secret]) -> Option<&'a str> {
    let shares = |other: &&EnvironmentConfig| keys.iter().any(|k| other.secret_keys.contains(k));
    others.iter().find(shares).map(|other| other.name.as_str())
}

fn check_environment_name(name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let length = 1..=ENVIRONMENT_NAME_MAX_BYTES;
    match length.contains(&name.len()) && name.bytes().all(fits) {
        true => Ok(()),
        false => Err("must be 1 to 64 of A-Z a-z 0-9 . _ -".to_owned()),
    }
}

fn secret_keys(section: &mut Section<'_>) -> Vec<Secret> {
    let list = section.list("secret_keys").unwrap_or_default();
    if list.is_empty() {
        section.refuse("secret_keys", "at least one key is needed; `tidegate keys new` makes one");
    }
    let mut keys = Vec::new();
    for (index, item) in list.iter().enumerate() {
        let key = match item {
            Value::String(text) => Secret::resolve(text),
            _ => Err("must be text".to_owned()),
        };
        match key {
            Ok(key) => keys.push(key),
            Err(reason) => section.refuse(&format!("secret_keys[{index}]"), reason),
        }
    }
    keys
}

fn agents(root: &mut Section<'_>) -> Vec<AgentConfig> {
    let mut agents: Vec<AgentConfig> = Vec::new();
    for mut section in root.sections("agent") {
        let id = section.required("id");
        let backend = section.required("backend");
        let stop_on_disconnect = section.boolean("stop_on_disconnect").unwrap_or(false);
        let Some((id, backend)) = id.zip(backend) else { continue };
        if id.is_empty() || id.chars().count() > AGENT_ID_MAX_CHARS {
            section.refuse("id", format!("must have 1 to {AGENT_ID_MAX_CHARS} characters"));
        } else if agents.iter().any(|other| other.id == id) {
            section.refuse("id", format!("another agent is called `{id}` already"));
        }
        let head_start = head_start(&mut section, &id, &backend);
        // The backend has its own keys; they are checked by building it.
        let path = section.at("");
        let problems = section.problems();
        let table = serde_json::to_value(section.rest()).unwrap_or_default();
        let path = path.trim_end_matches('.');
        if backend == LINK {
            // Everything else is said by the workers that register it.
            for key in table.as_object().into_iter().flat_map(|table| table.keys()) {
                problems.add(format!("{path}.{key}"), "is no key of the backend `link`".to_owned());
            }
        } else if let Err(error) = tidegate_agents::build(&backend, &id, table.clone()) {
            problems.add(path, error.to_string());
        }
        agents.push(AgentConfig { id, backend, stop_on_disconnect, table, head_start });
    }
    agents
}

fn retention(section: Option<Section<'_>>) -> Retention {
    let default = Retention::default();
    let Some(mut section) = section else { return default };
    let ms = |duration: Option<Duration>, otherwise| {
        duration.map_or(otherwise, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    };
    let retention = Retention {
        ttl_ms: ms(section.duration("ttl"), default.ttl_ms),
        records: section.count("records").unwrap_or(default.records),
        bytes: section.size("bytes").unwrap_or(default.bytes),
        closed_ttl_ms: ms(section.duration("closed_ttl"), default.closed_ttl_ms),
    };
    section.finish();
    retention
}

fn limits(section: Option<Section<'_>>) -> Limits {
    let mut limits = Limits { connections: 100_000, streams: 100_000, rate_limit: None };
    let Some(mut section) = section else { return limits };
    let number = |count: Option<u64>, otherwise| {
        count.map_or(otherwise, |count| usize::try_from(count).unwrap_or(usize::MAX))
    };
    limits.connections = number(section.count("connections"), limits.connections);
    limits.streams = number(section.count("streams"), limits.streams);
    if let Some(mut rate) = section.section("rate_limit") {
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let steady = rate.count("requests_per_second").map(small);
        let burst = rate.count("burst").map(small);
        match steady {
            Some(steady) => {
                let burst = burst.unwrap_or_else(|| steady.saturating_mul(2));
                limits.rate_limit = Some(RateLimit { requests_per_second: steady, burst });
            }
            None if burst.is_some() => rate.refuse("requests_per_second", "is missing"),
            None => {}
        }
        rate.finish();
    }
    section.finish();
    limits
}

fn log(section: Option<Section<'_>>) -> LogConfig {
    let mut log = LogConfig { format: LogFormat::Text, level: "info".to_owned() };
    let Some(mut section) = section else { return log };
    let format = |text: &str| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("must be text or json".to_owned()),
    };
    log.format = section.parsed("format", format).unwrap_or(log.format);
    log.level = section.parsed("level", check_level).unwrap_or(log.level);
    section.finish();
    log
}

fn check_level(text: &str) -> Result<String, String> {
    match text.parse::<tracing_subscriber::EnvFilter>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("is no log filter: {error}")),
    }
}

fn drain(section: Option<Section<'_>>) -> Drain {
    const DEFAULT: Drain = Drain {
        timeout: Duration::from_secs(25),
        delay: Duration::from_secs(3),
        spread: Duration::from_secs(5),
    };
    let Some(mut section) = section else { return DEFAULT };
    let timeout = section.duration("timeout").unwrap_or(DEFAULT.timeout);
    let (delay, spread) = (section.duration("delay"), section.duration("spread"));
    let drain = Drain {
        timeout,
        delay: delay.unwrap_or(DEFAULT.delay.min(timeout / 4)),
        spread: spread.unwrap_or(DEFAULT.spread.min(timeout / 2)),
    };
    if drain.delay.saturating_add(drain.spread) > timeout {
        let key = if spread.is_some() { "spread" } else { "delay" };
        section.refuse(key, "delay and spread together are longer than drain.timeout");
    }
    section.finish();
    drain
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found =
        text.to_socket_addrs().map_err(|error| format!("`{text}` is not HOST:PORT: {error}"))?;
    found.next().ok_or_else(|| format!("`{text}` names no address"))
}

fn http_url(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not an http or https URL");
    let uri: http::Uri = text.parse().map_err(|_| wrong())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(wrong()),
    }
}
