//! Sequences as a backend would send them: unique ids, every part opened and closed once.

use serde_json::{Value, json};

use crate::generator::Case;
use crate::rng::Rng;

pub(crate) fn case(rng: &mut Rng) -> Case {
    let mut out = Vec::new();
    out.push(match rng.below(3) {
        0 => json!({"type": "start"}),
        1 => json!({"type": "start", "messageId": "m1", "messageMetadata": {"a": {"b": 1}}}),
        _ => json!({"type": "start", "messageId": "m2"}),
    });
    let mut next = 0;
    for _ in 0..=rng.below(3) {
        out.push(json!({"type": "start-step"}));
        let mut late = Vec::new();
        for _ in 0..rng.below(4) {
            next += 1;
            part(rng, next, &mut out, &mut late);
        }
        out.push(json!({"type": "finish-step"}));
        out.append(&mut late);
    }
    out.push(match rng.below(4) {
        0 => json!({"type": "abort", "reason": "stopped"}),
        1 => json!({"type": "finish", "messageMetadata": {"a": {"c": 2}}}),
        2 => json!({"type": "finish", "finishReason": "tool-calls"}),
        _ => json!({"type": "finish"}),
    });
    rare(rng, &mut out);
    let initial = json!({"id": "m1", "role": "assistant", "parts": []});
    Case { initial, chunks: out }
}

/// What only some versions know. Seldom, since a refusal hides everything after it.
fn rare(rng: &mut Rng, out: &mut Vec<Value>) {
    if rng.chance(80) {
        return;
    }
    let kinds = [
        json!({"type": "custom", "kind": "acme.widget"}),
        json!({"type": "reasoning-file", "url": "data:,x", "mediaType": "text/plain"}),
        json!({"type": "steering-message", "id": "u", "parts": []}),
        json!({"type": "reset-step"}),
        json!({"type": "finish", "finishReason": "interrupted"}),
        json!({"type": "finish", "finishReason": "unknown"}),
    ];
    let at = 1 + rng.below(out.len());
    out.insert(at, rng.pick(&kinds).clone());
}

fn part(rng: &mut Rng, n: usize, out: &mut Vec<Value>, late: &mut Vec<Value>) {
    let meta = json!({"p": {"n": n}});
    let id = format!("part-{n}");
    match rng.below(10) {
        kind @ 0..3 => {
            let name = if kind == 0 { "reasoning" } else { "text" };
            out.push(json!({"type": format!("{name}-start"), "id": id, "providerMetadata": meta}));
            out.push(json!({"type": format!("{name}-delta"), "id": id, "delta": "one "}));
            let mut end = json!({"type": format!("{name}-end"), "id": id});
            if name == "text" && rng.chance(20) {
                let source = json!({"type": "source", "sourceType": "url", "id": "s", "url": "u"});
                end["citations"] = json!([{"source": source}]);
            }
            // A merged stream may finish its step while another one's text goes on.
            let to = if rng.chance(10) { late } else { out };
            to.push(json!({"type": format!("{name}-delta"), "id": id, "delta": "two"}));
            to.push(end);
        }
        3 => out.push(json!({"type": "file", "url": "data:,x", "mediaType": "text/plain",
            "providerMetadata": meta})),
        4 => out.push(json!({"type": "source-url", "sourceId": id, "url": "u", "title": "T",
            "providerMetadata": meta})),
        5 => out.push(json!({"type": "data-x", "id": "d", "data": n})),
        _ => tool(rng, &format!("call-{n}"), out),
    }
}

fn tool(rng: &mut Rng, id: &str, out: &mut Vec<Value>) {
    let dynamic = rng.chance(40);
    let mut call = Call { id, dynamic, out };
    if rng.chance(70) {
        let encoding = json!({"inputEncoding": "text"});
        let start = if rng.chance(10) { encoding } else { json!({}) };
        let start = extras(rng, start);
        call.push(rng, "tool-input-start", start);
        call.push(rng, "tool-input-delta", json!({"inputTextDelta": "{\"q\": \"x"}));
    }
    if rng.chance(10) {
        let error = extras(rng, json!({"input": "{\"q", "errorText": "bad input"}));
        return call.push(rng, "tool-input-error", error);
    }
    if rng.chance(10) {
        return; // Cut off while its input was streaming.
    }
    let input = extras(rng, json!({"input": {"q": "x"}}));
    call.push(rng, "tool-input-available", input);
    if rng.chance(30) {
        call.ask(rng);
    }
    match rng.below(6) {
        0 => {}
        1 => call.push(rng, "tool-output-denied", json!({})),
        2 => {
            let error = extras(rng, json!({"errorText": "failed"}));
            call.push(rng, "tool-output-error", error);
        }
        kind => {
            if kind == 3 {
                call.push(rng, "tool-output-available", json!({"output": 1, "preliminary": true}));
            }
            let output = extras(rng, json!({"output": [1, 2]}));
            call.push(rng, "tool-output-available", output);
        }
    }
}

struct Call<'a> {
    id: &'a str,
    dynamic: bool,
    out: &'a mut Vec<Value>,
}

impl Call<'_> {
    fn push(&mut self, rng: &mut Rng, kind: &str, more: Value) {
        let mut chunk = json!({"type": kind, "toolCallId": self.id});
        let map = chunk.as_object_mut().expect("an object");
        map.extend(more.as_object().cloned().unwrap_or_default());
        if kind.starts_with("tool-input-") && kind != "tool-input-delta" {
            map.insert("toolName".into(), "search".into());
        }
        let flagged = kind != "tool-input-delta" && !kind.starts_with("tool-approval");
        // Later versions need no `dynamic` on outputs.
        if self.dynamic && flagged && !(kind.starts_with("tool-output") && rng.chance(30)) {
            map.insert("dynamic".into(), true.into());
        }
        self.out.push(chunk);
    }

    fn ask(&mut self, rng: &mut Rng) {
        let approval = format!("approve-{}", self.id);
        let mut ask = json!({"approvalId": approval});
        for (key, extra) in [
            ("isAutomatic", json!(true)),
            ("reason", json!("costly")),
            ("signature", json!("s")),
            ("approvalDescriptor", json!({"x": 1})),
        ] {
            if rng.chance(15) {
                ask[key] = extra;
            }
        }
        self.push(rng, "tool-approval-request", ask);
        if rng.chance(20) {
            let answer = json!({"approvalId": approval, "approved": true});
            self.push(rng, "tool-approval-response", answer);
        }
    }
}

fn extras(rng: &mut Rng, mut value: Value) -> Value {
    for (key, extra) in [
        ("title", json!("Search")),
        ("toolMetadata", json!({"icon": "i"})),
        ("providerMetadata", json!({"p": {"call": 1}})),
        ("providerExecuted", json!(true)),
    ] {
        if rng.chance(30) {
            value[key] = extra;
        }
    }
    value
}
