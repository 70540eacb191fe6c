//! How a client is made.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rustls_pki_types::CertificateDer;
use tokio::sync::Semaphore;

use super::error::{Error, INVALID_CONFIG};
use super::http::Http;
#[cfg(feature = "http3")]
use super::http3::Http3;
use super::hub::Dialer;
use super::mode::Mode;
use super::session::Session;
use super::shared::{OUTBOX_MAX_BYTES, Shared};
use super::tokens::{Failure, Source, Tokens};
#[cfg(feature = "http3")]
use crate::net::Quic;
use crate::net::{Target, connector};

/// Metered bytes of a subscription that may wait for the application.
const WINDOW_BYTES: u64 = 256 * 1024;

/// A client of one gateway. Clones share its connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// What a [`Client`] is made from.
#[derive(Debug)]
pub struct Builder {
    url: String,
    source: Option<Source>,
    mode: Mode,
    window: u64,
    certificates: Vec<CertificateDer<'static>>,
}

impl Client {
    /// A client of the gateway at `url` (`http`, `https`, `ws` or `wss`).
    pub fn builder(url: &str) -> Builder {
        Builder {
            url: url.to_owned(),
            source: None,
            mode: Mode::Auto,
            window: WINDOW_BYTES,
            certificates: Vec::new(),
        }
    }

    /// The session `name`, in either form. Nothing is sent yet.
    pub fn session(&self, name: &str) -> Session {
        Session::new(Arc::clone(&self.shared), name)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("mode", &self.shared.mode).finish_non_exhaustive()
    }
}

impl Builder {
    /// One credential for every session: a secret key, or a token.
    pub fn token(mut self, token: &str) -> Self {
        self.source = Some(Source::Fixed(token.to_owned()));
        self
    }

    /// Credentials of each session by itself. `provide` is called with the session's name when a
    /// token is needed, before the one that there is ends, and once when it is refused; never
    /// twice at the same time for one session.
    pub fn token_provider<F>(
        mut self,
        provide: impl Fn(String) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<String, Failure>> + Send + 'static,
    {
        self.source = Some(Source::provider(provide));
        self
    }

    /// How subscriptions and appends travel; [`Mode::Auto`] if nothing is said.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Metered bytes of each subscription that may wait for the application, at least 1; 256 KiB
    /// if nothing is said. One batch of the gateway's may go beyond it.
    pub fn window(mut self, bytes: u64) -> Self {
        self.window = bytes.max(1);
        self
    }

    /// Trusts the certificate `der`, too, besides those of the system.
    pub fn root_certificate(mut self, der: Vec<u8>) -> Self {
        self.certificates.push(der.into());
        self
    }

    /// Errors: `invalid_config` for a URL, a certificate or a token that can't be used, and for a
    /// mode that the URL does not go with.
    pub fn build(self) -> Result<Client, Error> {
        let bad = |why: String| Error::new(INVALID_CONFIG, why, false);
        let target = Target::parse(&self.url);
        let target = target.ok_or_else(|| bad(format!("{:?} is not a gateway's URL", self.url)))?;
        let source = self.source.ok_or_else(|| bad("there is no token".to_owned()))?;
        if let Source::Fixed(token) = &source
            && http::HeaderValue::try_from(token.as_str()).is_err()
        {
            return Err(bad("the token is not text".to_owned()));
        }
        let target = Arc::new(target);
        let tls = |alpn: &[&[u8]]| {
            let connector = || connector(alpn, &self.certificates).map_err(bad);
            target.secure.then(connector).transpose()
        };
        let http = Http::new(Arc::clone(&target), tls(&[b"h2", b"http/1.1"])?);
        #[cfg(feature = "http3")]
        let http = {
            if self.mode == Mode::Http3 && !target.secure {
                return Err(bad("HTTP/3 needs an https URL".to_owned()));
            }
            let quic = || Quic::new(Arc::clone(&target), &self.certificates).map_err(bad);
            let quic = target.secure.then(quic).transpose()?;
            http.with_http3(quic.map(Http3::new))
        };
        let dialer = Dialer::new(Arc::clone(&target), tls(&[b"http/1.1"])?);
        let shared = Shared {
            http,
            tokens: Arc::new(Tokens::new(source)),
            mode: self.mode,
            window: self.window,
            outbox: Semaphore::new(OUTBOX_MAX_BYTES),
            orders: Mutex::default(),
            dialer: Arc::new(dialer),
            hub: OnceLock::new(),
        };
        Ok(Client { shared: Arc::new(shared) })
    }
}
