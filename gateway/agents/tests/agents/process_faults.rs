//! Children that crash, hang, flood or lie: each is one typed error, and what came before it stays.

use serde_json::{Value, json};
use tidegate_agents::build;
use tidegate_core::seams::backend::BackendFault;
use tidegate_protocol::limits::RECORD_MAX_BYTES;

use crate::process_support::{answer_of, shell};
use crate::support::{Answer, ask};

async fn fault_of(script: &str) -> (Answer, BackendFault, String) {
    let answer = answer_of(script).await;
    let failure = answer.failure().clone();
    let reason = failure.message.strip_prefix("agent \"a\" (process): ").unwrap().to_owned();
    (answer, failure.kind, reason)
}

#[tokio::test]
async fn a_crash_says_how_and_what_came_before_it_stays() {
    let script = "echo '\"seen\"'; printf '\"half'; echo one >&2; echo 'it broke' >&2; exit 3";
    let (answer, kind, reason) = fault_of(script).await;
    assert_eq!((answer.text().as_str(), kind), ("seen", BackendFault::Unavailable));
    assert_eq!(reason, "sh exited with status 3: one it broke");
    let (answer, kind, reason) = fault_of("exit 1").await;
    assert!(answer.items.is_empty());
    assert_eq!((kind, reason.as_str()), (BackendFault::Unavailable, "sh exited with status 1"));
    for (signal, number) in [("KILL", 9), ("SEGV", 11), ("TERM", 15)] {
        let (answer, kind, reason) = fault_of(&format!("echo '\"x\"'; kill -{signal} $$")).await;
        assert_eq!((answer.text().as_str(), kind), ("x", BackendFault::Unavailable));
        assert_eq!(reason, format!("sh was ended by signal {number}"));
    }
}

#[tokio::test]
async fn a_complaint_shows_its_end_and_no_secret() {
    let script = "echo \"$KEY\" >&2; seq 1 100000 >&2; echo \"no such key: $KEY\" >&2; exit 1";
    let agent = shell(script, json!({"env": {"KEY": "sk-very-secret-123"}}));
    let message = Answer::of(agent.answer(ask("hi"))).await.failure().message.clone();
    assert!(message.ends_with(" 99999 100000 no such key: [hidden]"), "{message}");
    assert!(message.len() < 400 && !message.contains("sk-very"), "{message}");
    let (_, _, reason) = fault_of("printf '\\377\\376\\000\\033[31m' >&2; exit 1").await;
    assert!(reason.starts_with("sh exited with status 1: \u{fffd}\u{fffd}"), "{reason:?}");
}

#[tokio::test]
async fn what_cannot_be_started_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plain.txt");
    std::fs::write(&file, "not a program").unwrap();
    let file = file.to_str().unwrap();
    let cases = [
        (json!({"command": ["no-such-program"]}), "can't start no-such-program: No such file"),
        (json!({"command": ["/no/such/program"]}), "can't start program: No such file"),
        (json!({"command": [file]}), "can't start plain.txt: Permission denied"),
        (json!({"command": ["/"]}), "can't start /: Permission denied"),
        (json!({"command": ["sh"], "cwd": "/no/such"}), "`cwd` is not a folder: /no/such"),
        (json!({"command": ["sh"], "cwd": file}), "`cwd` is not a folder"),
    ];
    for (table, reason) in cases {
        let agent = build("process", "a", table).unwrap();
        // A failed start gives its room back.
        for _ in 0..2 {
            let answer = Answer::of(agent.answer(ask("hi"))).await;
            let failure = answer.failure();
            assert_eq!(failure.kind, BackendFault::Invalid, "{failure}");
            assert!(failure.message.contains(reason), "{failure} should say {reason}");
        }
    }
    let table = json!({"command": ["/no/such/program"], "max_children": 1});
    let agent = build("process", "a", table).unwrap();
    for _ in 0..3 {
        assert!(Answer::of(agent.answer(ask("hi"))).await.error.is_some());
    }
}

