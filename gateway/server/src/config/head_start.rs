//! `agent[].head_start`, checked.

use std::time::Duration;

use tidegate_agents::build::BACKENDS;
use tidegate_core::seams::ToolSchema;
use tidegate_protocol::limits::{
    HEAD_START_STEP_MAX_MS, HEAD_START_STEP_MS, HEAD_START_WAIT_MAX_MS, HEAD_START_WAIT_MS,
};

use super::model::{BackendConfig, HeadStartConfig, LINK};
use super::section::Section;

/// Takes it out of the table of the agent `id`, which `backend` answers for.
pub(super) fn head_start(
    agent: &mut Section<'_>,
    id: &str,
    backend: &str,
) -> Option<HeadStartConfig> {
    let mut section = agent.section("head_start")?;
    if backend != LINK {
        let reason = format!("needs backend = \"{LINK}\": no other agent has workers that boot");
        agent.refuse("head_start", reason);
        return None;
    }
    let wait = time(&mut section, "wait", HEAD_START_WAIT_MS, HEAD_START_WAIT_MAX_MS);
    let step = time(&mut section, "step", HEAD_START_STEP_MS, HEAD_START_STEP_MAX_MS);
    let tools = tools(&mut section);
    let hedge = section.section("hedge").and_then(|mut hedge| {
        if hedge.list("tools").is_some() {
            hedge.refuse("tools", "is said once, beside `hedge`");
        }
        turn_backend(hedge, id)
    });
    let backend = turn_backend(section, id)?;
    Some(HeadStartConfig { backend, hedge, tools, wait, step })
}

/// A backend and its own keys, which are checked by building it.
fn turn_backend(mut section: Section<'_>, id: &str) -> Option<BackendConfig> {
    let backend = section.required("backend")?;
    if backend == LINK || !BACKENDS.contains(&&*backend) {
        let names: Vec<_> = BACKENDS.iter().copied().filter(|name| *name != LINK).collect();
        section.refuse("backend", format!("must be one of {}", names.join(", ")));
        return None;
    }
    let (path, problems) = (section.at(""), section.problems());
    let table = serde_json::to_value(section.rest()).unwrap_or_default();
    if let Err(error) = tidegate_agents::build(&backend, id, table.clone()) {
        problems.add(path.trim_end_matches('.'), error.to_string());
    }
    Some(BackendConfig { backend, table })
}

fn time(section: &mut Section<'_>, key: &'static str, default_ms: u64, max_ms: u64) -> Duration {
    let default = Duration::from_millis(default_ms);
    let Some(time) = section.duration(key) else { return default };
    if time.is_zero() {
        section.refuse(key, "must be above 0");
    } else if time > Duration::from_millis(max_ms) {
        section.refuse(key, format!("must be at most {}s", max_ms / 1_000));
    }
    time
}

fn tools(section: &mut Section<'_>) -> Option<Vec<ToolSchema>> {
    let mut tools: Vec<ToolSchema> = Vec::new();
    for (index, item) in section.list("tools")?.into_iter().enumerate() {
        let tool = item.try_into().map_err(|error: toml::de::Error| error.message().to_owned());
        let checked = tool.and_then(|tool: ToolSchema| tool.check(&tools).map(|()| tool));
        match checked {
            Ok(tool) => tools.push(tool),
            Err(reason) => section.refuse(&format!("tools[{index}]"), reason),
        }
    }
    Some(tools)
}
