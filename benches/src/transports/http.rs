//! SSE over HTTP/1.1 and HTTP/2.

use std::io;
use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::HOST};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;

use super::Tally;
use super::feed::Feed;
use super::request;
use super::site::{ORIGIN, Site};
use super::task::Task;
use super::wire::Counter;

/// What a stream, and a connection, may be sent ahead, so that the window is no figure.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// One connection.
#[derive(Debug)]
pub(super) struct Http {
    sender: Sender,
    pub(super) received: Counter,
    tally: Rc<Tally>,
    reads: Vec<Task>,
    _driver: Task,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>, HeaderValue),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Http {
    pub(super) async fn plain(site: &Site, tally: &Rc<Tally>) -> io::Result<Self> {
        let (stream, received) = site.tcp().await?;
        let opened = http1::handshake(TokioIo::new(stream)).await;
        let (sender, driver) = opened.map_err(io::Error::other)?;
        let host = HeaderValue::try_from(site.plain.to_string()).map_err(io::Error::other)?;
        let sender = Sender::Http1(sender, host);
        Ok(Self::over(sender, received, tally, async { _ = driver.await }))
    }

    pub(super) async fn secure(site: &Site, tally: &Rc<Tally>) -> io::Result<Self> {
        let (stream, received) = site.tls2().await?;
        let opened = http2::Builder::new(Local)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, driver) = opened.map_err(io::Error::other)?;
        Ok(Self::over(Sender::Http2(sender), received, tally, async { _ = driver.await }))
    }

    /// How a connection ends shows where it is read from.
    fn over(
        sender: Sender,
        received: Counter,
        tally: &Rc<Tally>,
        driver: impl Future<Output = ()> + 'static,
    ) -> Self {
        let _driver = Task::spawn(driver);
        Self { sender, received, tally: tally.clone(), reads: Vec::new(), _driver }
    }

    /// Returns when the answer has begun.
    pub(super) async fn follow(&mut self, session: u32, path: &str, first: u32) -> io::Result<()> {
        let request = request::follow(self.origin(), path, first)?;
        let mut body = self.ask(request).await?.into_body();
        let mut feed = Feed::new(&self.tally, session, first);
        self.reads.push(Task::fallible(&self.tally, async move {
            while let Some(frame) = body.frame().await {
                if let Some(data) = frame.map_err(io::Error::other)?.data_ref() {
                    feed.push(data);
                }
            }
            Err(io::Error::other("a followed stream ended"))
        }));
        Ok(())
    }

    /// One request, so that the next one finds everything in place.
    pub(super) async fn warm(&mut self) -> io::Result<()> {
        let request = request::live(self.origin())?;
        let body = self.ask(request).await?.into_body();
        body.collect().await.map(drop).map_err(io::Error::other)
    }

    fn origin(&self) -> &'static str {
        match self.sender {
            Sender::Http1(..) => "",
            Sender::Http2(_) => ORIGIN,
        }
    }

    async fn ask(&mut self, request: Request<()>) -> io::Result<Response<Incoming>> {
        let mut request = request.map(|()| Empty::new());
        let response = match &mut self.sender {
            Sender::Http1(sender, host) => {
                request.headers_mut().insert(HOST, host.clone());
                sender.ready().await.map_err(io::Error::other)?;
                sender.send_request(request).await
            }
            Sender::Http2(sender) => {
                sender.ready().await.map_err(io::Error::other)?;
                sender.send_request(request).await
            }
        };
        let response = response.map_err(io::Error::other)?;
        request::accept(response.status())?;
        Ok(response)
    }
}

/// Runs what a connection needs on this thread.
#[derive(Clone, Copy, Debug)]
struct Local;

impl<F: Future + 'static> Executor<F> for Local {
    fn execute(&self, work: F) {
        tokio::task::spawn_local(async { _ = work.await });
    }
}
