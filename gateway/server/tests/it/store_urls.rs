//! What `config check` says of `store.url`.

use crate::config::refused;

#[test]
fn golden_errors() {
    let cases = [
        ("store.url = 'redis://h:x'", "FILE: store.url: `h:x` is not `host:port`"),
        (
            "store.url = 'redis-sentinel://h'",
            "FILE: store.url: a Sentinel URL ends in `/service` or `/service/db`",
        ),
        (
            "store.url = 'redis+tls://h'",
            "FILE: store.url: must be memory:, disk:PATH, redis://HOST, rediss://HOST, \
             redis-sentinel://HOST,…/SERVICE or redis-cluster://HOST,…",
        ),
        ("store.url = 'disk:'", "FILE: store.url: `disk:` needs a path, as in `disk:./data`"),
        (
            "store.url = 'sqlite:x'",
            "FILE: store.url: must be memory:, disk:PATH, redis://HOST, rediss://HOST, \
             redis-sentinel://HOST,…/SERVICE or redis-cluster://HOST,…",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), [expected], "{text}");
    }
}
