//! From what is wrong with an append to an error of the registry.

use tidegate_protocol::s2::{FrameError, InputError};
use tidegate_protocol::{ApiError, ErrorCode};

/// R-S2-6, R-S2-7, R-S2-10.
pub(super) fn input(error: &InputError) -> ApiError {
    let code = match error {
        InputError::Condition | InputError::UnknownCommand(_) => ErrorCode::Unprocessable,
        InputError::Malformed(_)
        | InputError::Count(_)
        | InputError::NotText(_)
        | InputError::BadTrim(_) => ErrorCode::InvalidBody,
    };
    ApiError::new(code, error.to_string())
}

/// R-S2-8, R-S2-14.
pub(super) fn frame(error: FrameError) -> ApiError {
    let code = match error {
        FrameError::TooLarge(_) => ErrorCode::BodyTooLarge,
        FrameError::Empty | FrameError::Terminal | FrameError::Compressed | FrameError::CutOff => {
            ErrorCode::InvalidBody
        }
    };
    ApiError::new(code, error.to_string())
}
