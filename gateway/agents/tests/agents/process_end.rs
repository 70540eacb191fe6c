//! How children end: with their answer, with whoever wanted it, or with the gateway.

use std::path::Path;

use futures_util::{FutureExt, StreamExt};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tidegate_core::seams::backend::AnswerStream;

use crate::process_support::{answer_of, data, gone, is_alive, shell, until};
use crate::support::{Answer, ask};

/// Shell that shows the id `which`.
fn show(which: &str) -> String {
    format!("echo '{{\"type\":\"data-pid\",\"data\":'{which}'}}'")
}

fn started(script: &str, file: &Path) -> AnswerStream {
    shell(script, json!({"env": {"FILE": file.to_str().unwrap()}})).answer(ask("hi"))
}

fn text_of(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}

#[tokio::test]
async fn a_stop_is_a_sigterm_for_the_whole_group() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let script = |name: &str| {
        let trap = format!("trap 'echo {name} >> \"$FILE\"; exit' TERM");
        format!("{trap}; {}; while :; do sleep 0.02; done", show("$$"))
    };
    let env = json!({"FILE": file.to_str().unwrap(), "INNER": script("inner")});
    let script = format!("sh -c \"$INNER\" & {}", script("outer"));
    let mut stream = shell(&script, json!({"env": env})).answer(ask("hi"));
    let mut pids = Vec::new();
    while pids.len() < 2 {
        let item = stream.next().await.unwrap().unwrap();
        pids.extend(item.iter().map(|chunk| chunk.value["data"].clone()));
    }
    assert!(pids.iter().all(is_alive));
    drop(stream);
    until("both traps", || text_of(&file).lines().count() == 2).await;
    for pid in &pids {
        gone(pid).await;
    }
    let mut lines: Vec<_> = text_of(&file).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["inner", "outer"]);
}

#[tokio::test]
async fn a_child_that_ignores_sigterm_is_killed() {
    let wait = "while :; do sleep 0.02; done";
    let script = format!("trap '' TERM; ( {wait} ) & {}; {}; {wait}", show("$$"), show("$!"));
    let agent = shell(&script, json!({"max_children": 1}));
    let mut pids = Vec::new();
    let mut stream = agent.answer(ask("hi"));
    while pids.len() < 2 {
        let item = stream.next().await.unwrap().unwrap();
        pids.extend(item.iter().map(|chunk| chunk.value["data"].clone()));
    }
    drop(stream);
    for pid in &pids {
        gone(pid).await;
    }
    // Its room is free again.
    assert!(agent.answer(ask("hi")).next().await.unwrap().is_ok());
}

/// R-PRC-4: the end of its input tells a child that nobody waits any more.
#[tokio::test]
async fn the_input_stays_open_until_the_answer_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let script =
        format!("trap '' TERM; read -r turn; {}; read -r more || echo end > \"$FILE\"", show("$$"));
    let mut stream = started(&script, &file);
    let pid = data(&mut stream).await;
    assert!(stream.next().now_or_never().is_none());
    assert_eq!((text_of(&file).as_str(), is_alive(&pid)), ("", true));
    drop(stream);
    until("the end of input", || text_of(&file) == "end\n").await;
    gone(&pid).await;
}

#[tokio::test]
async fn an_answer_that_nobody_polls_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    drop(started("echo started > \"$FILE\"", &file));
    // One that is polled does, and comes later.
    assert!(answer_of("exit 0").await.error.is_none());
    assert_eq!(text_of(&file), "");
}

/// R-PRC-13.
#[tokio::test]
async fn what_a_command_leaves_running_ends_with_it() {
    let leave = "sleep 1000 & ";
    for (end, is_good) in [("exit 0", true), ("exit 1", false)] {
        let answer = answer_of(&format!("{leave} {}; {end}", show("$!"))).await;
        assert_eq!(answer.error.is_none(), is_good, "{:?}", answer.error);
        gone(&answer.values()[0]["data"]).await;
    }
    let stubborn = "trap '' TERM; (while :; do sleep 0.02; done) & ";
    let answer = answer_of(&format!("{stubborn} {}", show("$!"))).await;
    assert_eq!(answer.error, None);
    gone(&answer.values()[0]["data"]).await;
}

/// R-PRC-7: a process that left the group can't be ended, but it can't hold up the answer either.
#[tokio::test]
async fn strangers_who_hold_the_output_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let script = "setsid sh -c 'echo $$ > \"$FILE\"; exec sleep 1000' &
        until [ -s \"$FILE\" ]; do sleep 0.01; done; echo '\"x\"'";
    let answer = Answer::of(started(script, &file)).await;
    assert_eq!((answer.text().as_str(), &answer.error), ("x", &None));
    let pid: i32 = text_of(&file).trim().parse().unwrap();
    assert!(is_alive(&pid.into()));
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();

    // This one ends at its first write after the answer.
    let answer = answer_of("echo '\"x\"'; setsid yes '' & sleep 0.05").await;
    assert_eq!((answer.text().as_str(), answer.error), ("x", None));
}

#[tokio::test]
async fn a_failed_answer_ends_its_child_also_while_chunks_wait() {
    let script = format!("{}; sleep 0.1; printf '\"seen\"\\n{{oops\\n'; sleep 1000", show("$$"));
    let mut stream = shell(&script, json!({})).answer(ask("hi"));
    let pid = data(&mut stream).await;
    // The error waits behind these; its cause does not.
    let chunks = stream.next().await.unwrap().unwrap();
    assert_eq!(chunks.last().unwrap().value["delta"], "seen");
    gone(&pid).await;
    assert!(stream.next().await.unwrap().is_err());
    assert!(stream.next().await.is_none());
}

#[test]
fn children_end_with_the_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let script = format!(
        "trap '' TERM; sleep 1000 & {}; {}; while :; do sleep 0.02; done",
        show("$$"),
        show("$!")
    );
    let (stream, pids) = runtime.block_on(async {
        let mut stream = shell(&script, json!({})).answer(ask("hi"));
        let mut pids: Vec<Value> = Vec::new();
        while pids.len() < 2 {
            let item = stream.next().await.unwrap().unwrap();
            pids.extend(item.iter().map(|chunk| chunk.value["data"].clone()));
        }
        (stream, pids)
    });
    assert!(pids.iter().all(is_alive));
    drop(runtime);
    drop(stream);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for pid in &pids {
            gone(pid).await;
        }
    });
}

#[tokio::test]
async fn many_children_at_once_answer_all() {
    let agent = shell("IFS= read -r turn; echo \"\\\"$TIDEGATE_TEXT\\\"\"", json!({}));
    let answers = (0..100).map(|number| Answer::of(agent.answer(ask(&number.to_string()))));
    let answers = futures_util::future::join_all(answers).await;
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!((answer.text(), &answer.error), (number.to_string(), &None));
    }
}
