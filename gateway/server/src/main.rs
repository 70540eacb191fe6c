//! `tidegate`: see `tidegate --help`.

use std::process::ExitCode;

use clap::Parser;
use tidegate_server::cli::{Args, run};
use tidegate_server::out;

/// The allocator of a server that allocates on every core: small, quick, gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // An idle connection touches a little of many pages; huge ones would hold 50 % more memory.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out::complain(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}
