//! Finds a session by its friendly id.

use super::kind;
use super::parts::Builder;

/// The key under which the session key of `id` is stored.
pub(crate) fn id_key(environment: &str, id: &str) -> Vec<u8> {
    Builder::new(kind::ID).environment(environment).text(id).done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_do_not_mix() {
        assert_ne!(id_key("a", "b"), id_key("ab", ""));
        assert_ne!(id_key("a", "session_x"), id_key("b", "session_x"));
    }
}
