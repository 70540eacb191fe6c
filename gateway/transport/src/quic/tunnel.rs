//! A request for a WebTransport session: extended CONNECT (RFC 9220).

use h3::error::StreamError;
use h3::ext::Protocol;
use http::{HeaderName, HeaderValue, Method, Request};

use super::body::Upload;
use super::response::Reply;
use crate::body::Body;
use crate::service::connection::Connection;
use crate::service::request_body::RequestBody;
use crate::webtransport::drive::{drive, part};
use crate::webtransport::hub::Place;
use crate::webtransport::offer::Serving;
use crate::webtransport::{Offer, Session};

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
    pub(super) reply: Box<Reply>,
}

impl Tunnel {
    /// Asks the service, and serves the session if somebody took the offer.
    pub(super) async fn answer(
        self: Box<Self>,
        request: Box<Request<()>>,
    ) -> Result<(), StreamError> {
        // Boxed: of what its begin and its end need, a session holds nothing.
        let Some(open) = Box::pin(self.begin(request)).await? else { return Ok(()) };
        let Open { serving, session, mut upload, reply, _held } = *open;
        let goodbye = drive(serving, session, &mut upload).await;
        let ending = async {
            reply.last(goodbye.unwrap_or_default()).await?;
            part(&mut upload).await;
            Ok(())
        };
        Box::pin(ending).await
    }

    /// What goes on once the head of the answer is sent, if it is that of a session.
    async fn begin(
        self: Box<Self>,
        mut request: Box<Request<()>>,
    ) -> Result<Option<Box<Open>>, StreamError> {
        let Self { connection, quic, id, place, upload, mut reply } = *self;
        let offer = Offer::default();
        request.extensions_mut().insert(offer.clone());
        let request = request.map(|()| RequestBody::Nothing);
        let Some(Ok(mut response)) = reply.unless_gone(connection.answer(request)).await else {
            return Ok(None);
        };
        let serve = offer.taken().filter(|_| response.status().is_success());
        let Some(serve) = serve else {
            reply.send(response, false).await?;
            return Ok(None);
        };
        response.headers_mut().insert(DRAFT, DRAFT_02);
        let (parts, _held) = response.into_parts();
        if !reply.head(parts).await? {
            return Ok(None);
        }
        let session = Session::new(quic, id, place);
        let serving = serve(session.clone());
        Ok(Some(Box::new(Open { serving, session, upload, reply, _held })))
    }
}

/// A session that begins.
struct Open {
    serving: Serving,
    session: Session,
    upload: Upload,
    reply: Box<Reply>,
    /// Says that the connection is in use.
    _held: Body,
}
