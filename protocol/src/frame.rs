//! From text to a frame of the agent link or of the duplex binding: first its type, then its
//! fields. (An enum tagged inside its object would make serde take chunks apart, and they must keep
//! their bytes.)

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::ui::replace_lone_surrogates;

/// A message that is no frame (R-LNK-3, R-DPX-2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not JSON, not an object, or without a text `t`.
    #[error("a frame is one JSON object with its type in `t`: {0}")]
    NotAnObject(String),
    /// A type that this side does not know.
    #[error("there is no frame of type {0:?} in this direction")]
    UnknownType(String),
    /// The type is known, but a field is missing or is not what it must be.
    #[error("a `{frame}` frame is malformed: {reason}")]
    Fields {
        /// Its type.
        frame: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Over the binding's limit.
    #[error("a frame has at most {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// A binary message, or text that is not UTF-8.
    #[error("frames are text messages in UTF-8")]
    NotText,
}

/// Of what a peer sent, an error shows so many bytes.
const SHOWN_MAX_BYTES: usize = 200;

/// The begin of `text`.
fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(SHOWN_MAX_BYTES));
    text
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
}

/// The type of the frame in `text`.
pub(crate) fn tag(text: &str) -> Result<Cow<'_, str>, FrameError> {
    // A struct can also be read from an array.
    if !text.trim_start().starts_with('{') {
        return Err(FrameError::NotAnObject("it is no object".to_owned()));
    }
    let tag: Tag<'_> = serde_json::from_str(text)
        .map_err(|error| FrameError::NotAnObject(short(error.to_string())))?;
    Ok(tag.t)
}

/// There is no frame of the type `tag` in this direction.
pub(crate) fn unknown(tag: &str) -> FrameError {
    FrameError::UnknownType(short(tag.to_owned()))
}

/// The fields of a frame of type `frame`.
pub(crate) fn fields<T: DeserializeOwned>(
    frame: &'static str,
    text: &str,
) -> Result<T, FrameError> {
    serde_json::from_str(text)
        .or_else(|error| match replace_lone_surrogates(text) {
            // What JavaScript writes for half of a character that a stream was cut in.
            Cow::Owned(mended) => serde_json::from_str(&mended),
            Cow::Borrowed(_) => Err(error),
        })
        .map_err(|error| FrameError::Fields { frame, reason: short(error.to_string()) })
}
