//! The Rust client behind the protocol of `spec/v1/suites/clients.md`.

mod adapter;
mod decisions;
mod reader;
mod shown;

use std::io::{BufRead as _, Write as _};

use serde_json::{Value, json};

use adapter::Adapter;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut adapter = Adapter::default();
    let (tell, mut lines) = tokio::sync::mpsc::channel(1);
    // The client lives on while nothing is asked.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if tell.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        let asked: Value = serde_json::from_str(&line)?;
        let mut answer = match adapter.perform(&asked).await {
            Ok(answer) => answer,
            Err(failure) => json!({"error": failure.0}),
        };
        answer["id"] = asked["id"].clone();
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
