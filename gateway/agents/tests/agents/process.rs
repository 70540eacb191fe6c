//! The `process` backend: what a child gets, and what becomes of what it writes.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tidegate_agents::build;
use tidegate_core::seams::backend::BackendFault;
use tidegate_protocol::input::Trigger;

use crate::process_support::{answer_of, data, shell, until};
use crate::support::{Answer, ask, request, user};

/// The agent that the spec shows.
fn example() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/v1/process.md");
    let text = std::fs::read_to_string(path).unwrap();
    let script = text.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next());
    script.unwrap().to_owned()
}

#[tokio::test]
async fn the_agent_of_the_spec_answers() {
    let script = example();
    assert!(script.lines().count() < 20, "{script}");
    let agent = shell(&script, json!({}));
    let odd = "a \"b\" \\n c\\\nd 'e' $HOME `f`\t\u{1}é\u{1f30a}";
    for (question, answer) in [
        ("add 1 2 39", "That is 42.\n"),
        (odd, "You said: a \"b\" \\n c\\\nd 'e' $HOME `f` é\u{1f30a}\n"),
    ] {
        let answered = Answer::of(agent.answer(ask(question))).await;
        assert_eq!((answered.text().as_str(), &answered.error), (answer, &None));
    }
    let sum = Answer::of(agent.answer(ask("add 1"))).await.values();
    assert_eq!(sum[0]["type"], "data-status");
    let long = Answer::of(agent.answer(ask(&"x".repeat(70_000)))).await;
    let message = &long.failure().message;
    assert!(message.ends_with("the message is too long"), "{message}");
}

#[tokio::test]
async fn the_turn_is_one_line_of_json() {
    let script = r#"IFS= read -r turn; printf '{"type":"data-turn","data":%s}\n' "$turn""#;
    let mut turn = request(vec![user("line\nline \u{2028}é")]);
    turn.trigger = Trigger::Action;
    turn.message_id = Some("m1".to_owned());
    turn.metadata = Some(json!({"a": [null, 1.5]}));
    turn.action = Some(json!({"type": "undo"}));
    turn.rest.insert("agent".to_owned(), json!("the application's"));
    let messages = turn.messages.clone();
    let answer = Answer::of(shell(script, json!({})).answer(turn)).await;
    let expected = json!({
        "agent": "a", "chat": "chat-1", "turn": 3, "attempt": 1, "trigger": "action",
        "messages": *messages, "answer_id": "a1", "continues": false, "message_id": "m1",
        "metadata": {"a": [null, 1.5]}, "action": {"type": "undo"},
        "rest": {"agent": "the application's"},
    });
    assert_eq!(answer.values(), [json!({"type": "data-turn", "data": expected})]);

    let answer = Answer::of(shell(script, json!({})).answer(ask("hi"))).await;
    for key in ["message_id", "metadata", "action"] {
        assert_eq!(answer.values()[0]["data"].get(key), Some(&Value::Null), "{key}");
    }
}

/// R-PRC-2: a test has many variables that a child must not see.
#[tokio::test]
async fn the_environment_is_what_the_spec_says() {
    let script = r#"env | sed 's/\\/\\\\/g; s/"/\\"/g; s/.*/"&\\n"/'"#;
    let table = json!({"env": {"A": "1", "B": "env:PATH", "LANG": "C"}});
    let answer = Answer::of(shell(script, table).answer(ask("two\nlines"))).await;
    let text = answer.text();
    let names: Vec<_> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let allowed = [
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LOGNAME",
        "PATH",
        "SHELL",
        "TMPDIR",
        "TZ",
        "USER",
        "A",
        "B",
        "TIDEGATE_TEXT",
        "TIDEGATE_CHAT",
        "TIDEGATE_TRIGGER",
        // A shell's own.
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    ];
    let strange: Vec<_> = names.iter().filter(|name| !allowed.contains(name)).collect();
    assert_eq!(strange, Vec::<&&str>::new());
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "there is something to hide");
    let path = std::env::var("PATH").unwrap();
    for line in [
        "A=1",
        &format!("B={path}"),
        "LANG=C",
        "TIDEGATE_TEXT=two\nlines",
        "TIDEGATE_CHAT=chat-1",
        "TIDEGATE_TRIGGER=submit-message",
    ] {
        assert!(format!("\n{text}").contains(&format!("\n{line}\n")), "{line} in {text}");
    }

    let nul =
        Answer::of(shell("echo \"\\\"${TIDEGATE_TEXT-unset}\\\"\"", json!({})).answer(ask("a\0b")))
            .await;
    assert_eq!(nul.text(), "unset");
}

