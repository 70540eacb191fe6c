//! One client at a time, and its subscriptions by name.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use tidegate_client::client::{Channel, Client, Content, Mode, Session, Start};

use crate::decisions;
use crate::reader::Reader;
use crate::shown::{Failure, control};

/// See the module.
#[derive(Default)]
pub(crate) struct Adapter {
    client: Option<Client>,
    mode: Mode,
    readers: HashMap<String, Reader>,
    calls: Arc<AtomicUsize>,
}

type Answer = Result<Value, Failure>;

impl Adapter {
    /// Performs a command.
    pub(crate) async fn perform(&mut self, asked: &Value) -> Answer {
        match text(asked, "do") {
            "hello" => Ok(json!({
                "client": "rust",
                "transports": ["sse", "http3", "websocket"],
                "decisions": decisions::NAMES,
            })),
            "open" => self.open(asked),
            "reset" => self.reset(),
            "token_calls" => Ok(json!({"calls": self.calls.load(Ordering::SeqCst)})),
            "create" | "close_session" => self.manage(asked).await,
            "append" | "send" | "stop" | "action" => self.say(asked).await,
            "answer" => self.answer(asked).await,
            "subscribe" => self.subscribe(asked).await,
            "next" => self.reader(asked)?.read(asked).await,
            "move" => {
                let mode = mode(text(asked, "transport"))?;
                self.reader(asked)?.move_to(mode).await
            }
            "state" => Ok(self.reader(asked)?.state()),
            "unsubscribe" => {
                self.reader(asked)?.close();
                Ok(json!({}))
            }
            "decide" => {
                let decision = decisions::decide(text(asked, "name"), &asked["case"])?;
                Ok(json!({"decision": decision}))
            }
            unknown => Err(Failure::failed(&format!("unknown command {unknown}"))),
        }
    }

    fn open(&mut self, asked: &Value) -> Answer {
        self.reset()?;
        self.mode = mode(text(asked, "transport"))?;
        let mut builder = Client::builder(text(asked, "url")).mode(self.mode);
        for certificate in trusted()? {
            builder = builder.root_certificate(certificate.to_vec());
        }
        let builder = match asked["tokens"].as_array().cloned() {
            None => builder.token(text(asked, "token")),
            Some(tokens) => {
                let calls = Arc::clone(&self.calls);
                builder.token_provider(move |_| {
                    let call = calls.fetch_add(1, Ordering::SeqCst);
                    let token = tokens.get(call).or(tokens.last()).and_then(Value::as_str);
                    let token = token.map(str::to_owned).ok_or_else(|| "no token".into());
                    async move { token }
                })
            }
        };
        self.client = Some(builder.build()?);
        Ok(json!({}))
    }

    fn reset(&mut self) -> Answer {
        self.readers.clear();
        self.client = None;
        self.calls = Arc::default();
        Ok(json!({}))
    }

    async fn manage(&self, asked: &Value) -> Answer {
        if text(asked, "do") == "close_session" {
            let item = self.session(asked, "session")?.close(asked["reason"].as_str()).await?;
            return Ok(json!({"closed_reason": item["closedReason"]}));
        }
        let session = self.session(asked, "external_id")?;
        let made = session.create(text(asked, "agent"), json!({})).await?;
        Ok(json!({
            "session": made["id"],
            "token": made["publicAccessToken"],
            "cached": made["isCached"],
        }))
    }

    async fn say(&self, asked: &Value) -> Answer {
        let session = self.session(asked, "session")?;
        let seq = match text(asked, "do") {
            "send" => session.send(text(asked, "text")).await?,
            "stop" => session.stop().await?,
            "action" => session.action(asked["action"].clone()).await?,
            _ => {
                let fresh = format!("{:032x}", u128::from(rand()?));
                let part = asked["part"].as_str().unwrap_or(&fresh);
                let to = stream(&session, asked, Channel::In);
                let seq = to.append(text(asked, "body"), part).await?;
                return Ok(json!({"seq": seq, "part": part}));
            }
        };
        Ok(json!({"seq": seq}))
    }

    async fn answer(&self, asked: &Value) -> Answer {
        let session = self.session(asked, "session")?;
        let mut reply = session.answer(text(asked, "text")).await?;
        let (mut said, mut floor) = (String::new(), Value::Null);
        while let Some(record) = reply.next().await {
            let record = record?;
            match Content::of(&record) {
                Content::Chunk(chunk) if chunk["type"] == "text-delta" => {
                    said.push_str(chunk["delta"].as_str().unwrap_or_default());
                }
                Content::Control(kind) => floor = control(&record, &kind)["floor"].clone(),
                _ => {}
            }
        }
        Ok(json!({"text": said, "seq": reply.seq(), "floor": floor, "gaps": reply.gaps()}))
    }

    async fn subscribe(&mut self, asked: &Value) -> Answer {
        let start = match (&asked["after"], asked["start"].as_str()) {
            (Value::Null, Some("latest")) => Start::Tail,
            (Value::Null, _) => Start::Floor,
            // What is no u64 can't be said to this client.
            (after, _) => Start::after(after.as_u64().ok_or_else(Failure::invalid_cursor)?),
        };
        let session = self.session(asked, "session")?;
        let from = stream(&session, asked, Channel::Out);
        let mode = asked["transport"].as_str().map_or(Ok(self.mode), mode)?;
        let mut reader = Reader::new(from.subscribe_over(start, mode), start);
        reader.live(None).await?;
        let answer = json!({"transport": reader.state()["transport"]});
        self.readers.insert(text(asked, "sub").to_owned(), reader);
        Ok(answer)
    }

    fn session(&self, asked: &Value, key: &str) -> Result<Session, Failure> {
        let client = self.client.as_ref().ok_or_else(|| Failure::failed("open comes first"))?;
        Ok(client.session(text(asked, key)))
    }

    fn reader(&mut self, asked: &Value) -> Result<&mut Reader, Failure> {
        let reader = self.readers.get_mut(text(asked, "sub"));
        reader.ok_or_else(|| Failure::failed("no such subscription"))
    }
}

fn stream(session: &Session, asked: &Value, usual: Channel) -> Session {
    let channel = match asked["channel"].as_str() {
        Some("in") => Channel::In,
        Some("out") => Channel::Out,
        _ => usual,
    };
    session.stream(channel, asked["side"].as_str())
}

/// What `TIDEGATE_CA_FILE` holds, if it is there.
fn trusted() -> Result<Vec<CertificateDer<'static>>, Failure> {
    let Some(path) = std::env::var_os("TIDEGATE_CA_FILE") else { return Ok(Vec::new()) };
    let certificates = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    certificates.map_err(|error| Failure::failed(&error.to_string()))
}

fn mode(transport: &str) -> Result<Mode, Failure> {
    match transport {
        "auto" => Ok(Mode::Auto),
        "sse" => Ok(Mode::Sse),
        "http3" => Ok(Mode::Http3),
        "websocket" => Ok(Mode::WebSocket),
        other => Err(Failure(json!({"kind": "no_transport", "message": other}))),
    }
}

fn rand() -> Result<u64, Failure> {
    getrandom::u64().map_err(|error| Failure::failed(&error.to_string()))
}

fn text<'a>(asked: &'a Value, key: &str) -> &'a str {
    asked[key].as_str().unwrap_or_default()
}
