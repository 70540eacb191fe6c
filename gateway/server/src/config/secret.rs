//! Secrets of the configuration.

use std::fmt;

/// A secret's value. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Reads where `text` points to: `env:NAME`, `file:PATH`, or the value itself. The error says
    /// why there is none and does not hold it.
    pub fn resolve(text: &str) -> Result<Self, String> {
        let value = if let Some(name) = text.strip_prefix("env:") {
            std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))?
        } else if let Some(path) = text.strip_prefix("file:") {
            let content = std::fs::read_to_string(path);
            let content = content.map_err(|error| format!("can't read {path}: {error}"))?;
            content.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            text.to_owned()
        };
        match value.trim().is_empty() {
            true => Err("the secret is empty".to_owned()),
            false => Ok(Self(value)),
        }
    }

    /// The value.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_where_it_points_to() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from-file\n").unwrap();
        let text = format!("file:{}", file.path().display());
        assert_eq!(Secret::resolve(&text).unwrap().reveal(), "from-file");
        assert_eq!(Secret::resolve("literal").unwrap().reveal(), "literal");
        let path = std::env::var("PATH").unwrap();
        assert_eq!(Secret::resolve("env:PATH").unwrap().reveal(), path);
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_shown() {
        assert!(Secret::resolve("env:TIDEGATE_NONE").unwrap_err().contains("TIDEGATE_NONE"));
        assert!(Secret::resolve("file:/no/such").unwrap_err().contains("/no/such"));
        assert!(Secret::resolve(" ").is_err());
        assert_eq!(format!("{:?}", Secret::resolve("s3cret").unwrap()), "Secret(…)");
    }
}
