//! Nothing of a child stays: no process, no zombie, no descriptor. Alone in its process, so that
//! all of them can be counted.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use futures_util::StreamExt;
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use serde_json::json;

#[path = "agents/process_support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod process_support;
#[path = "agents/support.rs"]
#[allow(dead_code, reason = "shared with the other tests")]
mod support;

use process_support::{shell, until};
use support::{Answer, ask};

/// Every way in which an answer ends.
const ENDINGS: [&str; 10] = [
    "echo '\"whole\"'",
    "exit 1",
    "kill -KILL $$",
    "echo '{oops'; sleep 1000",
    "sleep 1000 & echo '\"left one\"'",
    "exec >&-; sleep 1000",
    "exec 2>&-; exec <&-; echo '\"closed\"'",
    "tr '\\0' x < /dev/zero",
    "yes >&2",
    "trap '' TERM; while :; do sleep 0.02; done",
];

#[tokio::test]
async fn nothing_of_a_child_stays() {
    // What the runtime opens once is not a leak.
    round().await;
    until("the end of all children", no_children).await;
    let before = descriptors();
    for _ in 0..3 {
        round().await;
    }
    until("the end of all children", no_children).await;
    until("the end of all descriptors", || descriptors() <= before).await;
}

/// Each ending by itself, and again with the stream dropped early.
async fn round() {
    let table = json!({"timeouts": {"first_byte_ms": 400, "idle_ms": 400}});
    let answers = ENDINGS.map(|script| {
        let agent = shell(script, table.clone());
        async move {
            Answer::of(agent.answer(ask("hi"))).await;
            let mut stream = agent.answer(ask("hi"));
            tokio::select! {
                biased;
                _ = stream.next() => {}
                () = tokio::task::yield_now() => {}
            }
        }
    });
    futures_util::future::join_all(answers).await;
}

/// No child, not even one that waits to be reaped.
fn no_children() -> bool {
    let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::All, how).is_err_and(|error| error == Errno::CHILD)
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
