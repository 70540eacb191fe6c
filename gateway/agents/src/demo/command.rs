//! What the newest user message asks for.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tidegate_core::seams::backend::{BackendFault, TurnRequest};
use tidegate_protocol::input::Trigger;

use super::parts::{HELP, MARKDOWN, PIXEL, weather};
use super::script::{Deltas, Script};

/// A command with its argument, or plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Command<'a> {
    name: Option<&'a str>,
    argument: &'a str,
}

impl<'a> Command<'a> {
    /// `/name argument`; anything else is plain text.
    pub(super) fn parse(text: &'a str) -> Self {
        let text = text.trim();
        match text.strip_prefix('/') {
            Some(rest) => {
                let (name, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                Self { name: Some(name), argument: argument.trim() }
            }
            None => Self { name: None, argument: text },
        }
    }

    /// Writes the answer.
    pub(super) fn write(self, script: &mut Script, request: &TurnRequest) {
        match self.name {
            Some("fail-first") => {
                return script.fail(BackendFault::Unavailable, "failed as asked, before any word");
            }
            Some("hang-first") => return script.hang(),
            Some("wait") => script.wait(Duration::from_millis(self.number(0, 1_000))),
            _ => {}
        }
        script.start(&request.answer_id);
        script.start_step();
        if request.trigger == Trigger::Regenerate {
            script.text(&format!("Once more, in turn {}, with other words. ", request.turn));
        }
        if self.body(script, request) {
            script.finish();
        }
    }

    /// Writes what is between `start-step` and `finish-step`; false if there is no proper end.
    fn body(self, script: &mut Script, request: &TurnRequest) -> bool {
        match self.name {
            None => script.text(&echo(self.argument)),
            Some("help") => script.text(HELP),
            Some("words") => {
                let pace = self.word(1).map(|_| Duration::from_millis(self.number(1, 0)));
                script.text_of(Deltas::Numbered { next: 1, last: self.number(0, 20) }, pace);
            }
            Some("wait") => {
                let text = self.argument.split_once(' ').map_or("", |(_, text)| text);
                script.text(&format!("That was worth the wait. {}", echo(text)));
            }
            Some("flood") => {
                let bytes = usize::try_from(self.number(1, 16).min(16 * 1024)).unwrap_or(16) * 1024;
                let blocks = Deltas::Blocks { left: self.number(0, 100), bytes };
                script.text_of(blocks, Some(Duration::ZERO));
            }
            Some("reason") => {
                script.reasoning("First I look at the question. Then I look at the tide.");
                script.text(&echo(self.argument));
            }
            Some("steps") => self.steps(script),
            Some("meta") => script.text(&meta(request)),
            Some("markdown") => script.text(MARKDOWN),
            Some("tool" | "tool-error") => self.server_tool(script, &request.answer_id),
            Some("approve") => self.approval(script, &request.answer_id),
            Some("client") => self.client_tools(script, &request.answer_id),
            Some("data" | "source" | "file" | "message-metadata") => self.other_parts(script),
            Some(name) => return self.broken(name, script),
        }
        true
    }

    fn steps(self, script: &mut Script) {
        let steps = self.number(0, 2).clamp(1, 100);
        for step in 1..=steps {
            if step > 1 {
                script.finish_step();
                script.start_step();
            }
            script.text(&format!("This is step {step} of {steps}."));
        }
    }

    fn server_tool(self, script: &mut Script, answer: &str) {
        let city = self.argument_or("Utrecht");
        let call = call_id(answer, 1);
        script.text(&format!("Let me look at the weather in {city}."));
        tool_input(script, &call, "weather", "city", city);
        script.beat();
        if self.name == Some("tool-error") {
            let text = format!("no weather station in {city}");
            let chunk = json!({"type": "tool-output-error", "toolCallId": call, "errorText": text});
            script.chunk(chunk);
            next_step(script);
            return script.text(&format!("I could not find out: {text}."));
        }
        let output = weather(city);
        let text =
            format!("It is {} in {city}, at {} °C.", word(&output["sky"]), output["celsius"]);
        script.chunk(json!({
            "type": "tool-output-available", "toolCallId": call, "output": output,
        }));
        next_step(script);
        script.text(&text);
    }

    fn approval(self, script: &mut Script, answer: &str) {
        let item = self.argument_or("the parcel");
        let call = call_id(answer, 1);
        script.text(&format!("I can ship {item}, if you approve."));
        tool_input(script, &call, "ship", "item", item);
        script.chunk(json!({
            "type": "tool-approval-request",
            "approvalId": format!("{call}-approval"),
            "toolCallId": call,
        }));
    }

    fn client_tools(self, script: &mut Script, answer: &str) {
        let names = self.argument_or("location");
        script.text("Your client has to help me with this one.");
        for (index, name) in (1..).zip(names.split(',').map(str::trim)) {
            tool_input(script, &call_id(answer, index), "ask_client", "question", name);
        }
    }

    fn other_parts(self, script: &mut Script) {
        let chunks = match self.name {
            Some("data") => vec![
                json!({"type": "data-notice", "data": {"text": "wait"}, "transient": true}),
                json!({"type": "data-progress", "id": "progress", "data": {"percent": 0}}),
                json!({"type": "data-progress", "id": "progress", "data": {"percent": 50}}),
                json!({"type": "data-progress", "id": "progress", "data": {"percent": 100}}),
                json!({"type": "data-result", "data": {"rows": [[1, "low"], [2, "high"]]}}),
            ],
            Some("source") => vec![
                json!({"type": "source-url", "sourceId": "s1", "url": "https://example.com/tides",
                    "title": "Tides"}),
                json!({"type": "source-document", "sourceId": "s2", "mediaType": "text/plain",
                    "title": "Almanac", "filename": "almanac.txt"}),
            ],
            Some("file") => vec![json!({"type": "file", "mediaType": "image/png", "url": PIXEL})],
            _ => vec![
                json!({"type": "message-metadata", "messageMetadata": {"mood": "calm"}}),
                json!({"type": "message-metadata", "messageMetadata": {"words": {"count": 9}}}),
            ],
        };
        for chunk in chunks {
            script.chunk(chunk);
            script.beat();
        }
        script.text("Here is what you asked for, between the lines.");
    }

    /// Answers without a proper end.
    fn broken(self, name: &str, script: &mut Script) -> bool {
        match name {
            "fail" => {
                script.open_text("Everything goes well until ");
                script.fail(BackendFault::Unavailable, self.argument_or("failed as asked"));
            }
            "error" => {
                script.open_text("Everything goes well until ");
                let text = self.argument_or("an error as asked");
                script.chunk(json!({"type": "error", "errorText": text}));
            }
            "abort" => {
                script.open_text("I have changed my ");
                script.chunk(json!({"type": "abort"}));
            }
            "broken" => {
                script.text("The next chunk belongs to no part.");
                script.chunk(json!({"type": "text-delta", "id": "nobody", "delta": "lost"}));
                return true;
            }
            "cut" => script.open_text("This answer has no "),
            "hang" => {
                script.open_text("Still here ");
                script.hang();
            }
            _ => {
                script.text(&format!("I do not know /{name}. Say /help to see what I know."));
                return true;
            }
        }
        false
    }

    fn word(self, index: usize) -> Option<&'a str> {
        self.argument.split_whitespace().nth(index)
    }

