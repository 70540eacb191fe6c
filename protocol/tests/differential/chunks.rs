//! Random chunks of every type that `ai` 7 knows.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::rng::Rng;

/// Where each call's streamed input is in its text.
#[derive(Default)]
pub(crate) struct Inputs(HashMap<&'static str, (&'static str, usize)>);

const IDS: [&str; 3] = ["1", "2", "constructor"];
const CALLS: [&str; 3] = ["c1", "c2", "c3"];
const TOOLS: [&str; 2] = ["search", "get-time"];
const APPROVALS: [&str; 2] = ["p1", "p2"];
const TEXTS: [&str; 5] = ["", "a", "Hello ", "é\u{1f600}", "\"\\\n"];
const INPUTS: [&str; 8] = [
    r#"{"city": "Zürich", "days": [1, 2.5, -3e2], "ok": true, "no": null}"#,
    r#"{"a": {"b": [{"c": "x\u00e9\n\"q\" \ud83d\ude00"}, false, []]}, "d": {}}"#,
    r#"["one", {"two": 2}, [[nothing]]]"#,
    r#""just text \\ and more""#,
    "12.75e1 trailing",
    "{\"__proto__\": {\"x\": 1}}",
    "not json at all, {\"a\": 1}",
    "  {\n \"k\\\"ey\": truely, \"z\": fals",
];
const KINDS: [&str; 29] = [
    "start",
    "start-step",
    "finish-step",
    "reset-step",
    "finish",
    "abort",
    "error",
    "message-metadata",
    "text-start",
    "text-delta",
    "text-end",
    "reasoning-start",
    "reasoning-delta",
    "reasoning-end",
    "tool-input-start",
    "tool-input-delta",
    "tool-input-available",
    "tool-input-error",
    "tool-approval-request",
    "tool-approval-response",
    "tool-output-available",
    "tool-output-error",
    "tool-output-denied",
    "source-url",
    "source-document",
    "file",
    "reasoning-file",
    "custom",
    "steering-message",
];
/// Types that come more often, as they do in a real stream.
const COMMON: [&str; 8] = [
    "text-start",
    "text-delta",
    "text-delta",
    "tool-input-start",
    "tool-input-delta",
    "tool-input-delta",
    "tool-output-available",
    "data-x",
];

pub(crate) fn any(rng: &mut Rng, inputs: &mut Inputs) -> Value {
    let kind = match rng.below(10) {
        0..5 => *rng.pick(&COMMON),
        5 => *rng.pick(&["data-x", "data-y-z"]),
        _ => *rng.pick(&KINDS),
    };
    let mut chunk = Map::new();
    chunk.insert("type".into(), kind.into());
    let fields = match kind {
        _ if kind.starts_with("tool-") => tool(rng, kind, inputs),
        _ if kind.starts_with("text-") || kind.starts_with("reasoning-") => prose(rng, kind),
        _ => other(rng, kind),
    };
    let optional = if kind == "reasoning-file" { other(rng, kind) } else { fields };
    chunk.extend(optional.as_object().cloned().unwrap_or_default());
    if rng.chance(3) {
        chunk.insert("unknownField".into(), json!({"kept": true}));
    }
    Value::Object(chunk)
}

/// Breaks one field: removes it or gives it another type.
pub(crate) fn damage(rng: &mut Rng, chunk: &mut Value) {
    let Some(map) = chunk.as_object_mut() else { return };
    let keys: Vec<String> = map.keys().filter(|key| *key != "type").cloned().collect();
    if keys.is_empty() {
        return;
    }
    let key = rng.pick(&keys);
    if rng.chance(40) {
        map.shift_remove(key);
    } else {
        let wrong =
            [json!(null), json!(5), json!("data:,x"), json!([1]), json!({"a": 1}), json!(true)];
        map.insert(key.clone(), rng.pick(&wrong).clone());
    }
}

fn maybe(rng: &mut Rng, into: &mut Value, key: &str, values: &[Value]) {
    if rng.chance(30) {
        into[key] = rng.pick(values).clone();
    }
}

fn provider_metadata(rng: &mut Rng, into: &mut Value) {
    let values = [json!({"p": {"k": 1}}), json!({"q": {"deep": [null, {"x": "y"}]}}), json!({})];
    maybe(rng, into, "providerMetadata", &values);
}

fn prose(rng: &mut Rng, kind: &str) -> Value {
    let mut out = json!({"id": rng.pick(&IDS)});
    provider_metadata(rng, &mut out);
    if kind.ends_with("-delta") {
        out["delta"] = json!(rng.pick(&TEXTS));
    }
    if kind == "text-end" {
        let source = json!({"type": "source", "sourceType": "url", "id": "s", "url": "u", "x": 1});
        let document = json!({"type": "source", "sourceType": "document", "id": "s",
            "mediaType": "t/p", "title": "T"});
        let lists = [
            json!([]),
            json!([{"source": source, "startIndex": 0, "endIndex": 4.0, "extra": 1}]),
            json!([{"source": document, "citedText": "c"}]),
        ];
        maybe(rng, &mut out, "citations", &lists);
        if rng.chance(3) {
            out["citations"] = json!([{"source": source, "startIndex": 1.5}]);
        }
    }
    out
}

