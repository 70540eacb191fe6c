//! One request: its head, the service, the answer.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use h3::error::{Code, StreamError};
use h3::proto::frame::Frame;
use h3::quic::{RecvStream, SendStream};
use h3::server::RequestResolver;
use http::{Method, Request};
use tokio::time::timeout;
use tracing::debug;

use super::body::Upload;
use super::response::Reply;
use super::tunnel::{self, Tunnel};
use super::wire::{Allowance, Gone, Wire};
use crate::config::Limits;
use crate::service::Response;
use crate::service::connection::Connection;
use crate::service::request_body::RequestBody;
use crate::webtransport::hub::{Hub, Incoming};

/// A request whose head was not read yet.
pub(super) struct Exchange {
    pub(super) resolver: RequestResolver<Wire, Bytes>,
    pub(super) allowance: Allowance,
    pub(super) gone: Gone,
    pub(super) connection: Connection,
    pub(super) quic: quinn::Connection,
    pub(super) hub: Arc<Hub>,
    pub(super) limits: Limits,
}

/// What is left to do once a request was looked at.
enum Rest {
    Nothing,
    Send { reply: Box<Reply>, response: Response, is_head: bool },
    Serve(Box<Tunnel>, Box<Request<()>>),
}

impl Exchange {
    /// To its end; whatever goes wrong concerns this stream alone.
    pub(super) async fn run(self: Box<Self>) {
        // Boxed: of what only the begin needs, a long answer holds nothing.
        let done = match Box::pin(self.begin()).await {
            Ok(Rest::Nothing) => Ok(()),
            Ok(Rest::Send { reply, response, is_head }) => reply.send(response, is_head).await,
            Ok(Rest::Serve(tunnel, request)) => tunnel.answer(request).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            debug!(%error, "a request over HTTP/3 ended");
        }
    }

    async fn begin(mut self: Box<Self>) -> Result<Rest, StreamError> {
        let frames = &mut self.resolver.frame_stream;
        let head = poll_fn(|cx| frames.poll_next(cx));
        let Ok(head) = timeout(self.limits.idle_timeout, head).await else {
            frames.stream.stop_sending(Code::H3_REQUEST_INCOMPLETE.value());
            frames.reset(Code::H3_REQUEST_INCOMPLETE.value());
            return Ok(Rest::Nothing);
        };
        if let Ok(Some(Frame::WebTransportStream(session))) = head {
            let stream = self.resolver.frame_stream.into_inner();
            let first = Incoming { stream, allowance: self.allowance };
            self.hub.take(session, Box::new(first));
            return Ok(Rest::Nothing);
        }
        let (request, stream) = self.resolver.accept_with_frame(head)?.resolve().await?;
        self.allowance.renew();
        let is_head = request.method() == Method::HEAD;
        let id = stream.send_id().into_inner();
        let (send, receive) = stream.split();
        let mut reply = Box::new(Reply::new(send, self.gone, self.limits.write_stall));
        let upload = Upload::new(receive, self.allowance);
        if tunnel::is_asked_for(&request) {
            let Some(place) = self.hub.begin(id) else {
                reply.refuse();
                return Ok(Rest::Nothing);
            };
            let (connection, quic) = (self.connection, self.quic);
            let tunnel = Tunnel { connection, quic, id, place, upload, reply };
            return Ok(Rest::Serve(Box::new(tunnel), Box::new(request)));
        }
        let upload = upload.of(request.headers());
        let request = request.map(|()| RequestBody::Quic(Box::new(upload)));
        Ok(match reply.unless_gone(self.connection.answer(request)).await {
            Some(Ok(response)) => Rest::Send { reply, response, is_head },
            None => Rest::Nothing,
        })
    }
}
