//! `tail`: follows a session over HTTP like any client, across disconnects.

use std::time::Duration;

use tidegate_protocol::record::RecordJson;
use tidegate_protocol::sse::{batch, decode::Decoder};
use tidegate_protocol::{Record, control};

use super::args::TailArgs;
use super::remote::{client, failure};
use super::tail_line::{describe, without_token};
use crate::client::{Client, ClientError, percent};
use crate::exit::Failure;
use crate::out;

/// Well above the largest record, in any escaping.
const EVENT_MAX_BYTES: usize = 64 * 1024 * 1024;
const BACKOFF_FIRST: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Why one connection's reading ended.
enum End {
    /// The window is over: read on with the cursor.
    Window,
    /// There is nothing more to come.
    Done,
}

pub(super) async fn run(args: TailArgs) -> Result<(), Failure> {
    let client = client(&args.remote)?;
    let mut follow = Follow {
        path: format!("/realtime/v1/sessions/{}/out", percent(&args.session)),
        cursor: args.from.and_then(|seq| seq.checked_sub(1)),
        json: args.json,
        until_settled: args.until_settled,
        connected: false,
    };
    let mut backoff = BACKOFF_FIRST;
    loop {
        let before = follow.cursor;
        match follow.window(&client).await? {
            Ok(End::Done) => return Ok(()),
            Ok(End::Window) => backoff = BACKOFF_FIRST,
            Err(error) if follow.connected && error.is_transient() => {
                if follow.cursor != before {
                    backoff = BACKOFF_FIRST;
                }
                out::complain(&format!("{error}; reading on in {} ms", backoff.as_millis()));
                tokio::time::sleep(backoff).await;
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
            Err(error) => return Err(failure(error)),
        }
    }
}

struct Follow {
    path: String,
    /// Seq of the last record that was printed.
    cursor: Option<u64>,
    json: bool,
    until_settled: bool,
    /// Was there ever an answer? A gateway that never answered is an error, not a disconnect.
    connected: bool,
}

impl Follow {
    /// Reads one connection. The outer error is a failure to print.
    async fn window(&mut self, client: &Client) -> Result<Result<End, ClientError>, Failure> {
        let mut headers = vec![("accept", "text/event-stream".to_owned())];
        headers.push(("timeout-seconds", "600".to_owned()));
        headers.extend(self.cursor.map(|seq| ("last-event-id", seq.to_string())));
        if self.until_settled {
            headers.push(("x-peek-settled", "1".to_owned()));
        }
        let mut stream = match client.get_stream(&self.path, &headers).await {
            Ok(stream) => stream,
            Err(error) => return Ok(Err(error)),
        };
        self.connected = true;
        let settled = stream.headers().contains_key("x-session-settled");
        let mut decoder = Decoder::new(EVENT_MAX_BYTES);
        while let Some(bytes) = stream.next().await {
            match bytes {
                Ok(bytes) => decoder.push(&bytes),
                Err(error) => return Ok(Err(error)),
            }
            for event in decoder.by_ref() {
                let event = match event {
                    Ok(event) => event,
                    Err(error) => return Ok(Err(ClientError::Cut(error.to_string()))),
                };
                match event.event.as_deref() {
                    Some("batch") => {}
                    Some("error") => {
                        let text = String::from_utf8_lossy(&event.data).into_owned();
                        return Ok(Err(ClientError::Cut(text)));
                    }
                    _ => continue,
                }
                let records = match batch::decode(&event.data) {
                    Ok(records) => records,
                    Err(error) => return Ok(Err(ClientError::Cut(error.to_string()))),
                };
                if let Some(end) = self.print(records)? {
                    return Ok(Ok(end));
                }
            }
        }
        Ok(Ok(if settled { End::Done } else { End::Window }))
    }

    fn print(&mut self, records: Vec<Record>) -> Result<Option<End>, Failure> {
        for record in records {
            let record = without_token(record);
            out::line(&if self.json { json_line(&record) } else { describe(&record) })?;
            self.cursor = Some(record.seq_num);
            let closed = control::kind(&record) == Some(control::SESSION_CLOSED)
                || record.header(control::CLOSED) == Some("true");
            if closed {
                return Ok(Some(End::Done));
            }
            if self.until_settled && control::is_boundary(&record) {
                // Asks again whether that was the last turn.
                return Ok(Some(End::Window));
            }
        }
        Ok(None)
    }
}

fn json_line(record: &Record) -> String {
    let body = String::from_utf8_lossy(&record.body);
    let json = RecordJson {
        seq_num: record.seq_num,
        timestamp: record.timestamp,
        body: &body,
        headers: &record.headers,
    };
    serde_json::to_string(&json).unwrap_or_default()
}