fn tool(rng: &mut Rng, kind: &str, inputs: &mut Inputs) -> Value {
    let call = *rng.pick(&CALLS);
    let mut out = json!({"toolCallId": call});
    let values = [json!({"a": 1}), json!([1]), json!("text"), json!(null), json!(0.5)];
    match kind {
        "tool-input-start" => {
            inputs.0.insert(call, (*rng.pick(&INPUTS), 0));
            maybe(rng, &mut out, "inputEncoding", &[json!("json"), json!("text")]);
        }
        "tool-input-delta" => {
            let (text, at) = inputs.0.entry(call).or_insert((INPUTS[0], 0));
            let left: Vec<char> = text.chars().skip(*at).collect();
            let take = rng.below(left.len().min(12) + 1);
            *at += take;
            out["inputTextDelta"] = json!(left[..take].iter().collect::<String>());
            return out;
        }
        "tool-approval-request" => {
            out["approvalId"] = json!(rng.pick(&APPROVALS));
            maybe(rng, &mut out, "approvalDescriptor", &values);
            maybe(rng, &mut out, "inputSchemaInput", &values);
            maybe(rng, &mut out, "reason", &[json!("why"), json!("")]);
            maybe(rng, &mut out, "isAutomatic", &[json!(true), json!(false)]);
            maybe(rng, &mut out, "signature", &[json!("sig")]);
            return out;
        }
        "tool-approval-response" => {
            out = json!({"approvalId": rng.pick(&APPROVALS), "approved": rng.chance(50)});
            maybe(rng, &mut out, "reason", &[json!("because"), json!("")]);
        }
        "tool-input-available" | "tool-input-error" => out["input"] = rng.pick(&values).clone(),
        "tool-output-available" => {
            out["output"] = rng.pick(&values).clone();
            maybe(rng, &mut out, "preliminary", &[json!(true), json!(false)]);
        }
        _ => {}
    }
    if kind.starts_with("tool-input-") {
        out["toolName"] = json!(rng.pick(&TOOLS));
        maybe(rng, &mut out, "title", &[json!("Title"), json!("")]);
    }
    if kind.ends_with("-error") {
        out["errorText"] = json!(rng.pick(&TEXTS));
    }
    if !kind.starts_with("tool-approval") {
        maybe(rng, &mut out, "dynamic", &[json!(true), json!(false)]);
        maybe(rng, &mut out, "toolMetadata", &[json!({"icon": [1]}), json!({})]);
    }
    maybe(rng, &mut out, "providerExecuted", &[json!(true), json!(false)]);
    provider_metadata(rng, &mut out);
    out
}

fn other(rng: &mut Rng, kind: &str) -> Value {
    let metadata = [
        json!({"a": 1, "n": {"x": 1}}),
        json!({"n": {"y": [2]}, "a": null}),
        json!(null),
        json!({"n": 3, "constructor": 1}),
        json!([1, 2]),
        json!("text"),
    ];
    let mut out = json!({});
    match kind {
        "start" => {
            maybe(rng, &mut out, "messageId", &[json!("m1"), json!("m1"), json!("m2")]);
            maybe(rng, &mut out, "messageMetadata", &metadata);
        }
        "finish" => {
            let reasons = ["stop", "length", "tool-calls", "error", "interrupted", "unknown"];
            maybe(rng, &mut out, "finishReason", &reasons.map(Value::from));
            maybe(rng, &mut out, "messageMetadata", &metadata);
        }
        "message-metadata" => out["messageMetadata"] = rng.pick(&metadata).clone(),
        "abort" => maybe(rng, &mut out, "reason", &[json!("user")]),
        "error" => out["errorText"] = json!("shown to the user"),
        "custom" => {
            out["kind"] = json!("acme.widget");
            provider_metadata(rng, &mut out);
        }
        "file" | "reasoning-file" => {
            out = json!({"url": "data:,x", "mediaType": "text/plain"});
            provider_metadata(rng, &mut out);
        }
        "source-url" => {
            out = json!({"sourceId": "s1", "url": "https://example.test/"});
            maybe(rng, &mut out, "title", &[json!("T"), json!("")]);
            provider_metadata(rng, &mut out);
        }
        "source-document" => {
            out = json!({"sourceId": "s2", "mediaType": "application/pdf", "title": "Doc"});
            maybe(rng, &mut out, "filename", &[json!("d.pdf")]);
            provider_metadata(rng, &mut out);
        }
        "steering-message" => {
            let file = json!({"type": "file", "mediaType": "a/b", "url": "u", "filename": "f",
                "providerReference": {"p": "id"}});
            let lists = [json!([]), json!([{"type": "text", "text": "hurry"}, file])];
            out = json!({"id": "u9", "parts": rng.pick(&lists)});
        }
        _ if kind.starts_with("data-") => {
            out["data"] = json!({"n": rng.below(5)});
            maybe(rng, &mut out, "id", &[json!("d1"), json!("d2"), json!("")]);
            maybe(rng, &mut out, "transient", &[json!(true), json!(false)]);
        }
        _ => {}
    }
    out
}
