//! Values that may be secrets.

use std::fmt;

use serde::Deserialize;

/// A secret as it stands in the configuration: `env:NAME`, `file:PATH` or the value itself.
/// Neither form nor value is ever shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value. The error says why there is none and does not hold it.
    pub fn resolve(&self) -> Result<String, String> {
        let value = if let Some(name) = self.0.strip_prefix("env:") {
            std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))?
        } else if let Some(path) = self.0.strip_prefix("file:") {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("can't read file {path}: {error}"))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        } else {
            self.0.clone()
        };
        if value.is_empty() { Err("is empty".to_owned()) } else { Ok(value) }
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
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
        assert_eq!(Secret::from("sk-1").resolve().as_deref(), Ok("sk-1"));
        let path = std::env::var("PATH").expect("tests run with a PATH");
        assert_eq!(Secret::from("env:PATH").resolve(), Ok(path));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "sk-2\n").unwrap();
        let text = format!("file:{}", file.path().display());
        assert_eq!(Secret(text).resolve().as_deref(), Ok("sk-2"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Secret::from("env:TIDEGATE_NO_SUCH_VARIABLE").resolve().unwrap_err();
        assert!(error.contains("TIDEGATE_NO_SUCH_VARIABLE"), "{error}");
        let error = Secret::from("file:/no/such/file").resolve().unwrap_err();
        assert!(error.contains("/no/such/file"), "{error}");
        assert_eq!(Secret::from("").resolve().unwrap_err(), "is empty");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::from("sk-1")), "Secret(…)");
    }
}