#[tokio::test]
async fn text_and_chunks_mix_and_a_last_line_needs_no_end() {
    let script = r#"echo '"a"'; echo; echo '{"type":"data-x","data":1}'; printf '"b"'"#;
    let answer = answer_of(script).await;
    let types: Vec<_> = answer.values().iter().map(|chunk| chunk["type"].clone()).collect();
    let text = ["text-start", "text-delta", "text-end"];
    assert_eq!(types, [&text[..], &["data-x"], &text[..]].concat());
    assert_eq!((answer.text().as_str(), answer.error), ("ab", None));
    let nothing = answer_of("exit 0").await;
    assert!(nothing.items.is_empty() && nothing.error.is_none());
}

/// Both pipes are full at once if only one side is served.
#[tokio::test]
async fn a_huge_history_and_a_child_that_talks_first_do_not_block_each_other() {
    let script = r#"yes '"x"' | head -n 100000; echo "\"$(head -n 1 | wc -c)\"""#;
    let history: Vec<_> = (0..80).map(|_| user(&"h".repeat(100_000))).collect();
    let answer = Answer::of(shell(script, json!({})).answer(request(history.clone()))).await;
    assert_eq!(answer.error, None);
    let text = answer.text();
    let length: usize = text.trim_start_matches('x').trim().parse().unwrap();
    assert_eq!(text.len() - text.trim_start_matches('x').len(), 100_000);
    assert!(length > 8_000_000, "{length}");

    // Nor does a child mind that it reads nothing of it.
    let answer = Answer::of(shell("echo '\"no\"'", json!({})).answer(request(history))).await;
    assert_eq!((answer.text().as_str(), answer.error), ("no", None));
}

#[tokio::test]
async fn the_program_is_looked_for_in_the_path_or_from_cwd() {
    let folder = tempfile::tempdir().unwrap();
    symlink("/bin/sh", folder.path().join("agent")).unwrap();
    for (program, path) in [("./agent", "/nowhere"), ("agent", folder.path().to_str().unwrap())] {
        let table = json!({
            "command": [program, "-c", "echo \"\\\"$0 $1 $PWD\\\"\"", "zero", "$HOME *"],
            "cwd": folder.path(),
            "env": {"PATH": path},
        });
        let answer = Answer::of(build("process", "a", table).unwrap().answer(ask("hi"))).await;
        let cwd = folder.path().canonicalize().unwrap();
        assert_eq!(answer.error, None);
        assert_eq!(answer.text(), format!("zero $HOME * {}", cwd.display()));
    }
}

/// R-PRC-3.
#[tokio::test]
async fn turns_wait_for_room() {
    let script = r#"case $TIDEGATE_TEXT in
        hold) echo '"held"'; read -r turn; read -r never ;;
        *) echo "\"$TIDEGATE_TEXT\"" ;;
    esac"#;
    let agent = shell(script, json!({"max_children": 1}));
    let mut holder = agent.answer(ask("hold"));
    assert!(holder.next().await.unwrap().is_ok());
    let mut second = Box::pin(Answer::of(agent.answer(ask("second"))));
    let mut third = Box::pin(Answer::of(agent.answer(ask("third"))));
    assert!((&mut second).now_or_never().is_none() && (&mut third).now_or_never().is_none());
    // One that leaves the queue holds up nobody.
    let mut fourth = agent.answer(ask("fourth"));
    assert!(fourth.next().now_or_never().is_none());
    drop(fourth);
    let fifth = Answer::of(agent.answer(ask("fifth")));
    drop(holder);
    let (second, third, fifth) = tokio::join!(second, third, fifth);
    assert_eq!([second.text(), third.text(), fifth.text()], ["second", "third", "fifth"]);
}

