//! The files of the page.

use http::{HeaderMap, HeaderValue, header};

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Below `/console/`; the page itself has none.
    pub name: &'static str,
    /// Media type.
    pub kind: &'static str,
    /// Content.
    pub bytes: &'static [u8],
}

/// What the page may do: load its own files and talk to its own gateway.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! asset {
    ($name:literal, $kind:expr, $file:literal) => {
        Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../../console/", $file)) }
    };
}

const ASSETS: &[Asset] = &[
    asset!("", "text/html; charset=utf-8", "index.html"),
    asset!("base.css", "text/css; charset=utf-8", "base.css"),
    asset!("chat.css", "text/css; charset=utf-8", "chat.css"),
    asset!("style.css", "text/css; charset=utf-8", "style.css"),
    asset!("app.js", SCRIPT, "app.js"),
    asset!("api.js", SCRIPT, "api.js"),
    asset!("chat.js", SCRIPT, "chat.js"),
    asset!("dom.js", SCRIPT, "dom.js"),
    asset!("log.js", SCRIPT, "log.js"),
    asset!("messages.js", SCRIPT, "messages.js"),
    asset!("records.js", SCRIPT, "records.js"),
    asset!("reducer.js", SCRIPT, "reducer.js"),
    asset!("sse.js", SCRIPT, "sse.js"),
];

/// The file at a request's path: `/console`, `/console/` or `/console/app.js`.
pub fn find(path: &str) -> Option<&'static Asset> {
    let rest = path.strip_prefix("/console")?;
    let name = if rest.is_empty() { "" } else { rest.strip_prefix('/')? };
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// Headers of the answer.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, self.kind);
        set(header::CONTENT_SECURITY_POLICY, POLICY);
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::REFERRER_POLICY, "no-referrer");
        // A new binary may have a new page: always ask.
        set(header::CACHE_CONTROL, "no-cache");
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(find("/console").map(|asset| asset.name), Some(""));
        assert_eq!(find("/console/").map(|asset| asset.name), Some(""));
        assert_eq!(find("/console/app.js").map(|asset| asset.name), Some("app.js"));
        for path in ["/", "/consoles", "/console/../x", "/console/nothing.js", "/console//"] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn the_page_is_small_and_names_only_its_own_files() {
        let total: usize = ASSETS.iter().map(|asset| asset.bytes.len()).sum();
        assert!(total < 60 * 1024, "{total} bytes");
        for asset in ASSETS {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            for from in text.lines().filter(|line| line.starts_with("import ")) {
                let name = from.rsplit('"').nth(1).unwrap().trim_start_matches("./");
                assert!(ASSETS.iter().any(|other| other.name == name), "{from}");
            }
        }
        let page = std::str::from_utf8(ASSETS[0].bytes).unwrap();
        assert!(
            !page.contains("<script>") && !page.contains("style=") && !page.contains("onclick")
        );
    }
}
