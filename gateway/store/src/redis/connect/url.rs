//! Addresses of Redis and Valkey: one server, Sentinel, Cluster.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::percent::decode;

/// Where one server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Name or address; of IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How the primary is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is this one.
    Single(Address),
    /// Sentinels know it.
    Sentinel {
        /// Any of them.
        sentinels: Vec<Address>,
        /// What they call the primary.
        service: String,
    },
    /// There are several, each with its slots.
    Cluster(Vec<Address>),
}

/// A password that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The password.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How many replicas must have a write before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Replicas.
    pub replicas: u32,
    /// How long they may take.
    pub timeout: Duration,
}

/// A parsed store URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisUrl {
    /// How the primary is found.
    pub mode: Mode,
    /// ACL user.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// Database; 0 in a Cluster.
    pub db: u32,
    /// TLS.
    pub tls: bool,
    /// Certificates to trust in place of the system's, as PEM.
    pub ca: Option<PathBuf>,
    /// `wait` and `wait_timeout_ms`.
    pub wait: Option<Wait>,
}

/// Why a URL was refused. Never says what its credentials are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not one of the four schemes.
    #[error("not `redis:`, `rediss:`, `redis-sentinel:` or `redis-cluster:`")]
    Scheme,
    /// A host is missing or a port is no number.
    #[error("`{0}` is not `host:port`")]
    Address(String),
    /// The database is no number, or a Cluster got one.
    #[error("`{0}` is not a database here")]
    Database(String),
    /// `redis-sentinel:` without the name of the service.
    #[error("a Sentinel URL ends in `/service` or `/service/db`")]
    Service,
    /// A query key that is not known.
    #[error("`{0}` is not a known parameter: use `wait`, `wait_timeout_ms`, `tls` or `ca`")]
    UnknownKey(String),
    /// A value that does not fit its key.
    #[error("the value of `{0}` is not valid")]
    Value(String),
    /// Broken percent-encoding in the credentials.
    #[error("the credentials are not percent-encoded UTF-8")]
    Credentials,
}

const DEFAULT_PORT: u16 = 6379;
const DEFAULT_SENTINEL_PORT: u16 = 26379;
const DEFAULT_WAIT_TIMEOUT: Duration = Duration::from_millis(1_000);

impl RedisUrl {
    /// Parses `scheme://[user:password@]hosts[/path][?query]`.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = url.split_once("://").ok_or(UrlError::Scheme)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (Some(credentials), rest),
            None => (None, rest),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (mode, db, tls) = mode(scheme, hosts, path)?;
        let (user, password) = credentials.map_or(Ok((None, None)), parse_credentials)?;
        let mut parsed = Self { mode, user, password, db, tls, ca: None, wait: None };
        parsed.apply(query)?;
        Ok(parsed)
    }

    fn apply(&mut self, query: &str) -> Result<(), UrlError> {
        let mut timeout = DEFAULT_WAIT_TIMEOUT;
        let mut replicas = 0;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let bad = || UrlError::Value(key.to_owned());
            match key {
                "wait" => replicas = value.parse().map_err(|_| bad())?,
                "wait_timeout_ms" => {
                    let ms: u32 = value.parse().map_err(|_| bad())?;
                    if ms == 0 {
                        return Err(bad());
                    }
                    timeout = Duration::from_millis(ms.into());
                }
                "tls" => self.tls = value.parse().map_err(|_| bad())?,
                "ca" => self.ca = Some(decode(value).ok_or_else(bad)?.into()),
                _ => return Err(UrlError::UnknownKey(key.to_owned())),
            }
        }
        self.wait = (replicas > 0).then_some(Wait { replicas, timeout });
        Ok(())
    }
}

