//! The agent of the suite of turns (`tests/native/suite/README.md`), in Rust.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_client::{Agent, AgentError, Answer, Tool, Turn, Worker, WorkerError};

#[tokio::main]
async fn main() -> Result<(), WorkerError> {
    let url = std::env::var("TIDEGATE_URL").unwrap_or("http://127.0.0.1:8787".into());
    let key = std::env::var("TIDEGATE_KEY").expect("TIDEGATE_KEY is set");
    let suite = tools().into_iter().fold(Agent::new("suite-rust", suite), Agent::tool);
    let suite = odd_tools().into_iter().fold(suite, Agent::tool).with_actions();
    let suite = suite.on_turn_start(accept);
    Worker::connect(&url, &key).agent(suite).capacity(64).run().await
}

fn tools() -> [Tool; 5] {
    let nothing = json!({"type": "object"});
    let query = json!({"type": "object", "properties": {"query": {"type": "string"}},
        "required": ["query"]});
    let search = Tool::new("search", query, async |input: Value, _call| {
        Ok::<_, AgentError>(json!({"found": input["query"]}))
    });
    let breaks =
        Tool::new("breaks", nothing.clone(), async |_: Value, _call| Err::<Value, _>("no luck"));
    let sleeps = Tool::new("sleeps", nothing.clone(), async |_: Value, _call| {
        std::future::pending::<Result<Value, AgentError>>().await
    });
    let delete = Tool::new("delete_file", nothing.clone(), async |_: Value, _call| {
        Ok::<_, AgentError>(Value::Null)
    });
    let search = search.description("Finds what it is asked for");
    let delete = delete.needs_approval_if(|_| true);
    [search, breaks, sleeps, delete, Tool::in_client("show_map", nothing)]
}

/// What no gateway takes: a tool with a name, or one with a schema, of the environment.
fn odd_tools() -> Vec<Tool> {
    let named = std::env::var("SUITE_TOOL").ok();
    let named = named.map(|name| Tool::in_client(&name, json!({"type": "object"})));
    let schema = std::env::var("SUITE_SCHEMA").ok();
    let schema = schema.map(|text| serde_json::from_str(&text).expect("SUITE_SCHEMA is JSON"));
    named.into_iter().chain(schema.map(|schema| Tool::in_client("odd", schema))).collect()
}

async fn accept(turn: Turn, _: Answer) -> Result<(), AgentError> {
    if turn.text().ends_with("+ reject") { Err("not today".into()) } else { Ok(()) }
}

async fn suite(turn: Turn, answer: Answer) -> Result<(), AgentError> {
    if let Some(action) = turn.action() {
        return act(action, &answer).await;
    }
    if turn.continues() {
        return resumed(&turn, &answer).await;
    }
    let text = turn.text();
    let (command, rest) = text.split_once(' ').unwrap_or((&text, ""));
    match command {
        "say" => {
            for (index, word) in rest.split(' ').enumerate() {
                let space = if index == 0 { "" } else { " " };
                answer.text(&format!("{space}{word}")).await?;
            }
        }
        "history" => answer.text(&history(&turn)).await?,
        "wait" => {
            answer.text("Tick.").await?;
            std::future::pending::<()>().await;
        }
        "count" => {
            for number in 1..=rest.parse::<u32>()? {
                answer.text(&format!("{number} ")).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        "delete" => delete(&turn, rest, &answer).await?,
        "fail" => {
            answer.text("Half").await?;
            return Err("out of order".into());
        }
        "model" => answer.text("Ran.").await?,
        "which" => answer.text(turn.trigger()).await?,
        "meta" => answer.text(&turn.metadata().unwrap_or(&Value::Null).to_string()).await?,
        "cite" => cite(&answer).await?,
        _ => return Err("unknown command".into()),
    }
    Ok(())
}

async fn act(action: &Value, answer: &Answer) -> Result<(), AgentError> {
    match (action["type"].as_str(), action["name"].as_str()) {
        (Some("greet"), Some(name)) => Ok(answer.text(&format!("Hello {name}.")).await?),
        _ => Err("unknown action".into()),
    }
}

fn history(turn: &Turn) -> String {
    let users = turn.messages().iter().filter(|message| message["role"] == "user");
    let texts: Vec<&str> =
        users.filter_map(|message| message["parts"][0]["text"].as_str()).collect();
    format!("{}: {}", turn.messages().len(), texts.join(" | "))
}

async fn delete(turn: &Turn, name: &str, answer: &Answer) -> Result<(), AgentError> {
    let call = format!("call-{}", turn.number());
    let approval = format!("approval-{}", turn.number());
    let input = json!({"name": name});
    answer
        .chunk(json!({"type": "tool-input-available", "toolCallId": call,
            "toolName": "delete_file", "input": input}))
        .await?;
    let asked =
        json!({"type": "tool-approval-request", "approvalId": approval, "toolCallId": call});
    Ok(answer.chunk(asked).await?)
}

async fn resumed(turn: &Turn, answer: &Answer) -> Result<(), AgentError> {
    let parts = turn.messages().last().and_then(|message| message["parts"].as_array());
    let parts = parts.into_iter().flatten();
    let calls: Vec<&Value> = parts.filter(|part| part["toolCallId"].is_string()).collect();
    let Some(call) = calls.last().filter(|call| call["approval"].is_object()) else {
        return Ok(answer.text(&format!("Then: {}.", ends(&calls))).await?);
    };
    let name = call["input"]["name"].as_str().unwrap_or_default();
    let id = &call["toolCallId"];
    if call["approval"]["approved"] == true {
        let output = json!({"deleted": true});
        answer
            .chunk(json!({"type": "tool-output-available", "toolCallId": id, "output": output}))
            .await?;
        Ok(answer.text(&format!("Deleted {name}.")).await?)
    } else {
        answer.chunk(json!({"type": "tool-output-denied", "toolCallId": id})).await?;
        Ok(answer.text(&format!("Kept {name}.")).await?)
    }
}

/// How calls ended.
fn ends(calls: &[&Value]) -> String {
    if calls.is_empty() {
        return "nothing".to_owned();
    }
    let end = |call: &&Value| match call["errorText"].as_str() {
        Some(text) => text.to_owned(),
        None => call["output"].to_string(),
    };
    calls.iter().map(end).collect::<Vec<_>>().join(", ")
}

async fn cite(answer: &Answer) -> Result<(), AgentError> {
    for chunk in [
        json!({"type": "reasoning-start", "id": "r"}),
        json!({"type": "reasoning-delta", "id": "r", "delta": "Hm."}),
        json!({"type": "reasoning-end", "id": "r"}),
        json!({"type": "source-url", "sourceId": "s1", "url": "https://example.com/"}),
        json!({"type": "data-mood", "id": "m", "data": {"mood": "calm", "über": [1, null, "☃"]}}),
    ] {
        answer.chunk(chunk).await?;
    }
    Ok(answer.text("Cited.").await?)
}
