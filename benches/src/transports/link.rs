//! One connection over any transport.

use std::fmt;
use std::io;
use std::rc::Rc;

use quinn::Connection;

use super::duplex::Duplex;
use super::http::Http;
use super::http3::Http3;
use super::session::Session;
use super::socket::Socket;
use super::subs::Subs;
use super::wire::Counter;
use super::{Site, Tally, Via};

/// An open connection; it is closed when it is dropped.
pub struct Link(Kind);

enum Kind {
    Http(Http),
    Http3(Http3),
    Duplex(Duplex, Received),
}

enum Received {
    Tcp(Counter),
    Quic(Connection),
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("received", &self.received_bytes()).finish()
    }
}

impl Link {
    /// Returns once requests can be sent. What goes wrong later goes to `tally`.
    pub async fn open(site: &Site, via: Via, tally: &Rc<Tally>) -> io::Result<Self> {
        let subs = Rc::new(Subs::new(tally));
        Ok(Self(match via {
            Via::Sse1 => Kind::Http(Http::plain(site, tally).await?),
            Via::Sse2 => Kind::Http(Http::secure(site, tally).await?),
            Via::Sse3 => Kind::Http3(Http3::open(site, tally).await?),
            Via::Socket => {
                let (stream, received) = site.tcp().await?;
                let pipe = Socket::open(stream).await?;
                Kind::Duplex(Duplex::over(pipe, &subs, tally), Received::Tcp(received))
            }
            Via::SecureSocket => {
                let (stream, received) = site.tls1().await?;
                let pipe = Socket::open(stream).await?;
                Kind::Duplex(Duplex::over(pipe, &subs, tally), Received::Tcp(received))
            }
            Via::Session => {
                let quic = site.quic().await?;
                let pipe = Session::open(quic.clone(), &subs, tally).await?;
                Kind::Duplex(Duplex::over(pipe, &subs, tally), Received::Quic(quic))
            }
        }))
    }

    /// Follows the `.out` of the session `name`, whose records carry the number `session`, from
    /// its record `first`; 0 is its start, without a cursor.
    pub async fn follow(&mut self, session: u32, name: &str, first: u32) -> io::Result<()> {
        let path = || format!("/realtime/v1/sessions/{name}/out");
        match &mut self.0 {
            Kind::Http(http) => http.follow(session, &path(), first).await,
            Kind::Http3(http) => http.follow(session, &path(), first).await,
            Kind::Duplex(duplex, _) => duplex.follow(session, name, first).await,
        }
    }

    /// Waits until nothing is left that only the first read has to do; once, before it.
    pub async fn warm(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Http(http) => http.warm().await,
            Kind::Http3(http) => http.warm().await,
            Kind::Duplex(duplex, _) => {
                duplex.warm().await;
                Ok(())
            }
        }
    }

    /// Bytes that came so far: of TCP streams, TLS included; of UDP, what datagrams carried.
    pub fn received_bytes(&self) -> u64 {
        match &self.0 {
            Kind::Http(http) => http.received.get(),
            Kind::Http3(http) => http.quic.stats().udp_rx.bytes,
            Kind::Duplex(_, Received::Tcp(received)) => received.get(),
            Kind::Duplex(_, Received::Quic(quic)) => quic.stats().udp_rx.bytes,
        }
    }
}
