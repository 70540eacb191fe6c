//! A full disk, as clients see it: a typed error, nothing lost, and all well once there is space.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::chat::{Chat, text};
use crate::client::Answer;
use crate::harness::{Gate, message};
use crate::plan::Plan;

const DIR: &str = "TIDEGATE_FULL_DIR";
/// A file system of 8 MiB that nobody else sees and that goes with its process.
const MOUNT: &str = r#"mount -t tmpfs -o size=8m none "$TIDEGATE_FULL_DIR" || exit 77
exec "$@""#;

#[test]
fn a_full_disk_is_a_typed_error_and_does_no_harm() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |unshare: &[&str]| {
        let status = Command::new("unshare")
            .args(unshare)
            .args(["sh", "-c", MOUNT, "sh"])
            .arg(env::current_exe().expect("this program"))
            .args(["--ignored", "--exact", "full_disk::child_on_a_small_disk", "--nocapture"])
            .env(DIR, folder.path())
            .status();
        status.ok().and_then(|status| status.code())
    };
    let code = match run(&["--mount"]) {
        Some(1 | 77) | None => run(&["--user", "--map-root-user", "--mount"]),
        code => code,
    };
    assert_eq!(code, Some(0), "needs `unshare` and the right to mount in a namespace of its own");
}

/// Not a test: the child, whose `DIR` is a small file system.
#[tokio::test]
#[ignore = "started by another test"]
async fn child_on_a_small_disk() {
    let Some(dir) = env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let ballast = dir.join("ballast");
    fs::write(&ballast, vec![1; 4 << 20]).expect("room for the ballast");
    let url = format!("disk:{}", dir.join("store").display());
    let plan = Plan { url, ..Plan::default() };
    let gate = Gate::of(&plan).await;
    let mut chat = Chat::new(&gate, "c").await;
    let seq = chat.say("u1", "before").await;
    chat.answer_to(seq).await;
    let mut kept = Vec::new();
    let refused = loop {
        let body = format!("{}-{}", kept.len(), "x".repeat(50_000));
        match chat.try_append(&body).await {
            answer if answer.status == 200 => kept.push((seq_of(&answer), body)),
            answer => break answer,
        }
    };
    assert!(kept.len() > 5, "the disk was full at once");
    is_typed(&refused);
    is_typed(&chat.try_append(&message("u2", &"y".repeat(50_000)).to_string()).await);
    let create = gate.try_create("another").await;
    assert!(create.status == 201 || create.status == 503, "{}", create.text());
    holds(&chat, &kept).await;
    fs::remove_file(&ballast).expect("space");
    let seq = chat.say("u3", "after").await;
    assert!(text(&chat.answer_to(seq).await).contains("after"));
    holds(&chat, &kept).await;
    gate.end().await;
    let gate = Gate::of(&plan).await;
    let mut chat = Chat::of(&gate, "c");
    holds(&chat, &kept).await;
    let seq = chat.say("u4", "reopened").await;
    assert!(text(&chat.answer_to(seq).await).contains("reopened"));
}

fn seq_of(answer: &Answer) -> u64 {
    answer.json()["seq"].as_u64().expect("a seq")
}

fn is_typed(refused: &Answer) {
    let seen = (refused.status, refused.code());
    assert_eq!((seen.0, seen.1.as_str()), (503, "store_unavailable"), "{}", refused.text());
    assert_eq!(refused.header("x-should-retry"), Some("true"));
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
}

/// Everything that was acknowledged is there.
async fn holds(chat: &Chat, kept: &[(u64, String)]) {
    for (seq, body) in kept {
        let after = seq.checked_sub(1).map_or(String::new(), |seq| format!("&afterEventId={seq}"));
        let path = chat.path(&format!("in/records?limit=1{after}"));
        let page = chat.client.get(&path).await.json();
        assert_eq!(page["records"][0]["seqNum"], *seq);
        assert_eq!(page["records"][0]["data"], body.as_str());
    }
}
