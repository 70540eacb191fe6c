//! `serve`.

use super::args::ServeArgs;
use crate::config::{Source, load};
use crate::exit::Failure;

pub(super) fn run(args: ServeArgs) -> Result<(), Failure> {
    let config = load(&Source::of(Some(args.config)))?;
    let _ = config;
    Ok(())
}
