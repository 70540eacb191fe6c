//! A request for a WebTransport session: extended CONNECT (RFC 9220).

use h3::error::StreamError;
use h3::ext::Protocol;
use h3::quic::StreamId;
use http::{HeaderName, HeaderValue, Method, Request};

use super::body::Upload;
use super::response::Reply;
use crate::service::connection::Connection;
use crate::service::request_body::RequestBody;
use crate::webtransport::Offer;
use crate::webtransport::drive::{drive, part};
use crate::webtransport::hub::Place;

/// Which draft the answer follows; browsers look for it.
const DRAFT: HeaderName = HeaderName::from_static("sec-webtransport-http3-draft");
const DRAFT_02: HeaderValue = HeaderValue::from_static("draft02");

/// Does `request` ask for a session?
pub(super) fn is_asked_for(request: &Request<()>) -> bool {
    let protocol = request.extensions().get::<Protocol>();
    request.method() == Method::CONNECT && protocol == Some(&Protocol::WEB_TRANSPORT)
}

/// Who asks.
pub(super) struct Tunnel {
    pub(super) connection: Connection,
    pub(super) quic: quinn::Connection,
    pub(super) id: StreamId,
    pub(super) place: Place,
    pub(super) upload: Upload,
    pub(super) reply: Reply,
}

impl Tunnel {
    /// Asks the service, and serves the session if somebody took the offer.
    pub(super) async fn answer(mut self, mut request: Request<()>) -> Result<(), StreamError> {
        let offer = Offer::default();
        request.extensions_mut().insert(offer.clone());
        let request = request.map(|()| RequestBody::Nothing);
        let Some(answer) = self.reply.unless_gone(self.connection.answer(request)).await else {
            return Ok(());
        };
        let Ok(mut response) = answer;
        let serve = offer.taken().filter(|_| response.status().is_success());
        let Some(serve) = serve else { return self.reply.send(response, false).await };
        response.headers_mut().insert(DRAFT, DRAFT_02);
        // The body says that the connection is in use.
        let (parts, _held) = response.into_parts();
        if !self.reply.head(parts).await? {
            return Ok(());
        }
        let id = self.id.into_inner();
        let goodbye = drive(serve, self.quic, id, self.place, &mut self.upload).await;
        self.reply.last(goodbye.unwrap_or_default()).await?;
        part(&mut self.upload).await;
        Ok(())
    }
}