#[tokio::test]
async fn garbage_is_invalid_and_what_came_before_it_stays() {
    let bad = ["{oops", "[]", "42", "{\"no\":\"type\"}", "{\"type\":7}", "plain words"];
    for bad in bad {
        let script = format!("echo '\"seen\"'; echo '{bad}'; echo '\"unseen\"'; sleep 1000");
        let (answer, kind, reason) = fault_of(&script).await;
        assert_eq!((answer.text().as_str(), kind), ("seen", BackendFault::Invalid));
        assert!(reason.contains("not a UI message chunk") && reason.ends_with(bad), "{reason}");
    }
    let (_, kind, reason) = fault_of("printf '\"\\377\"\\n'; sleep 1000").await;
    assert_eq!((kind, reason.as_str()), (BackendFault::Invalid, "sent a chunk that is not UTF-8"));
    let (_, kind, _) = fault_of("cat /bin/sh; sleep 1000").await;
    assert_eq!(kind, BackendFault::Invalid);
    // Also where only the end of the output is wrong.
    let (answer, kind, _) = fault_of("echo '\"seen\"'; printf '{oops'").await;
    assert_eq!((answer.text().as_str(), kind), ("seen", BackendFault::Invalid));
}

#[tokio::test]
async fn a_line_without_end_is_refused_by_its_size() {
    let flood = "tr '\\0' x < /dev/zero";
    let (answer, kind, reason) = fault_of(&format!("echo '\"seen\"'; exec {flood}")).await;
    assert_eq!((answer.text().as_str(), kind), ("seen", BackendFault::Invalid));
    assert_eq!(reason, format!("wrote a line of more than {RECORD_MAX_BYTES} bytes"));
}

#[tokio::test]
async fn output_without_end_is_refused_by_its_size() {
    // Blank lines are no chunks, so the engine's own limit never sees them.
    let script = "line=$(printf '%1000000s' ''); while :; do echo \"$line\"; done";
    let (answer, kind, reason) = fault_of(script).await;
    assert_eq!(kind, BackendFault::Invalid);
    assert!(answer.items.is_empty() && reason.starts_with("wrote more than"), "{reason}");
}

#[tokio::test]
async fn a_flood_of_complaints_blocks_nothing() {
    let flood = "head -c 20000000 /dev/zero | tr '\\0' e >&2";
    let answer = answer_of(&format!("{flood}; echo '\"done\"'")).await;
    assert_eq!((answer.text().as_str(), answer.error), ("done", None));
    let (_, _, reason) = fault_of(&format!("{flood}; echo >&2; echo last >&2; exit 1")).await;
    assert_eq!(reason, "sh exited with status 1: last");
}

async fn timed_out(script: &str, timeouts: Value) -> (Answer, String) {
    let answer = Answer::of(shell(script, json!({"timeouts": timeouts})).answer(ask("hi"))).await;
    let failure = answer.failure().clone();
    assert_eq!(failure.kind, BackendFault::Timeout, "{failure}");
    (answer, failure.message)
}

#[tokio::test]
async fn children_that_hang_are_late() {
    let (_, message) = timed_out("sleep 1000", json!({"first_byte_ms": 50})).await;
    assert!(message.ends_with("no answer within 50 ms"), "{message}");

    let script = "for i in 1 2 3; do echo; sleep 0.1; done; echo '\"seen\"'; sleep 1000";
    let (answer, message) = timed_out(script, json!({"idle_ms": 1_500})).await;
    assert!(message.ends_with("silent for 1500 ms in the middle of its answer"), "{message}");
    assert_eq!(answer.text(), "seen");

    // Not silent, but without end.
    let script = "while :; do echo; sleep 0.01; done";
    let (_, message) = timed_out(script, json!({"total_ms": 300})).await;
    assert!(message.ends_with("answer was not whole within 300 ms"), "{message}");
    let (_, message) = timed_out("yes '\"x\"'", json!({"total_ms": 300})).await;
    assert!(message.ends_with("answer was not whole within 300 ms"), "{message}");

    // Its output is over, and it is not.
    let script = "echo '\"seen\"'; exec >&-; sleep 1000";
    let (answer, message) = timed_out(script, json!({"idle_ms": 500})).await;
    assert!(message.ends_with("silent for 500 ms in the middle of its answer"), "{message}");
    assert_eq!(answer.text(), "seen");
}
