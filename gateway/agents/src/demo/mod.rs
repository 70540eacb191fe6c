//! The built-in backend: deterministic answers that need no key, so that people and tests can try
//! everything. Say `/help` to it.

mod action;
mod backend;
mod command;
mod continuation;
mod parts;
mod player;
mod script;

pub(crate) use backend::Demo;
