//! A request for a WebTransport session: extended CONNECT (RFC 9220).

use h3::error::StreamError;
use h3::ext::Protocol;
use http::{HeaderName, HeaderValue, Method, Request};

use super::body::Upload;
use super::response::Reply;
use crate::body::Body;
use crate::service::connection::Connection;
use crate::service::request_body::RequestBody;
use crate::webtransport::Offer;
use crate::webtransport::drive::{drive, part};
use crate::webtransport::hub::Place;
use crate::webtransport::offer::Serve;

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
    pub(super) id: u64,
    pub(super) place: Place,
    pub(super) upload: Upload,
    pub(super) reply: Reply,
}

impl Tunnel {
    /// Asks the service, and serves the session if somebody took the offer.
    pub(super) async fn answer(self, request: Request<()>) -> Result<(), StreamError> {
        // Boxed: of what its begin and its end need, a session holds nothing.
        let Some(open) = Box::pin(self.begin(request)).await? else { return Ok(()) };
        let Open { serve, tunnel, _held } = open;
        let Self { quic, id, place, mut upload, reply, .. } = *tunnel;
        let goodbye = drive(serve, quic, id, place, &mut upload).await;
        let ending = async {
            reply.last(goodbye.unwrap_or_default()).await?;
            part(&mut upload).await;
            Ok(())
        };
        Box::pin(ending).await
    }

    /// What goes on once the head of the answer is sent, if it is that of a session.
    async fn begin(mut self, mut request: Request<()>) -> Result<Option<Open>, StreamError> {
        let offer = Offer::default();
        request.extensions_mut().insert(offer.clone());
        let request = request.map(|()| RequestBody::Nothing);
        let Some(answer) = self.reply.unless_gone(self.connection.answer(request)).await else {
            return Ok(None);
        };
        let Ok(mut response) = answer;
        let serve = offer.taken().filter(|_| response.status().is_success());
        let Some(serve) = serve else {
            self.reply.send(response, false).await?;
            return Ok(None);
        };
        response.headers_mut().insert(DRAFT, DRAFT_02);
        let (parts, _held) = response.into_parts();
        let sent = self.reply.head(parts).await?;
        Ok(sent.then(|| Open { serve, tunnel: Box::new(self), _held }))
    }
}

/// A session that begins.
struct Open {
    serve: Serve,
    tunnel: Box<Tunnel>,
    /// Says that the connection is in use.
    _held: Body,
}
