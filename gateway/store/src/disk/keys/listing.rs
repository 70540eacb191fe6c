//! Lists the sessions of an environment by age.

use super::kind;
use super::parts::Builder;
use crate::listing::place::Place;

/// The key of the session at `place`; its value is the number of the session.
pub(crate) fn listing_key(environment: &str, place: &Place) -> Vec<u8> {
    Builder::new(kind::LISTING)
        .environment(environment)
        .number(place.created_at)
        .text(&place.id)
        .done()
}

/// What the keys of all sessions of `environment` start with.
pub(crate) fn listing_prefix(environment: &str) -> Vec<u8> {
    Builder::new(kind::LISTING).environment(environment).done()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts_by_place(a: (u64, String), b: (u64, String)) {
            let [a, b] = [a, b].map(|(created_at, id)| Place { created_at, id });
            prop_assert_eq!(a.cmp(&b), listing_key("dev", &a).cmp(&listing_key("dev", &b)));
            prop_assert!(listing_key("dev", &a).starts_with(&listing_prefix("dev")));
            prop_assert!(!listing_key("dev2", &a).starts_with(&listing_prefix("dev")));
        }
    }
}