    fn number(self, index: usize, default: u64) -> u64 {
        self.word(index).and_then(|word| word.parse().ok()).unwrap_or(default)
    }

    fn argument_or(self, default: &'a str) -> &'a str {
        if self.argument.is_empty() { default } else { self.argument }
    }
}

fn echo(text: &str) -> String {
    format!("You said: “{text}”. Thank you for telling me, the tide is listening.")
}

fn meta(request: &TurnRequest) -> String {
    let mut map = Map::new();
    map.insert("chatId".to_owned(), Value::from(&*request.chat_id));
    map.insert("turn".to_owned(), request.turn.into());
    map.insert("attempt".to_owned(), request.attempt.into());
    map.insert("messages".to_owned(), request.messages.len().into());
    map.insert("metadata".to_owned(), request.metadata.clone().unwrap_or_default());
    map.insert("rest".to_owned(), Value::Object(request.rest.clone()));
    Value::Object(map).to_string()
}

fn call_id(answer: &str, index: usize) -> String {
    format!("{answer}-call-{index}")
}

fn next_step(script: &mut Script) {
    script.finish_step();
    script.start_step();
}

/// A tool call with one text argument, its input streamed in two pieces.
fn tool_input(script: &mut Script, call: &str, tool: &str, key: &str, value: &str) {
    let input = json!({ key: value });
    let text = input.to_string();
    let middle = text.floor_char_boundary(text.len() / 2);
    script.chunk(json!({"type": "tool-input-start", "toolCallId": call, "toolName": tool}));
    for piece in [&text[..middle], &text[middle..]] {
        script.chunk(
            json!({"type": "tool-input-delta", "toolCallId": call, "inputTextDelta": piece}),
        );
        script.beat();
    }
    script.chunk(json!({
        "type": "tool-input-available", "toolCallId": call, "toolName": tool, "input": input,
    }));
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