fn mode(scheme: &str, hosts: &str, path: &str) -> Result<(Mode, u32, bool), UrlError> {
    match scheme {
        "redis" | "rediss" => {
            let address = parse_address(hosts, DEFAULT_PORT)?;
            Ok((Mode::Single(address), parse_db(path)?, scheme == "rediss"))
        }
        "redis-sentinel" => {
            let sentinels = parse_addresses(hosts, DEFAULT_SENTINEL_PORT)?;
            let (service, db) = path.split_once('/').unwrap_or((path, ""));
            if service.is_empty() {
                return Err(UrlError::Service);
            }
            let service = service.to_owned();
            Ok((Mode::Sentinel { sentinels, service }, parse_db(db)?, false))
        }
        "redis-cluster" => {
            if !path.is_empty() && path != "0" {
                return Err(UrlError::Database(path.to_owned()));
            }
            Ok((Mode::Cluster(parse_addresses(hosts, DEFAULT_PORT)?), 0, false))
        }
        _ => Err(UrlError::Scheme),
    }
}

fn parse_credentials(text: &str) -> Result<(Option<String>, Option<Secret>), UrlError> {
    let part = |text: &str| decode(text).ok_or(UrlError::Credentials);
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let user = part(user)?;
    let password = part(password)?;
    Ok(((!user.is_empty()).then_some(user), (!password.is_empty()).then_some(Secret(password))))
}

fn parse_addresses(hosts: &str, default: u16) -> Result<Vec<Address>, UrlError> {
    hosts.split(',').map(|host| parse_address(host, default)).collect()
}

fn parse_address(text: &str, default: u16) -> Result<Address, UrlError> {
    let bad = || UrlError::Address(text.to_owned());
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(bad)?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| bad())?,
        None if port.is_empty() => default,
        None => return Err(bad()),
    };
    if host.is_empty() {
        return Err(bad());
    }
    Ok(Address { host: host.to_owned(), port })
}

fn parse_db(text: &str) -> Result<u32, UrlError> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| UrlError::Database(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, port: u16) -> Address {
        Address { host: host.to_owned(), port }
    }

    #[test]
    fn the_four_schemes() {
        let plain = RedisUrl::parse("redis://localhost").unwrap();
        assert_eq!(plain.mode, Mode::Single(address("localhost", 6379)));
        assert!(!plain.tls && plain.db == 0 && plain.user.is_none() && plain.wait.is_none());
        let tls = RedisUrl::parse("rediss://u:p%40ss@[::1]:7/3").unwrap();
        assert_eq!(tls.mode, Mode::Single(address("::1", 7)));
        assert_eq!((tls.tls, tls.db, tls.user.as_deref()), (true, 3, Some("u")));
        assert_eq!(tls.password.unwrap().reveal(), "p@ss");
        let sentinel = RedisUrl::parse("redis-sentinel://a:1,b/main/2?wait=1").unwrap();
        let sentinels = vec![address("a", 1), address("b", 26379)];
        assert_eq!(sentinel.mode, Mode::Sentinel { sentinels, service: "main".to_owned() });
        let wait = Wait { replicas: 1, timeout: Duration::from_secs(1) };
        assert_eq!((sentinel.db, sentinel.wait), (2, Some(wait)));
        let cluster = RedisUrl::parse("redis-cluster://:pw@a:1,b:2?tls=true").unwrap();
        assert_eq!(cluster.mode, Mode::Cluster(vec![address("a", 1), address("b", 2)]));
        assert!(cluster.tls && cluster.user.is_none() && cluster.password.is_some());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refused = |url: &str| RedisUrl::parse(url).unwrap_err();
        assert_eq!(refused("http://a"), UrlError::Scheme);
        assert_eq!(refused("redis://"), UrlError::Address(String::new()));
        assert_eq!(refused("redis://a:b"), UrlError::Address("a:b".to_owned()));
        assert_eq!(refused("redis://a/x"), UrlError::Database("x".to_owned()));
        assert_eq!(refused("redis-cluster://a/1"), UrlError::Database("1".to_owned()));
        assert_eq!(refused("redis-sentinel://a"), UrlError::Service);
        assert_eq!(refused("redis://a?pool=3"), UrlError::UnknownKey("pool".to_owned()));
        assert_eq!(refused("redis://a?wait=x"), UrlError::Value("wait".to_owned()));
        assert_eq!(refused("redis://u:%zz@a"), UrlError::Credentials);
    }

    #[test]
    fn secrets_are_not_shown() {
        let url = RedisUrl::parse("redis://u:hunter2@a").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
        let error = RedisUrl::parse("redis://u:hunter2@a:b").unwrap_err();
        assert!(
            !error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2")
        );
    }
}
