//! The published reducers, in one Node process.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tidegate_protocol::ui::parse_js;

use crate::generator::{Case, UNKNOWN};

pub(crate) struct Node {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Node {
    /// Panics, with what to do, where Node or the packages are missing.
    pub(crate) fn start() -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/differential");
        let installed = folder.join("node_modules/ai7/package.json");
        assert!(installed.exists(), "{} is missing: run tests/run", installed.display());
        let mut child = Command::new("node")
            .arg(folder.join("reduce.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("node does not start ({error}): run tests/run"));
        let input = child.stdin.take().expect("stdin is piped");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, input, output }
    }

    /// What those versions make of each case, in order.
    pub(crate) fn reduce(&mut self, cases: &[Case], versions: &[&str]) -> Vec<Value> {
        self.ask(cases, |case| {
            json!({"initial": case.initial, "chunks": case.chunks, "versions": versions,
                "unchecked": UNKNOWN})
        })
    }

    /// Whether `ai` 7 accepts each message as one of a history.
    pub(crate) fn keep(&mut self, messages: &[Value]) -> Vec<Value> {
        self.ask(messages, |message| json!({"messages": [message], "versions": ["ai7"]}))
    }

    /// The model messages that `ai` 6 makes of each message.
    pub(crate) fn for_model(&mut self, messages: &[Value]) -> Vec<Value> {
        self.ask(messages, |message| json!({"convert": [message], "versions": ["ai6"]}))
    }

    fn ask<T: Sync>(&mut self, items: &[T], request: impl Fn(&T) -> Value + Send) -> Vec<Value> {
        let Self { input, output, .. } = self;
        std::thread::scope(|scope| {
            // A thread of its own, since both pipes are bounded.
            scope.spawn(move || {
                for (id, item) in items.iter().enumerate() {
                    let mut request = request(item);
                    request["id"] = id.into();
                    writeln!(input, "{request}").expect("node reads its input");
                }
            });
            let answer = |id| {
                let mut line = String::new();
                output.read_line(&mut line).expect("node writes its output");
                let answer = parse_js(&line).unwrap_or_else(|e| panic!("node: {e}: {line}"));
                assert_eq!(answer["id"], id, "node: {line}");
                answer
            };
            (0..items.len()).map(answer).collect()
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
