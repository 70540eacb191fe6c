//! Server-sent events: the encoder of `.out` and the decoder of upstream answers.

pub mod batch;
pub mod decode;
pub mod encode;
