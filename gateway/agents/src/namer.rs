//! How failures of a backend are named.

use tidegate_core::seams::backend::{BackendError, BackendFault};

/// Characters of an error body that are shown.
const SHOWN_CHARS: usize = 200;
/// A shorter word of a secret is not looked for: it would hide ordinary words.
const SECRET_MIN_BYTES: usize = 8;

/// Puts a name to faults and keeps secrets out of them.
pub(crate) struct Namer {
    name: String,
    secrets: Vec<String>,
}

impl Namer {
    /// `name` says which backend; words of `secrets` are never shown.
    pub(crate) fn new(name: String, secrets: &[String]) -> Self {
        let words = secrets.iter().flat_map(|secret| secret.split_whitespace());
        let words = words.filter(|word| word.len() >= SECRET_MIN_BYTES);
        Self { name, secrets: words.map(str::to_owned).collect() }
    }

    /// `name: reason`.
    pub(crate) fn error(&self, kind: BackendFault, reason: &str) -> BackendError {
        let message = self.hide(format!("{}: {reason}", self.name));
        BackendError { kind, message }
    }

    /// `text` without secrets.
    pub(crate) fn hide(&self, mut text: String) -> String {
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), "[hidden]");
            }
        }
        text
    }

    /// The start of a body, for a message: on one line, secrets hidden before it is cut.
    pub(crate) fn excerpt(&self, body: &[u8]) -> String {
        let text = self.hide(String::from_utf8_lossy(body).into_owned());
        let words: Vec<_> = text.split_whitespace().collect();
        words.join(" ").chars().take(SHOWN_CHARS).collect()
    }
}

impl std::fmt::Debug for Namer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_also_where_the_text_is_cut() {
        let namer = Namer::new("n".to_owned(), &["Bearer sk-12345678".to_owned()]);
        let body = format!("{} sk-12345678 is wrong", "x".repeat(SHOWN_CHARS - 5));
        let excerpt = namer.excerpt(body.as_bytes());
        assert!(!excerpt.contains("sk-"), "{excerpt}");
        assert_eq!(excerpt.chars().count(), SHOWN_CHARS);
        let error = namer.error(BackendFault::Invalid, "key sk-12345678");
        assert_eq!(error.message, "n: key [hidden]");
    }
}
