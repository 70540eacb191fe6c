//! `config explain` and `config defaults`.

use std::fmt::Write;

use super::keys::{KEYS, Key, without_indexes};
use super::suggest::nearest;

/// Explains `query`: a key, or every key below it; all keys without one.
pub fn explain(query: Option<&str>) -> Result<String, String> {
    let Some(query) = query else { return Ok(explained(KEYS)) };
    let wanted = without_indexes(query.trim_matches(['[', ']']));
    let below = |key: &&Key| {
        let plain = key.path.replace("[]", "");
        let fits = |path: &str| {
            path.strip_prefix(&*wanted).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('.') || rest.starts_with('[')
            })
        };
        fits(key.path) || fits(&plain)
    };
    let found: Vec<Key> = KEYS.iter().filter(below).copied().collect();
    if found.is_empty() {
        let meant = nearest(query, KEYS.iter().map(|key| key.path));
        let hint = meant.map_or_else(
            || "`tidegate config explain` lists every key".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        return Err(format!("there is no key `{query}`; {hint}"));
    }
    Ok(explained(&found))
}

/// A configuration file that says what holds without one. Loads as it is.
pub fn defaults() -> String {
    let mut text = String::from(
        "# Tidegate's configuration: every key, with the default in force without it.\n\
         # Keys that are commented out have no default; the value is an example.\n\
         # Every key can be overridden: TIDEGATE__SERVER__LISTEN, TIDEGATE__AGENT__0__URL.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (table, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if table != section {
            section = table;
            header(&mut text, section);
        }
        let off = is_off(section);
        let _ = writeln!(text, "# {}", key.meaning);
        let _ = match key.default {
            Some(default) if !off => writeln!(text, "{name} = {default}"),
            Some(default) => writeln!(text, "# {name} = {default}"),
            None => writeln!(text, "# {name} = {}", key.example),
        };
    }
    text
}

fn header(text: &mut String, section: &str) {
    let header = match section.strip_suffix("[]") {
        Some(list) => format!("[[{list}]]"),
        None => format!("[{}]", section.replace("[]", "")),
    };
    let off = if is_off(section) { "# " } else { "" };
    let _ = writeln!(text, "\n{off}{header}");
}

/// Sections that are not there by default.
fn is_off(section: &str) -> bool {
    section.contains("[]") || matches!(section, "server.tls" | "limits.rate_limit")
}

fn explained(keys: &[Key]) -> String {
    let mut text = String::new();
    for key in keys {
        let default = key.default.unwrap_or("none");
        let _ = writeln!(
            text,
            "{}\n  {}\n  type:     {}\n  default:  {default}\n  example:  {}\n  override: {}\n",
            key.path,
            key.meaning,
            key.kind.name(),
            key.example,
            variable(key.path),
        );
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn variable(path: &str) -> String {
    let name = path.replace("[]", ".0").replace('.', "__").to_ascii_uppercase();
    format!("TIDEGATE__{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_a_section_and_everything() {
        let one = explain(Some("agent[0].url")).unwrap();
        assert!(one.starts_with("agent[].url\n") && one.contains("TIDEGATE__AGENT__0__URL"));
        assert!(!one.contains("agent[].model"));
        let section = explain(Some("retention")).unwrap();
        assert_eq!(section.matches("type:").count(), 4);
        assert_eq!(explain(Some("[[agent]]")), explain(Some("agent")));
        let all = explain(None).unwrap();
        assert!(KEYS.iter().all(|key| all.contains(&format!("{}\n", key.path))));
    }

    #[test]
    fn an_unknown_key_gets_a_hint() {
        let error = explain(Some("server.lisen")).unwrap_err();
        assert!(error.contains("did you mean `server.listen`"), "{error}");
        assert!(explain(Some("nothing")).unwrap_err().contains("lists every key"));
    }
}
