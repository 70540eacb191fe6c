//! A worker for the chaos tests to kill:
//! `chaos_worker turns|runs ADDRESS KEY AGENT VERSION TAG CAPACITY LOG`.

use std::path::Path;
use std::process::ExitCode;

use tidegate_tests::worker::{runs, turns};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [mode, address, key, agent, version, tag, capacity, log] = *arguments.as_slice() else {
        return ExitCode::from(2);
    };
    let Ok(capacity) = capacity.parse() else { return ExitCode::from(2) };
    let ended = match mode {
        "turns" => {
            let url = format!("http://{address}");
            turns::serve(&url, key, agent, version, tag, capacity).await.is_ok()
        }
        "runs" => {
            let log = Path::new(log);
            runs::serve(address, key, agent, version, tag, capacity, log).await.is_ok()
        }
        _ => return ExitCode::from(2),
    };
    if ended { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
