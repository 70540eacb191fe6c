//! From a path to what it names.

use std::borrow::Cow;

use tidegate_core::error::Result;
use tidegate_protocol::ids::{Channel, Direction, SESSION_ID_PREFIX, parse_external_id};
use tidegate_protocol::limits::EXTERNAL_ID_MAX_CHARS;
use tidegate_protocol::{ApiError, ErrorCode};

use super::path::decode;

/// What a path names. Methods are the dispatcher's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/api/v1/sessions`
    Sessions,
    /// `/api/v1/sessions/{s}`
    Session(String),
    /// `/api/v1/sessions/{s}/close`
    Close(String),
    /// `/api/v1/sessions/{s}/transcript`
    Transcript(String),
    /// `/api/v1/sessions/{s}/snapshot-url`
    SnapshotUrl(String),
    /// `/api/v1/sessions/{s}/end-and-continue`
    EndAndContinue(String),
    /// `/api/v1/runs`
    Runs,
    /// `/api/v3/runs/{run}`
    Run(String),
    /// `/api/v1/runs/{run}/metadata`
    RunMetadata(String),
    /// `/api/v1/runs/{run}/tags`
    RunTags(String),
    /// `/api/v2/runs/{run}/cancel`
    CancelRun(String),
    /// `/api/v1/auth/jwt/claims`
    Claims,
    /// `/api/v1/auth/public-tokens`
    PublicTokens,
    /// `/realtime/v1/sessions/{s}/{io}` or `…/channels/{name}/{io}`
    Stream(String, Channel),
    /// `…/append` of a stream
    Append(String, Channel),
    /// `…/records` of a stream
    Records(String, Channel),
    /// `/v1/sessions/{s}/inputs`
    Inputs(String),
    /// `/v1/transcripts/{s}`: what a snapshot URL leads to
    Snapshot(String),
    /// `/s2/v1/streams/{stream}/records`
    S2Records(String),
    /// `/ai/{agent}/chat`
    Chat(String),
    /// `/ai/{agent}/chat/{id}/stream`
    ChatStream(String, String),
    /// `/ai/{agent}/chat/{id}/stop`
    ChatStop(String, String),
    /// `/ai/{agent}/ws`
    ChatSocket(String),
    /// `/v1/tickets`
    Tickets,
    /// `/v1/agents/link`
    AgentLink,
    /// `/v1/connect`
    Connect,
    /// `/v1/self-test/stream`
    SelfTest,
    /// `/v1/self-test/socket`
    SelfTestSocket,
    /// `/v1/self-test/{nonce}`
    SelfTestStep(String),
    /// `/.well-known/tidegate`
    Discovery,
    /// `/live`
    Live,
    /// `/ready`
    Ready,
    /// Not a binding's
    Other,
}

impl Route {
    /// Reads a raw path.
    pub(super) fn of(path: &str) -> Result<Self> {
        let mut segments = [""; 8];
        let mut count = 0;
        for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
            // No binding has paths this deep.
            let Some(place) = segments.get_mut(count) else { return Ok(Self::Other) };
            *place = segment;
            count += 1;
        }
        match &segments[..count] {
            ["realtime", "v1", "sessions", s, rest @ ..] => stream(s, rest),
            ["api", "v1", "sessions"] => Ok(Self::Sessions),
            ["api", "v1", "sessions", s] => Ok(Self::Session(session(s)?)),
            ["api", "v1", "sessions", s, "close"] => Ok(Self::Close(session(s)?)),
            ["api", "v1", "sessions", s, "transcript"] => Ok(Self::Transcript(session(s)?)),
            ["api", "v1", "sessions", s, "snapshot-url"] => Ok(Self::SnapshotUrl(session(s)?)),
            ["api", "v1", "sessions", s, "end-and-continue"] => {
                Ok(Self::EndAndContinue(session(s)?))
            }
            ["api", "v1", "runs"] => Ok(Self::Runs),
            ["api", "v1", "runs", run, "metadata"] => Ok(Self::RunMetadata(text(run)?)),
            ["api", "v1", "runs", run, "tags"] => Ok(Self::RunTags(text(run)?)),
            ["api", "v3", "runs", run] => Ok(Self::Run(text(run)?)),
            ["api", "v2", "runs", run, "cancel"] => Ok(Self::CancelRun(text(run)?)),
            ["api", "v1", "auth", "jwt", "claims"] => Ok(Self::Claims),
            ["api", "v1", "auth", "public-tokens"] => Ok(Self::PublicTokens),
            ["v1", "sessions", s, "inputs"] => Ok(Self::Inputs(session(s)?)),
            ["v1", "transcripts", s] => Ok(Self::Snapshot(session(s)?)),
            ["s2", "v1", "streams", stream, "records"] => Ok(Self::S2Records(text(stream)?)),
            ["ai", agent, "chat"] => Ok(Self::Chat(text(agent)?)),
            ["ai", agent, "chat", id, "stream"] => Ok(Self::ChatStream(text(agent)?, session(id)?)),
            ["ai", agent, "chat", id, "stop"] => Ok(Self::ChatStop(text(agent)?, session(id)?)),
            ["ai", agent, "ws"] => Ok(Self::ChatSocket(text(agent)?)),
            ["v1", "tickets"] => Ok(Self::Tickets),
            ["v1", "agents", "link"] => Ok(Self::AgentLink),
            ["v1", "connect"] => Ok(Self::Connect),
            ["v1", "self-test", "stream"] => Ok(Self::SelfTest),
            ["v1", "self-test", "socket"] => Ok(Self::SelfTestSocket),
            ["v1", "self-test", nonce] => Ok(Self::SelfTestStep(text(nonce)?)),
            [".well-known", "tidegate"] => Ok(Self::Discovery),
            ["live"] => Ok(Self::Live),
            ["ready"] => Ok(Self::Ready),
            _ => Ok(Self::Other),
        }
    }

    /// Served without a credential.
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self,
            Self::ChatSocket(_)
                | Self::Connect
                | Self::SelfTest
                | Self::SelfTestStep(_)
                | Self::Discovery
                | Self::Live
                | Self::Ready
                | Self::Other
        )
    }

    /// Served to whoever holds a credential of its own kind.
    pub(super) fn has_own_credential(&self) -> bool {
        matches!(self, Self::Snapshot(_) | Self::S2Records(_))
    }

    /// Served as a WebSocket.
    pub(super) fn is_socket(&self) -> bool {
        matches!(self, Self::AgentLink | Self::ChatSocket(_) | Self::Connect | Self::SelfTestSocket)
    }

    /// `/api/…` and appends; never a read of a stream.
    pub(super) fn is_rate_limited(&self) -> bool {
        matches!(
            self,
            Self::Sessions
                | Self::Session(_)
                | Self::Close(_)
                | Self::Transcript(_)
                | Self::SnapshotUrl(_)
                | Self::EndAndContinue(_)
                | Self::Runs
                | Self::Run(_)
                | Self::RunMetadata(_)
                | Self::RunTags(_)
                | Self::CancelRun(_)
                | Self::Claims
                | Self::PublicTokens
                | Self::Tickets
                | Self::Append(..)
                | Self::Chat(_)
                | Self::ChatStop(..)
        )
    }

    /// May a `GET` carry its credential in the query, since `EventSource` can't set headers?
    pub(super) fn takes_query_token(&self) -> bool {
        matches!(self, Self::Stream(..) | Self::ChatStream(..) | Self::SelfTestSocket)
    }

    /// Would a `GET` of `path` be a stream read, also where the path is broken?
    pub(super) fn looks_like_stream(path: &str) -> bool {
        path.starts_with("/realtime/") && (path.ends_with("/out") || path.ends_with("/in"))
    }
}

