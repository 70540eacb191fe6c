//! The error registry (`spec/v1/errors.md`): every code with its HTTP status, whether a retry can
//! help, and whose fault it is. A test holds the table in the spec to this file.

use std::borrow::Cow;

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The caller sent something wrong.
    Client,
    /// The request is right but the state forbids it.
    Conflict,
    /// Too much at once.
    Overload,
    /// Something that the gateway depends on is down.
    Unavailable,
    /// The gateway's own fault.
    Internal,
}

macro_rules! codes {
    ($(
        $(#[$doc:meta])*
        $name:ident = $code:literal, $status:literal, $retry:literal, $blame:ident;
    )*) => {
        /// A stable, machine-readable error code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Every code, in the order of the registry.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The wire form.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// May the same request succeed later? Sent as `x-should-retry`.
            pub fn retryable(self) -> bool {
                match self { $(Self::$name => $retry,)* }
            }

            /// Whose fault.
            pub fn blame(self) -> Blame {
                match self { $(Self::$name => Blame::$blame,)* }
            }
        }
    };
}

codes! {
    /// The body is not JSON, or not what the endpoint takes.
    InvalidBody = "invalid_body", 400, false, Client;
    /// A header, path segment or query parameter is wrong.
    InvalidParameter = "invalid_parameter", 400, false, Client;
    /// `Last-Event-ID` is not a decimal seq.
    InvalidCursor = "invalid_cursor", 400, false, Client;
    /// `Tidegate-Protocol-Version` names a version that this gateway does not speak.
    UnsupportedVersion = "unsupported_version", 400, false, Client;
    /// A request for a WebSocket that is no upgrade to one, or offers no subprotocol that is
    /// spoken.
    UnsupportedSubprotocol = "unsupported_subprotocol", 400, false, Client;
    /// No credential, or one that is not valid (any more).
    Unauthenticated = "unauthenticated", 401, false, Client;
    /// The credential is valid but does not reach this.
    Unauthorized = "unauthorized", 403, false, Client;
    /// A token was asked for with rights that the key does not have.
    ScopesExceedKey = "scopes_exceed_key_access", 403, false, Client;
    /// No such route.
    NotFound = "not_found", 404, false, Client;
    /// No such session.
    SessionNotFound = "session_not_found", 404, false, Client;
    /// No such run.
    RunNotFound = "run_not_found", 404, false, Client;
    /// The gateway that got the acknowledgement does not run this step of a self-test.
    SelfTestNotFound = "self_test_not_found", 404, true, Client;
    /// The route exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, false, Client;
    /// The session takes no more input.
    SessionClosed = "session_closed", 409, false, Conflict;
    /// The session's `expiresAt` has passed.
    SessionExpired = "session_expired", 409, false, Conflict;
    /// Another writer changed the row first.
    Conflict = "conflict", 409, true, Conflict;
    /// A turn of the session runs, so that another can't be opened beside it.
    TurnRunning = "turn_running", 409, false, Conflict;
    /// A write under an older fence (I4).
    Fenced = "fenced", 409, false, Conflict;
    /// The agent is served otherwise already: by the configuration, or in another mode.
    AgentConflict = "agent_conflict", 409, false, Conflict;
    /// A frame of the worker is missing before this one.
    SeqGap = "seq_gap", 409, false, Conflict;
    /// The worker does not hold this work (any more).
    NotHeld = "not_held", 409, false, Conflict;
    /// The request body is over its limit.
    BodyTooLarge = "body_too_large", 413, false, Client;
    /// The record would be over its limit.
    RecordTooLarge = "record_too_large", 413, false, Client;
    /// The session names an agent that this gateway does not have.
    UnknownAgent = "unknown_agent", 422, false, Client;
    /// The request is well-formed, but a field's value is not allowed.
    Unprocessable = "unprocessable", 422, false, Client;
    /// A worker's `hello` has a value that is not allowed.
    InvalidRegistration = "invalid_registration", 422, false, Client;
    /// Over the rate limit; `x-ratelimit-reset` says when to come back.
    RateLimited = "rate_limited", 429, true, Overload;
    /// The session owes more answers than may wait.
    TooManyOwed = "too_many_owed", 429, true, Overload;
    /// More of a piece of work's frames are unacknowledged than may be.
    WindowExceeded = "window_exceeded", 429, true, Overload;
    /// The gateway holds as many streams or connections as it may.
    Overloaded = "overloaded", 503, true, Overload;
    /// The gateway is draining: another one, or this one after its restart, will answer.
    Draining = "draining", 503, true, Unavailable;
    /// The store can't be written (disk full, I/O error). Nothing of the request can be seen; a
    /// repeat under the same part id can't be stored twice.
    StoreUnavailable = "store_unavailable", 503, true, Unavailable;
    /// The backend can't be reached.
    BackendUnavailable = "backend_unavailable", 502, true, Unavailable;
    /// The backend answered something that is not an answer.
    BackendInvalid = "backend_invalid", 502, false, Unavailable;
    /// The backend took too long.
    BackendTimeout = "backend_timeout", 504, true, Unavailable;
    /// A bug of the gateway.
    Internal = "internal", 500, true, Internal;
}

/// An error that a caller sees. `message` says what is wrong and what to do; nothing internal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct ApiError {
    /// From the registry.
    pub code: ErrorCode,
    /// One or two sentences for a person.
    pub message: Cow<'static, str>,
    /// The field, header or parameter at fault.
    pub param: Option<Cow<'static, str>>,
    /// With [`ErrorCode::SessionClosed`]: why it was closed.
    pub closed_reason: Option<String>,
}

impl ApiError {
    /// An error of `code` with a message for a person.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), param: None, closed_reason: None }
    }

    /// Names the field, header or parameter at fault.
    pub fn at(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.param = Some(param.into());
        self
    }
}
