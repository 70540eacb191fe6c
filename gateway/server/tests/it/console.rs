//! The console's own modules, under Node.

use std::path::Path;
use std::process::Command;

#[test]
fn the_consoles_modules_pass_their_tests() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console");
    for name in ["sse.test.mjs", "log.test.mjs"] {
        let ran = Command::new("node").arg("--test").arg(tests.join(name)).output();
        let ran = ran.expect("node runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    }
}