/// What follows the session of a realtime path.
fn stream(name: &str, rest: &[&str]) -> Result<Route> {
    let (channel, verb) = match rest {
        ["channels", side, io, verb @ ..] => {
            let Some(direction) = Direction::parse(io) else { return Ok(Route::Other) };
            let side = decode(side)?;
            let channel = Channel::side(&side, direction).ok_or_else(|| {
                refused("channel", "a channel's name has 1 to 128 of A-Z a-z 0-9 . _ -")
            })?;
            (channel, verb)
        }
        [io, verb @ ..] => match Direction::parse(io) {
            Some(direction) => (Channel { side: None, direction }, verb),
            None => return Ok(Route::Other),
        },
        [] => return Ok(Route::Other),
    };
    match verb {
        [] => Ok(Route::Stream(session(name)?, channel)),
        ["append"] => Ok(Route::Append(session(name)?, channel)),
        ["records"] => Ok(Route::Records(session(name)?, channel)),
        _ => Ok(Route::Other),
    }
}

/// The name of a session, in either form.
fn session(segment: &str) -> Result<String> {
    let name = text(segment)?;
    valid_name(&name).map(str::to_owned)
}

/// Refuses what can't be the name of a session.
pub(crate) fn valid_name(name: &str) -> Result<&str> {
    if name.starts_with(SESSION_ID_PREFIX) {
        // A friendly id is ASCII and short; what is longer is not one.
        let fits = name.len() <= EXTERNAL_ID_MAX_CHARS;
        return if fits { Ok(name) } else { Err(refused("session", "the session id is too long")) };
    }
    parse_external_id(name)
        .map_err(|error| refused("session", format!("the session's name {error}")))
}

fn text(segment: &str) -> Result<String> {
    decode(segment).map(Cow::into_owned)
}

fn refused(param: &'static str, message: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, message).at(param)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_before_they_are_decoded() {
        let route = Route::of("/realtime/v1/sessions/chat%2F1%20%C3%A4/in/append");
        assert_eq!(route, Ok(Route::Append("chat/1 ä".to_owned(), Channel::IN)));
        assert_eq!(Route::of("/api/v1/sessions/a%2Fclose"), Ok(Route::Session("a/close".into())));
    }

    #[test]
    fn side_channels() {
        let side = Channel::side("a.b", Direction::Out).expect("valid");
        let route = Route::of("/realtime/v1/sessions/c/channels/a.b/out/records");
        assert_eq!(route, Ok(Route::Records("c".into(), side)));
        assert!(Route::of("/realtime/v1/sessions/c/channels/a%2Fb/out").is_err());
        // A session may be called like a word of the grammar.
        let route = Route::of("/realtime/v1/sessions/channels/out");
        assert_eq!(route, Ok(Route::Stream("channels".into(), Channel::OUT)));
    }

    #[test]
    fn what_no_binding_has_is_other() {
        for path in
            ["/", "", "/x", "/api/v1/sessions/", "/realtime/v1/sessions/c/up", "/a/b/c/d/e/f/g/h/i"]
        {
            let route = Route::of(path);
            assert!(matches!(route, Ok(Route::Other) | Err(_)), "{path}: {route:?}");
        }
    }

    #[test]
    fn names_that_no_session_can_have() {
        let long = "x".repeat(257);
        for name in ["", "%20", "a%3Achannels%3Ab", "%ff", "%zz", &long] {
            assert!(Route::of(&format!("/api/v1/sessions/{name}")).is_err(), "{name}");
        }
    }
}
