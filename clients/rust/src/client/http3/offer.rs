//! What `Alt-Svc` says about HTTP/3 (RFC 7838, R-H3-3). Pure: times are arguments.

use std::time::Duration;

/// How long an offer is good that does not say so.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Is HTTP/3 offered at the port that the client knows?
#[derive(Debug, Default)]
pub(super) struct Offer {
    until: Duration,
}

impl Offer {
    /// An answer had `value`. Only an offer at `port`, of the same host, is taken.
    pub(super) fn handle(&mut self, value: &str, port: u16, now: Duration) {
        if let Some(age) = age(value, port) {
            self.until = now.saturating_add(age);
        }
    }

    pub(super) fn is_good(&self, now: Duration) -> bool {
        now < self.until
    }
}

/// For how long; zero takes back what was offered. `None`: it says nothing about the port.
fn age(value: &str, port: u16) -> Option<Duration> {
    if value.trim() == "clear" {
        return Some(Duration::ZERO);
    }
    let ours = format!("h3=\":{port}\"");
    value.split(',').find_map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        (parts.next()? == ours).then_some(())?;
        let age = parts.find_map(|part| part.strip_prefix("ma="));
        let seconds = age.and_then(|age| age.trim_matches('"').parse().ok());
        Some(seconds.map_or(MAX_AGE, Duration::from_secs))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_at_the_port_of_the_url() {
        let of = |value| age(value, 8443).map(|age| age.as_secs());
        assert_eq!(of("h3=\":8443\"; ma=60"), Some(60));
        assert_eq!(of("h2=\":443\", h3=\":8443\";persist=1; ma=\"7\""), Some(7));
        assert_eq!(of("h3=\":8443\""), Some(86_400));
        assert_eq!(of(" clear "), Some(0));
        let others = ["h3=\":443\"; ma=60", "h3=\"other:8443\"", "h3-29=\":8443\"", "", "h3", ";,"];
        for other in others {
            assert_eq!(of(other), None, "{other}");
        }
    }

    #[test]
    fn they_end() {
        let second = Duration::from_secs(1);
        let mut offer = Offer::default();
        assert!(!offer.is_good(Duration::ZERO));
        offer.handle("h3=\":1\"; ma=5", 1, second);
        offer.handle("h3=\":2\"; ma=50", 1, second);
        assert!(offer.is_good(5 * second) && !offer.is_good(6 * second));
        offer.handle("clear", 1, 3 * second);
        assert!(!offer.is_good(3 * second));
        offer.handle("h3=\":1\"; ma=18446744073709551615", 1, second);
        assert!(offer.is_good(9 * second));
    }
}
