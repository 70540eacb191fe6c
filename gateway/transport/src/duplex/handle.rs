//! Requests of the client: what is checked before one is under way (R-DPX-7).

use std::collections::HashSet;
use std::sync::Arc;

use tidegate_core::error::Result;
use tidegate_protocol::duplex::{Acked, Append, Auth, FieldError, GatewayFrame, Subscribe};
use tidegate_protocol::limits::{APPEND_BODY_MAX_BYTES, DUPLEX_SUBSCRIPTIONS_MAX};
use tidegate_protocol::{ApiError, ErrorCode};

use super::connection::Connection;
use super::credentials::Credential;
use super::requests::{self, Appending, Request};
use super::subscription::Wanted;
use crate::service::rate;
use crate::service::route::valid_name;

impl Connection {
    pub(super) fn authorize(&mut self, auth: Auth) {
        let Auth { id, session, token } = auth;
        self.ask(id, |connection| {
            let credential = connection.authenticate(&token).map_err(|error| error.at("token"))?;
            session.as_deref().map(valid_name).transpose()?;
            let credentials = &connection.credentials;
            let open = connection.subscriptions.of(|name| match &session {
                Some(session) => session == name,
                None => !credentials.has_own(name),
            });
            let names: HashSet<&str> = connection.subscriptions.names().collect();
            let is_needed = |name: &str| names.contains(name);
            connection.credentials.set(session.as_deref(), credential.clone(), is_needed);
            Ok(requests::authorize(&connection.app, id, credential, open))
        });
    }

    pub(super) fn subscribe(&mut self, subscribe: Subscribe) {
        self.ask(subscribe.id, |connection| {
            let (channel, start) = (subscribe.channel(), subscribe.start());
            let (channel, start) = (channel.map_err(refused)?, start.map_err(refused)?);
            if subscribe.window == Some(0) {
                let message = "`window` is at least 1";
                return Err(refused(FieldError { field: "window", message }));
            }
            let now = connection.app.gateway.now();
            let credential = connection.credentials.of(&subscribe.session, now)?;
            valid_name(&subscribe.session)?;
            let opening = connection.pending.values().filter(|pending| pending.opens).count();
            let open = connection.subscriptions.len() + opening;
            if open >= DUPLEX_SUBSCRIPTIONS_MAX {
                let message = "the connection has as many subscriptions as it may";
                return Err(ApiError::new(ErrorCode::Overloaded, message));
            }
            let Subscribe { id, session, window, peek, .. } = subscribe;
            let wanted = Wanted { id, session, channel, start, window };
            Ok(requests::open(&connection.app, wanted, credential, peek))
        });
    }

    pub(super) fn append(&mut self, append: Append) {
        self.ask(append.id, |connection| {
            let channel = append.channel().map_err(refused)?;
            let now = connection.app.gateway.now();
            let credential = connection.credentials.of(&append.session, now)?;
            let allowance = connection.app.rates.take(&credential.text, now);
            rate::admit(allowance.as_ref())?;
            valid_name(&append.session)?;
            if append.body.len() > APPEND_BODY_MAX_BYTES {
                let message =
                    format!("the body is over the limit of {APPEND_BODY_MAX_BYTES} bytes");
                return Err(ApiError::new(ErrorCode::BodyTooLarge, message).at("body"));
            }
            let Append { id, session, part, body, .. } = append;
            let turn = connection.order.join(&session, id);
            let appending = Appending { id, session, channel, part, body };
            Ok(requests::append(&connection.app, appending, credential, turn))
        });
    }

    pub(super) fn unsubscribe(&mut self, id: u64) {
        if self.pending.get(&id).is_some_and(|pending| !pending.opens) {
            return self.send_error(Some(id), taken());
        }
        // One that is not open yet is not opened any more.
        self.pending.remove(&id);
        if self.subscriptions.remove(id) {
            self.ended(id);
        }
        self.send(&GatewayFrame::Ack(Acked { id, ..Acked::default() }));
    }

    /// Whose `token` it is.
    pub(super) fn authenticate(&self, token: &str) -> Result<Credential> {
        let principal = self.app.gateway.access().authenticate(token)?;
        Ok(Credential { principal, text: Arc::from(token) })
    }

    /// Puts the request `id` under way, or refuses it.
    fn ask(&mut self, id: u64, request: impl FnOnce(&mut Self) -> Result<Request>) {
        if self.pending.contains_key(&id) || self.subscriptions.has(id) {
            return self.send_error(Some(id), taken());
        }
        match request(self) {
            Ok(request) => self.begin(id, request),
            Err(error) => self.send_error(Some(id), error),
        }
    }
}

/// The id names something else that is not over (R-DPX-6).
fn taken() -> ApiError {
    let message = "a request or subscription with this id is open";
    ApiError::new(ErrorCode::InvalidBody, message).at("id")
}

fn refused(error: FieldError) -> ApiError {
    let code = match error.field {
        "after" | "from" => ErrorCode::InvalidCursor,
        _ => ErrorCode::InvalidParameter,
    };
    ApiError::new(code, error.message).at(error.field)
}
