//! SSE over HTTP/3.

use std::future::poll_fn;
use std::io;
use std::rc::Rc;

use bytes::{Buf, Bytes};
use h3::client::{RequestStream, SendRequest};
use h3_quinn::{BidiStream, OpenStreams};
use http::Request;
use quinn::Connection;

use super::Tally;
use super::feed::Feed;
use super::request;
use super::site::{ORIGIN, Site};
use super::task::Task;

/// One connection.
pub(super) struct Http3 {
    pub(super) quic: Connection,
    sender: SendRequest<OpenStreams, Bytes>,
    tally: Rc<Tally>,
    reads: Vec<Task>,
    _driver: Task,
}

impl Http3 {
    pub(super) async fn open(site: &Site, tally: &Rc<Tally>) -> io::Result<Self> {
        let quic = site.quic().await?;
        let connection = h3_quinn::Connection::new(quic.clone());
        let opened = h3::client::builder().send_grease(false).build(connection).await;
        let (mut driver, sender) = opened.map_err(io::Error::other)?;
        // How the connection ends shows where it is read from.
        let _driver = Task::spawn(async move { _ = poll_fn(|cx| driver.poll_close(cx)).await });
        Ok(Self { quic, sender, tally: tally.clone(), reads: Vec::new(), _driver })
    }

    /// Returns when the answer has begun.
    pub(super) async fn follow(&mut self, session: u32, path: &str, first: u32) -> io::Result<()> {
        let mut stream = self.ask(request::follow(ORIGIN, path, first)?).await?;
        let mut feed = Feed::new(&self.tally, session, first);
        self.reads.push(Task::fallible(&self.tally, async move {
            while let Some(mut data) = stream.recv_data().await.map_err(io::Error::other)? {
                while data.has_remaining() {
                    let length = data.chunk().len();
                    feed.push(data.chunk());
                    data.advance(length);
                }
            }
            Err(io::Error::other("a followed stream ended"))
        }));
        Ok(())
    }

    /// One request, so that the next one finds everything in place.
    pub(super) async fn warm(&mut self) -> io::Result<()> {
        let mut stream = self.ask(request::live(ORIGIN)?).await?;
        while stream.recv_data().await.map_err(io::Error::other)?.is_some() {}
        Ok(())
    }

    async fn ask(
        &mut self,
        request: Request<()>,
    ) -> io::Result<RequestStream<BidiStream<Bytes>, Bytes>> {
        let mut stream = self.sender.send_request(request).await.map_err(io::Error::other)?;
        stream.finish().await.map_err(io::Error::other)?;
        let answer = stream.recv_response().await.map_err(io::Error::other)?;
        request::accept(answer.status())?;
        Ok(stream)
    }
}

impl Drop for Http3 {
    fn drop(&mut self) {
        self.quic.close(0_u32.into(), b"");
    }
}