#[tokio::test]
async fn the_wait_for_room_has_an_end() {
    let script = "echo '\"held\"'; read -r turn; read -r never";
    let timeouts = json!({"first_byte_ms": 2_000});
    let agent = shell(script, json!({"max_children": 1, "timeouts": timeouts}));
    let mut holder = agent.answer(ask("hold"));
    assert!(holder.next().await.unwrap().is_ok());
    let answer = Answer::of(agent.answer(ask("late"))).await;
    assert_eq!(answer.failure().kind, BackendFault::Timeout);
    let reason = "no answer within 2000 ms: all 1 children are busy";
    assert!(answer.failure().message.ends_with(reason), "{:?}", answer.error);
}

/// R-PRC-10: what nobody asked for stays in the child.
#[tokio::test]
async fn a_child_that_is_too_fast_blocks() {
    const PIPE: u64 = 64 * 1024;
    let script = r#"echo "{\"type\":\"data-pid\",\"data\":$$}"; exec yes '"and again, and again"'"#;
    let mut stream = shell(script, json!({})).answer(ask("hi"));
    let pid = data(&mut stream).await;
    let written = || {
        let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
        line.unwrap().parse::<u64>().unwrap()
    };
    until("a full pipe", || written() >= PIPE).await;
    // A gateway that reads ahead would let it write without end.
    for _ in 0..100 {
        tokio::task::yield_now().await;
        assert!(written() <= 8 * PIPE, "{}", written());
    }
    let mut read = 0;
    while read < 64 * PIPE as usize {
        read += stream.next().await.unwrap().unwrap().len() * 20;
    }
}

#[test]
fn a_table_is_checked() {
    let refusal = |table: Value| build("process", "a", table).unwrap_err().to_string();
    for (table, reason) in [
        (json!({}), "missing field `command`"),
        (json!({"command": []}), "`command`: must name a program"),
        (json!({"command": ["", "x"]}), "`command`: must name a program"),
        (json!({"command": "sh agent.sh"}), "invalid type"),
        (json!({"command": ["sh", "a\0b"]}), "`command`: must not hold a NUL"),
        (json!({"command": ["sh"], "cwd": ""}), "`cwd`: must not be empty"),
        (json!({"command": ["sh"], "max_children": 0}), "`max_children`: must be from 1 to 4096"),
        (json!({"command": ["sh"], "max_children": 5000}), "`max_children`: must be from 1"),
        (json!({"command": ["sh"], "env": {"A=B": "1"}}), "`env.A=B`: is no name of a variable"),
        (json!({"command": ["sh"], "env": {"TIDEGATE_TEXT": "x"}}), "is set by the gateway"),
        (json!({"command": ["sh"], "env": {"A": "env:NO_SUCH_VAR"}}), "`env.A`: environment var"),
        (json!({"command": ["sh"], "env": {"A": "a\0b"}}), "`env.A`: must not hold a NUL"),
        (json!({"command": ["sh"], "timeouts": {"idle_ms": 0}}), "`timeouts.idle_ms`: must be"),
        (json!({"command": ["sh"], "timeouts": {"connect_ms": 1}}), "unknown field `connect_ms`"),
    ] {
        let refusal = refusal(table);
        assert!(refusal.contains(reason), "{refusal} should say {reason}");
    }
    let table = json!({"command": ["sh", "arg-s3cret"], "env": {"A": "s3cret-too"}});
    let agent = build("process", "a", table).unwrap();
    assert!(!agent.abilities().actions);
    assert!(!format!("{agent:?}").contains("s3cret"), "{agent:?}");
    let agent = build("process", "a", json!({"command": ["sh"], "actions": true})).unwrap();
    assert!(Arc::clone(&agent).abilities().actions);
}
