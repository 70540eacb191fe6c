//! Commands that need no gateway.

use crate::support::tidegate;
use tidegate_protocol::token::key::KeyShape;

#[test]
fn the_version() {
    let ran = tidegate(&["--version"]);
    assert_eq!(ran.stdout, format!("tidegate {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(ran.code, 0);
}

#[test]
fn new_keys_let_the_gateway_mint() {
    for stage in ["dev", "stg", "prod", "preview"] {
        let ran = tidegate(&["keys", "new", "--stage", stage]);
        let key = ran.stdout.trim();
        assert_eq!(KeyShape::of(key), KeyShape::Minting, "{key}");
        assert!(key.starts_with(&format!("tr_{stage}_sk_")), "{key}");
        assert_ne!(tidegate(&["keys", "new", "--stage", stage]).stdout, ran.stdout);
    }
    assert!(tidegate(&["keys", "new"]).stdout.starts_with("tr_dev_sk_"));
    assert_ne!(tidegate(&["keys", "new", "--stage", "qa"]).code, 0);
}

#[test]
fn explain_and_defaults() {
    let one = tidegate(&["config", "explain", "store.url"]);
    assert!(one.stdout.starts_with("store.url\n") && one.code == 0, "{}", one.stdout);
    let all = tidegate(&["config", "explain"]);
    assert!(all.stdout.contains("\ndrain.timeout\n"), "{}", all.stdout);
    let none = tidegate(&["config", "explain", "stor.url"]);
    assert_eq!(none.code, 64);
    assert_eq!(none.stderr, "tidegate: there is no key `stor.url`; did you mean `store.url`?\n");
    assert!(tidegate(&["config", "defaults"]).stdout.contains("[[agent]]"));
}

#[test]
fn a_gateway_that_is_not_there() {
    // Port 9 of the loopback: reserved for `discard`, which nobody serves.
    let args = ["--url", "http://127.0.0.1:9", "--key", "k"];
    for command in [vec!["sessions", "list"], vec!["tail", "s"]] {
        let ran = tidegate(&[command.as_slice(), &args].concat());
        assert_eq!(ran.code, 69);
        assert!(ran.stderr.starts_with("tidegate: can't reach 127.0.0.1:9: "), "{}", ran.stderr);
    }
    let ran = tidegate(&["tail", "s", "--url", "nonsense", "--key", "k"]);
    assert_eq!(
        (ran.code, ran.stderr.as_str()),
        (64, "tidegate: `nonsense` is not an http or https URL\n")
    );
}
