//! `dev`.
use super::args::DevArgs;
use crate::exit::Failure;
pub(super) fn run(_args: DevArgs) -> Result<(), Failure> {
    Ok(())
}
