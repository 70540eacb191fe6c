//! `serve`.

use super::args::ServeArgs;
use crate::config::{Source, load};
use crate::exit::Failure;
use crate::{out, wire};

pub(super) fn run(args: ServeArgs) -> Result<(), Failure> {
    let config = load(&Source::of(Some(args.config)))?;
    wire::run(config, |running| out::line(&format!("tidegate listens on {}", running.local_addr())))
}
