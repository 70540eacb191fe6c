//! The whole way to a child and back: `process` agents in shell.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::chat::{Chat, boundaries, chunks, errors, text};
use crate::harness::Gate;
use crate::plan::Plan;

/// Does what the message says.
const SCRIPT: &str = r#"
    say() { sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&"/'; }
    case $TIDEGATE_TRIGGER/$TIDEGATE_TEXT in
      action/*) sed 's/.*"action":\({[^}]*}\).*/{"type":"data-did","data":\1}/;q' ;;
      */count*) head -n 1 | tr '{' '\n' | grep -c '"role":"user"' | say ;;
      */crash) echo '"so far"'; echo 'out of luck' >&2; exit 7 ;;
      */garbage) echo '"so far"'; echo 'no json' ;;
      */die*) echo "$$" >> "$FILE"; kill -KILL $$ ;;
      */wait) trap 'echo stopped > "$FILE"; exit' TERM
        echo '"waiting"'; while :; do sleep 0.02; done ;;
      *) printf '%s' "$TIDEGATE_TEXT" | say ;;
    esac"#;

async fn gate(file: &Path) -> Gate {
    let table = json!({
        "command": ["sh", "-c", SCRIPT],
        "env": {"FILE": file.to_str().expect("UTF-8")},
        "actions": true,
    });
    let missing = json!({"command": ["no-such-agent"]});
    let agents = vec![("shell", "process", table), ("missing", "process", missing)];
    Gate::of(&Plan { agents, ..Plan::default() }).await
}

#[tokio::test]
async fn a_shell_agent_answers_turns_and_actions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let gate = gate(&folder.path().join("file")).await;
    let mut chat = Chat::with(&gate, "c", "shell").await;
    for (id, question, answer) in [("u1", "say \"hi\" \\", "say \"hi\" \\"), ("u2", "count", "2")] {
        let seq = chat.say(id, question).await;
        let records = chat.answer_to(seq).await;
        assert_eq!((text(&records).as_str(), errors(&records).len()), (answer, 0));
        let types: Vec<_> = chunks(&records).iter().map(|chunk| chunk["type"].clone()).collect();
        assert_eq!(types.first(), Some(&json!("start")));
        assert_eq!(types.last(), Some(&json!("finish")));
        assert_eq!(boundaries(&records), 1);
    }
    let seq = chat.payload(json!({"trigger": "action", "action": {"type": "undo"}})).await;
    let records = chat.answer_to(seq).await;
    let did: Vec<_> = chunks(&records).into_iter().filter(|c| c["type"] == "data-did").collect();
    assert_eq!(did, [json!({"type": "data-did", "data": {"type": "undo"}})]);
    let seq = chat.payload(json!({"trigger": "regenerate-message"})).await;
    assert_eq!(text(&chat.answer_to(seq).await), "2");
}

#[tokio::test]
async fn i3_every_fault_of_a_child_is_one_error_and_one_boundary() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    let gate = gate(&file).await;
    for (agent, fault, seen, reason) in [
        ("shell", "crash", "so far", "sh exited with status 7: out of luck"),
        ("shell", "garbage", "so far", "not a UI message chunk"),
        ("shell", "die", "", "sh was ended by signal 9"),
        ("missing", "any", "", "can't start no-such-agent"),
    ] {
        let mut chat = Chat::with(&gate, fault, agent).await;
        let seq = chat.say("u1", fault).await;
        let records = chat.answer_to(seq).await;
        let shown = errors(&records);
        assert_eq!((shown.len(), boundaries(&records)), (1, 1), "{fault}: {shown:?}");
        assert!(shown[0].contains(&format!("agent \"{agent}\"")), "{shown:?}");
        assert!(shown[0].contains(reason), "{shown:?} should say {reason}");
        assert_eq!(text(&records), seen, "{fault}");
        if agent == "shell" {
            let seq = chat.say("u2", "well again").await;
            assert_eq!(text(&chat.answer_to(seq).await), "well again");
        }
    }
    // R-TRN-25: what crashed unseen was tried again, each time in a child of its own.
    let tries = std::fs::read_to_string(&file).expect("written");
    assert_eq!(tries.lines().count(), 3, "{tries}");
}

#[tokio::test]
async fn i5_a_stop_reaches_the_child_and_a_reader_that_leaves_does_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    let gate = gate(&file).await;
    let mut chat = Chat::with(&gate, "c", "shell").await;
    let seq = chat.say("u1", "wait").await;
    let is_text = |chunk: &Value| chunk["type"] == "text-delta";
    chat.until(|record| chunks(std::slice::from_ref(record)).iter().any(is_text)).await;
    gate.until_gauge("streams", 0).await;
    assert!(!file.exists(), "a reader that left stopped the child");
    chat.append(&json!({"kind": "stop"}).to_string()).await;
    let records = chat.answer_to(seq).await;
    assert_eq!((boundaries(&records), errors(&records).len()), (1, 0));
    let stopped = async {
        while std::fs::read_to_string(&file).unwrap_or_default() != "stopped\n" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), stopped).await.expect("the child hears of it");
    let seq = chat.say("u2", "next").await;
    assert_eq!(text(&chat.answer_to(seq).await), "next");
}
