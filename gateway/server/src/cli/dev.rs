//! `dev`: a gateway that needs no configuration.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tidegate_protocol::token::key::Prefix;

use super::args::DevArgs;
use super::keys::new_key;
use crate::config::{Config, Source, load};
use crate::exit::Failure;
use crate::{out, wire};

pub(super) fn run(args: DevArgs) -> Result<(), Failure> {
    make_folder(&args.data)?;
    let key = persistent_key(&args.data)?;
    let mut source = Source::of(args.config.clone());
    source.fill = fill(&args.data, &key);
    let mut config = load(&source)?;
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    let shown = config.clone();
    wire::run(config, |running| {
        next_steps(&shown, running.local_addr().port()).and_then(|text| out::line(&text))
    })
}

/// What stands in for top-level tables that the configuration does not have.
fn fill(data: &Path, key: &str) -> String {
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let store = text(&format!("disk:{}", data.join("data").display()));
    format!(
        "[store]\nurl = {store}\n\
         [[environment]]\nname = \"dev\"\nsecret_keys = [{key}]\n\
         [[agent]]\nid = \"demo\"\nbackend = \"demo\"\n\
         [drain]\ndelay = \"0s\"\nspread = \"0s\"\n",
        key = text(key),
    )
}

/// The next steps, for a person.
fn next_steps(config: &Config, port: u16) -> Result<String, Failure> {
    let mut shown = config.clone();
    shown.server.listen.set_port(port);
    let url = shown.public_url();
    let environment = config.environments.first();
    let key = environment.and_then(|environment| environment.secret_keys.first());
    let key = key.ok_or_else(|| Failure::Usage("no environment has a key".to_owned()))?.reveal();
    let agent = config.agents.first().map_or("demo", |agent| agent.id.as_str());
    let body = serde_json::json!({
        "type": "chat.agent",
        "externalId": "hello",
        "taskIdentifier": agent,
        "triggerConfig": {"basePayload": {
            "chatId": "hello",
            "trigger": "submit-message",
            "message": {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "Hello"}]},
        }},
    });
    let body = body.to_string().replace('\'', "'\\''");
    let insecure = if config.server.tls.is_some() { "-k " } else { "" };
    Ok(format!(
        "\ntidegate {version} is ready.\n\n  \
         Console     {url}/console#key={fragment}\n  \
         Base URL    {url}          (baseURL of TriggerChatTransport, TRIGGER_API_URL)\n  \
         AI SDK      {url}/ai/{agent}/chat   (api of DefaultChatTransport)\n  \
         Secret key  {key}\n\n\
         Ask something, then follow the answer:\n\n  \
         curl {insecure}{url}/api/v1/sessions -H 'authorization: Bearer {key}' \\\n    \
         -H 'content-type: application/json' -d '{body}'\n\n  \
         curl {insecure}-N {url}/realtime/v1/sessions/hello/out \\\n    \
         -H 'authorization: Bearer {key}'\n\n\
         Ctrl-C stops.\n",
        version = env!("CARGO_PKG_VERSION"),
        fragment = crate::client::percent(key),
    ))
}

fn make_folder(data: &Path) -> Result<(), Failure> {
    fs::create_dir_all(data)
        .map_err(|error| Failure::Io(format!("can't make {}: {error}", data.display())))?;
    // A folder inside a project that must not be committed: it holds a key.
    let ignore = data.join(".gitignore");
    if !ignore.exists() {
        let written = fs::write(&ignore, "*\n");
        written
            .map_err(|error| Failure::Io(format!("can't write {}: {error}", ignore.display())))?;
    }
    Ok(())
}

/// The key of earlier starts, or a new one that only its owner can read.
fn persistent_key(data: &Path) -> Result<String, Failure> {
    let path = data.join("key");
    let failed = |error| Failure::Io(format!("can't use {}: {error}", path.display()));
    match fs::read_to_string(&path) {
        Ok(text) if !text.trim().is_empty() => return Ok(text.trim().to_owned()),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let key = new_key(Prefix::Dev)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    file.write_all(format!("{key}\n").as_bytes()).map_err(failed)?;
    Ok(key)
}
