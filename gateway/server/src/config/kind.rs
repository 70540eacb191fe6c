//! What a key of the configuration holds.

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `HOST:PORT`.
    Address,
    /// An `http` or `https` URL.
    Url,
    /// A path, relative to the working directory.
    Path,
    /// Where sessions are kept.
    StoreUrl,
    /// A secret: `env:NAME`, `file:PATH` or the value itself.
    Secret,
    /// At least one secret.
    Secrets,
    /// true or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `60s`, `7d`.
    Duration,
    /// `256MiB`.
    Size,
    /// A list of texts.
    Texts,
    /// Whatever the backend takes.
    Table,
    /// A list of tables.
    Tables,
}

impl Kind {
    /// Name for a person.
    pub fn name(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Choice(words) => words.join(" | "),
            Self::Address => "HOST:PORT".to_owned(),
            Self::Url => "URL (http or https)".to_owned(),
            Self::Path => "path".to_owned(),
            Self::StoreUrl => "memory: | disk:PATH".to_owned(),
            Self::Secret => "secret: env:NAME, file:PATH or the value itself".to_owned(),
            Self::Secrets => "list of secrets: env:NAME, file:PATH or the value itself".to_owned(),
            Self::Boolean => "true | false".to_owned(),
            Self::Integer => "whole number".to_owned(),
            Self::Number => "number".to_owned(),
            Self::Duration => "duration (ms, s, m, h, d)".to_owned(),
            Self::Size => "size (B, KiB, MiB, GiB, kB, MB, GB)".to_owned(),
            Self::Texts => "list of texts".to_owned(),
            Self::Table => "table".to_owned(),
            Self::Tables => "list of tables".to_owned(),
        }
    }

    /// Are values of this kind written as text, so that an environment variable needs no quotes?
    pub fn is_text(self) -> bool {
        !matches!(
            self,
            Self::Secrets
                | Self::Boolean
                | Self::Integer
                | Self::Number
                | Self::Size
                | Self::Texts
                | Self::Table
                | Self::Tables
        )
    }
}
