//! What a worker may register (R-LNK-5 to R-LNK-8), and how it takes its place.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_protocol::limits::{
    AGENT_ID_MAX_CHARS, KNOWN_AGENTS_MAX, WORKER_AGENTS_MAX, WORKER_CAPACITY_MAX, WORKERS_MAX,
};
use tidegate_protocol::link::{self, AgentSpec, Hello, Mode};
use tidegate_protocol::{ApiError, ErrorCode};

use super::backend::LinkBackend;
use super::pool::{Want, WorkerKey};
use super::registry::{Entry, Workers};
use crate::agents::{AgentKey, Agents, Registered, Service, TakesOver};
use crate::error::Result;
use crate::seams::ToolSchema;
use crate::seams::backend::Abilities;

const NAME_MAX: usize = 64;

/// Checks what can be seen in the frame alone.
pub(super) fn check(hello: &Hello) -> Result<()> {
    let name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if !(1..=NAME_MAX).contains(&hello.worker.len()) || !hello.worker.bytes().all(name) {
        return Err(invalid("worker", "worker must be 1 to 64 of A-Z a-z 0-9 . _ -".into()));
    }
    if !(1..=WORKER_CAPACITY_MAX).contains(&hello.capacity) {
        let text = format!("capacity must be 1 to {WORKER_CAPACITY_MAX}");
        return Err(invalid("capacity", text));
    }
    if !(1..=WORKER_AGENTS_MAX).contains(&hello.agents.len()) {
        return Err(invalid("agents", format!("register 1 to {WORKER_AGENTS_MAX} agents")));
    }
    let mut seen = HashSet::new();
    for agent in &hello.agents {
        let chars = agent.id.chars().count();
        if !(1..=AGENT_ID_MAX_CHARS).contains(&chars) || agent.id.contains('/') {
            let text = format!("an agent's id is 1 to {AGENT_ID_MAX_CHARS} characters without /");
            return Err(invalid("agents.id", text));
        }
        let printable = |b: u8| b.is_ascii_graphic() || b == b' ';
        let version = &agent.version;
        if !(1..=NAME_MAX).contains(&version.len()) || !version.bytes().all(printable) {
            let text = "a version is 1 to 64 printable ASCII characters".to_owned();
            return Err(invalid("agents.version", text));
        }
        if !seen.insert(&agent.id) {
            return Err(invalid("agents.id", format!("{:?} is registered twice", agent.id)));
        }
        if agent.handover.is_some()
            && let Err(why) = tools(agent)
        {
            return Err(invalid("agents.tools", format!("agent {:?}: {why}", agent.id)));
        }
    }
    Ok(())
}

/// Checks a registration against what the gateway already has.
pub(super) fn admit(
    workers: &Workers,
    agents: &Agents,
    key: &WorkerKey,
    hello: &Hello,
) -> Result<()> {
    let state = workers.state.lock();
    if let Some(entry) = state.workers.get(key) {
        if hello.epoch <= entry.epoch {
            let text = format!("this worker already has a link of epoch {}", entry.epoch);
            return Err(invalid("epoch", text));
        }
    } else if state.workers.len() >= WORKERS_MAX {
        return Err(ApiError::new(ErrorCode::Overloaded, "this gateway holds too many workers"));
    }
    for spec in &hello.agents {
        let agent =
            AgentKey { environment: Arc::clone(&key.environment), agent: spec.id[..].into() };
        if !agents.may_register(&spec.id) {
            let text = format!("the configuration gives agent {:?} to another backend", spec.id);
            return Err(ApiError::new(ErrorCode::AgentConflict, text).at("agents.id"));
        }
        let known = agents.find(&key.environment, &spec.id);
        if known.is_none() && agents.len() >= KNOWN_AGENTS_MAX {
            let text = format!("this gateway knows {KNOWN_AGENTS_MAX} agents already");
            return Err(invalid("agents", text));
        }
        if known.is_some_and(|known| !same_mode(&known.service, spec.mode)) {
            let want = Want { agent, version: None, depth: 0, prefer: None };
            if state.pool.candidates(&want).iter().any(|other| other != key) {
                let text = format!("another worker has agent {:?} in another mode", spec.id);
                return Err(ApiError::new(ErrorCode::AgentConflict, text).at("agents.mode"));
            }
        }
    }
    Ok(())
}

/// The agent that was registered so.
pub(super) fn registered(workers: &Arc<Workers>, agent: &AgentKey, spec: &AgentSpec) -> Registered {
    let (service, version) = (service(workers, agent, spec), spec.version.clone());
    Registered { service, version, takes_over: takes_over(spec) }
}

/// What an agent takes over from a head start.
pub(super) fn takes_over(spec: &AgentSpec) -> Option<TakesOver> {
    let calls = spec.handover? == link::TakesOver::Calls;
    // Checked when it was registered.
    Some(TakesOver { calls, tools: tools(spec).unwrap_or_default().into() })
}

fn service(workers: &Arc<Workers>, agent: &AgentKey, spec: &AgentSpec) -> Service {
    match spec.mode {
        Mode::Turns => {
            let abilities = Abilities { actions: spec.actions, steering: spec.steering };
            Service::Turns(Arc::new(LinkBackend::new(workers, agent.clone(), abilities)))
        }
        Mode::Runs => Service::Runs { records: true },
        Mode::Http => Service::Runs { records: false },
    }
}

/// The tools of an agent; the error says what is wrong with one (R-HDS-22).
fn tools(spec: &AgentSpec) -> std::result::Result<Vec<ToolSchema>, String> {
    #[derive(Deserialize)]
    struct Tool {
        name: String,
        description: Option<String>,
        input_schema: Option<Value>,
        #[serde(default)]
        needs_approval: bool,
    }
    let mut tools = Vec::with_capacity(spec.tools.len());
    for (at, value) in spec.tools.iter().enumerate() {
        let tool = Tool::deserialize(value).map_err(|error| format!("tool {at}: {error}"))?;
        let parameters = tool.input_schema.unwrap_or_else(|| json!({"type": "object"}));
        let Tool { name, description, needs_approval, .. } = tool;
        let tool = ToolSchema { name, description, parameters, needs_approval };
        tool.check(&tools).map_err(|why| format!("tool {at}: {why}"))?;
        tools.push(tool);
    }
    Ok(tools)
}

fn same_mode(service: &Service, mode: Mode) -> bool {
    match service {
        Service::Turns(_) => mode == Mode::Turns,
        Service::Runs { records } => mode == if *records { Mode::Runs } else { Mode::Http },
        Service::Awaited => true,
    }
}

impl Entry {
    pub(super) fn new(epoch: u64, outbox: Arc<super::outbox::Outbox>, capacity: usize) -> Self {
        let pieces = std::collections::HashMap::new();
        Self { epoch, outbox, pieces, connected: true, draining: false, capacity }
    }
}

fn invalid(param: &'static str, message: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidRegistration, message).at(param)
}
