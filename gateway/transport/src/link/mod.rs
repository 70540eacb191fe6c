//! The agent link: a WebSocket for each worker (`spec/v1/agent-link.md`).

mod drive;
mod socket;
mod upgrade;

pub(crate) use upgrade::open;
