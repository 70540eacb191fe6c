//! Credentials: one for everything, or one for each session that a provider gives.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

use super::error::{Error, TOKEN_UNAVAILABLE};

/// Sessions whose tokens are remembered before unused ones are forgotten.
const REMEMBERED: usize = 1_024;

type Provided = Pin<Box<dyn Future<Output = Result<String, Failure>> + Send>>;
/// Why a provider has no token.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where credentials come from.
#[derive(Clone)]
pub(crate) enum Source {
    Fixed(String),
    Provider(Arc<dyn Fn(String) -> Provided + Send + Sync>),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tokens {
    source: Source,
    cells: Mutex<HashMap<String, Cell>>,
}

/// Locked while the provider is asked, so that it is asked once.
type Cell = Arc<tokio::sync::Mutex<Option<Held>>>;

#[derive(Debug)]
struct Held {
    token: String,
    until: Option<Instant>,
}

impl Source {
    pub(crate) fn provider<F>(provide: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, Failure>> + Send + 'static,
    {
        Self::Provider(Arc::new(move |session| Box::pin(provide(session))))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fixed(_) => "Fixed",
            Self::Provider(_) => "Provider",
        })
    }
}

impl Tokens {
    pub(crate) fn new(source: Source) -> Self {
        Self { source, cells: Mutex::default() }
    }

    /// The credential of every session, if there is one.
    pub(crate) fn fixed(&self) -> Option<&str> {
        match &self.source {
            Source::Fixed(token) => Some(token),
            Source::Provider(_) => None,
        }
    }

    /// A token of `session` that is good for a while.
    pub(crate) async fn get(&self, session: &str) -> Result<String, Error> {
        self.other_than(session, None).await
    }

    /// Another one than `stale`, which was refused with `refusal`.
    pub(crate) async fn fresh(
        &self,
        session: &str,
        stale: &str,
        refusal: Error,
    ) -> Result<String, Error> {
        if self.fixed().is_some() {
            return Err(refusal);
        }
        self.other_than(session, Some(stale)).await
    }

    /// A token of `session`, another one than `stale`.
    pub(crate) async fn other_than(
        &self,
        session: &str,
        stale: Option<&str>,
    ) -> Result<String, Error> {
        let provide = match &self.source {
            Source::Fixed(token) => return Ok(token.clone()),
            Source::Provider(provide) => provide,
        };
        let cell = self.cell(session);
        let mut held = cell.lock().await;
        if let Some(held) = &*held
            && stale != Some(&held.token)
            && held.until.is_none_or(|until| Instant::now() < until)
        {
            return Ok(held.token.clone());
        }
        let token = provide(session.to_owned()).await;
        let token =
            token.map_err(|error| Error::new(TOKEN_UNAVAILABLE, error.to_string(), true))?;
        let until = lifetime(&token).map(|lifetime| Instant::now() + lifetime * 4 / 5);
        *held = Some(Held { token: token.clone(), until });
        Ok(token)
    }

    fn cell(&self, session: &str) -> Cell {
        let mut cells = self.cells.lock();
        if cells.len() > REMEMBERED {
            cells.retain(|_, cell| Arc::strong_count(cell) > 1);
        }
        Arc::clone(cells.entry(session.to_owned()).or_default())
    }
}

/// How long a token lives from when it was made, if it says so. Its signature is the gateway's
/// business.
fn lifetime(token: &str) -> Option<Duration> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let seconds = |name: &str| claims[name].as_u64();
    Some(Duration::from_secs(seconds("exp")?.saturating_sub(seconds("iat")?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn counting(lifetime: Option<u64>) -> (Tokens, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let asked = Arc::clone(&count);
        let source = Source::provider(move |session| {
            let n = asked.fetch_add(1, Ordering::SeqCst);
            async move {
                tokio::task::yield_now().await;
                let claims = serde_json::json!({"iat": 10, "exp": lifetime.map(|l| 10 + l)});
                let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
                Ok(format!("{session}{n}.{claims}.x"))
            }
        });
        (Tokens::new(source), count)
    }

    #[tokio::test]
    async fn asks_once_for_many_and_again_for_what_is_refused() {
        let (tokens, count) = counting(None);
        let (a, b) = tokio::join!(tokens.get("s"), tokens.get("s"));
        assert_eq!(a, b);
        let stale = a.expect("a token");
        let refusal = Error::invalid("x");
        let (a, b) = tokio::join!(
            tokens.fresh("s", &stale, refusal.clone()),
            tokens.fresh("s", &stale, refusal)
        );
        assert_eq!(a, b);
        assert_ne!(a.expect("a token"), stale);
        assert_eq!(count.load(Ordering::SeqCst), 2);
        tokens.get("other").await.expect("a token");
        assert_eq!(count.load(Ordering::SeqCst), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn asks_before_it_ends() {
        let (tokens, count) = counting(Some(100));
        tokens.get("s").await.expect("a token");
        tokio::time::advance(Duration::from_secs(79)).await;
        tokens.get("s").await.expect("a token");
        assert_eq!(count.load(Ordering::SeqCst), 1);
        tokio::time::advance(Duration::from_secs(2)).await;
        tokens.get("s").await.expect("a token");
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}
