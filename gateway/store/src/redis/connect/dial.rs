//! Opens one connection to one server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    ProtocolVersion, PushInfo, PushKind, RedisConnectionInfo, RedisError, TlsCertificates, Value,
};
use tidegate_protocol::limits::{REDIS_CONNECT_TIMEOUT_MS, REDIS_IN_FLIGHT_MAX};
use tokio::sync::Notify;

use super::error::ConnectError;
use super::url::{Address, RedisUrl};

/// How to connect: what all servers of a store have in common.
#[derive(Clone)]
pub(super) struct Dialer {
    settings: RedisConnectionInfo,
    db: u32,
    tls: Option<TlsCertificates>,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer").field("db", &self.db).finish_non_exhaustive()
    }
}

/// Raised once a connection is over.
#[derive(Debug, Default)]
pub(super) struct Ended {
    over: AtomicBool,
    notify: Notify,
}

impl Ended {
    pub(super) fn raise(&self) {
        self.over.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    pub(super) fn is_raised(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    pub(super) async fn wait(&self) {
        let mut notified = std::pin::pin!(self.notify.notified());
        notified.as_mut().enable();
        if !self.is_raised() {
            notified.await;
        }
    }
}

/// A connection, and the flag that says when it ended.
pub(super) type Line = (MultiplexedConnection, Arc<Ended>);

impl Dialer {
    pub(super) fn new(url: &RedisUrl) -> Result<Self, ConnectError> {
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(i64::from(url.db))
            .set_lib_name("tidegate", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &url.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &url.password {
            settings = settings.set_password(password.reveal());
        }
        let root_cert = url.ca.as_ref().map(std::fs::read).transpose();
        let root_cert = root_cert.map_err(|error| ConnectError::Certificates(error.to_string()))?;
        let tls = url.tls.then_some(TlsCertificates { client_tls: None, root_cert });
        Ok(Self { settings, db: url.db, tls })
    }

    /// A dialer for Sentinels: they have no databases, and no user of the store's servers.
    pub(super) fn for_sentinels(&self) -> Self {
        let settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        Self { settings, db: 0, tls: self.tls.clone() }
    }

    /// Connects. `pushed` hears of what the server sends by itself; it must not block.
    pub(super) async fn dial(
        &self,
        address: &Address,
        pushed: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> Result<Line, ConnectError> {
        let ended = Arc::new(Ended::default());
        let raise = Arc::clone(&ended);
        let connect = Duration::from_millis(REDIS_CONNECT_TIMEOUT_MS);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect))
            .set_response_timeout(None)
            .set_pipeline_buffer_size(PIPELINE)
            .set_write_backpressure_boundary(WRITE_BYTES)
            .set_push_sender(move |info: PushInfo| {
                if info.kind == PushKind::Disconnection {
                    raise.raise();
                }
                pushed(info);
                Ok::<(), ()>(())
            });
        let failed = |error: RedisError| self.explain(address, &error);
        let client = self.client(address).map_err(failed)?;
        let dialled = client.get_multiplexed_async_connection_with_config(&config);
        // The library's own limit does not cover name resolution and TLS alike.
        let connection = tokio::time::timeout(connect, dialled)
            .await
            .map_err(|_| unreachable(address, "timed out"))?
            .map_err(failed)?;
        Ok((connection, ended))
    }

    fn client(&self, address: &Address) -> Result<Client, RedisError> {
        let (host, port) = (address.host.clone(), address.port);
        let plain = ConnectionAddr::Tcp(host.clone(), port);
        let secured = || ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
        let addr = if self.tls.is_some() { secured() } else { plain };
        let info: ConnectionInfo = addr
            .into_connection_info()?
            .set_redis_settings(self.settings.clone())
            .set_tcp_settings(TcpSettings::default().set_nodelay(true));
        match &self.tls {
            Some(certificates) => Client::build_with_tls(info, certificates.clone()),
            None => Client::open(info),
        }
    }

    /// What a failed connection attempt means.
    pub(super) fn explain(&self, address: &Address, error: &RedisError) -> ConnectError {
        let server = address.to_string();
        let text = error.to_string();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if error.code() == Some("NOPERM") {
            return ConnectError::Permission { server, reason: text };
        }
        if error.kind() == ErrorKind::AuthenticationFailed
            || says(&["WRONGPASS", "NOAUTH", "AUTH failed", "without any password"])
        {
            return ConnectError::Credentials { server, reason: text };
        }
        if says(&["DB index", "switch database"]) {
            return ConnectError::Database { server, db: self.db };
        }
        ConnectError::Unreachable { server, reason: text }
    }
}

/// Commands that the library may hold before it writes them.
const PIPELINE: usize = REDIS_IN_FLIGHT_MAX;
/// Bytes that it collects from commands that are there, before it writes.
const WRITE_BYTES: usize = 256 * 1024;

pub(super) fn unreachable(address: &Address, reason: &str) -> ConnectError {
    ConnectError::Unreachable { server: address.to_string(), reason: reason.to_owned() }
}

/// Sends one command; a server's error is an error.
pub(super) async fn ask(
    connection: &MultiplexedConnection,
    cmd: &redis::Cmd,
    timeout: Duration,
) -> Result<Value, RedisError> {
    let mut connection = connection.clone();
    match tokio::time::timeout(timeout, connection.send_packed_command(cmd)).await {
        Ok(reply) => reply?.extract_error(),
        Err(_) => Err(RedisError::from((ErrorKind::Io, "the server does not answer"))),
    }
}
