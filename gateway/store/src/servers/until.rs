//! Waits for what has no event.

use std::time::Duration;

/// Asks until the answer is yes. Fails after a minute.
///
/// # Panics
/// If the answer stays no.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let asked = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let limit = Duration::from_secs(60);
    assert!(tokio::time::timeout(limit, asked).await.is_ok(), "not within a minute: {what}");
}
