//! A backend that was asked for an answer.

use std::sync::Arc;

use futures_util::StreamExt;
use tracing::{Instrument, Span};

use crate::seams::BoxFuture;
use crate::seams::backend::{AnswerStream, BackendError, Chunk};
use crate::seams::steering::Steering;

/// See the module.
pub(super) struct Asked {
    pub(super) stream: AnswerStream,
    /// Where it would be answered sooner; only until its first item.
    pub(super) better_place: Option<BoxFuture<'static, String>>,
    pub(super) steering: Option<Arc<Steering>>,
    /// Span of the call.
    pub(super) call: Span,
}

/// What came of it.
pub(super) enum Step {
    /// An item, or the end.
    Item(Option<Result<Vec<Chunk>, BackendError>>),
    /// Nothing yet, and that gateway is the better place.
    Place(String),
}

impl Asked {
    async fn step(&mut self) -> Step {
        let place = async {
            match &mut self.better_place {
                Some(place) => place.await,
                None => std::future::pending().await,
            }
        };
        let step = tokio::select! {
            biased;
            item = self.stream.next().instrument(self.call.clone()) => Step::Item(item),
            node = place => Step::Place(node),
        };
        self.better_place = None;
        step
    }
}

/// Never, where nothing was asked. Cancel-safe.
pub(super) async fn next(answer: &mut Option<Asked>) -> Step {
    match answer {
        Some(asked) => asked.step().await,
        None => std::future::pending().await,
    }
}
