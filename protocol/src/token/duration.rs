//! When a token ends: `expirationTime`, in the forms that token-making calls take.

use serde_json::Value;

use crate::limits::{PUBLIC_TOKEN_TTL_DEFAULT_S, PUBLIC_TOKEN_TTL_MAX_S};

/// Why an `expirationTime` was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpirationError {
    /// Neither a time span nor a number.
    #[error("expirationTime must be a time span such as \"15m\" or \"2 hours\", or Unix seconds")]
    Invalid,
    /// Not after now.
    #[error("expirationTime must lie in the future")]
    Past,
    /// Too far ahead.
    #[error("expirationTime must be at most {} days ahead", PUBLIC_TOKEN_TTL_MAX_S / 86_400)]
    TooFar,
}

/// The Unix seconds at which a token made at `now_s` ends. `given` is a time span string counted
/// from now, or a number of Unix seconds; absent means [`PUBLIC_TOKEN_TTL_DEFAULT_S`] from now.
pub fn expires_at(given: Option<&Value>, now_s: u64) -> Result<u64, ExpirationError> {
    let at = match given {
        None => now_s + PUBLIC_TOKEN_TTL_DEFAULT_S,
        Some(Value::String(span)) => now_s.saturating_add(parse_span(span)?),
        Some(Value::Number(at)) => {
            at.as_f64().map(whole_seconds).ok_or(ExpirationError::Invalid)?
        }
        Some(_) => return Err(ExpirationError::Invalid),
    };
    if at <= now_s {
        return Err(ExpirationError::Past);
    }
    if at - now_s > PUBLIC_TOKEN_TTL_MAX_S {
        return Err(ExpirationError::TooFar);
    }
    Ok(at)
}

/// Reads a time span into seconds: an optional `+` or `-`, a decimal number, a unit, and an
/// optional `ago` or `from now`; at most one space between them, in any case of letters. Spans that
/// point backwards are [`ExpirationError::Past`].
pub fn parse_span(text: &str) -> Result<u64, ExpirationError> {
    let text = text.to_ascii_lowercase();
    let (sign, rest) = match text.as_bytes().first() {
        Some(b'+' | b'-') => text.split_at(1),
        _ => ("", text.as_str()),
    };
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, rest) = rest.split_at(digits);
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let (unit, direction) = rest.split_once(' ').map_or((rest, None), |(u, d)| (u, Some(d)));
    if direction.is_some() && !sign.is_empty() {
        return Err(ExpirationError::Invalid);
    }
    let seconds = parse_number(number)? * unit_seconds(unit)?;
    match direction {
        None | Some("from now") => {}
        Some("ago") => return Err(ExpirationError::Past),
        Some(_) => return Err(ExpirationError::Invalid),
    }
    if sign == "-" {
        return Err(ExpirationError::Past);
    }
    Ok(whole_seconds(seconds.round()))
}

/// Digits, or digits on both sides of one point.
fn parse_number(text: &str) -> Result<f64, ExpirationError> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let ok = match text.split_once('.') {
        None => is_digits(text),
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
    };
    if ok {
        text.parse().map_err(|_| ExpirationError::Invalid)
    } else {
        Err(ExpirationError::Invalid)
    }
}

fn unit_seconds(unit: &str) -> Result<f64, ExpirationError> {
    const DAY: f64 = 86_400.0;
    Ok(match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7.0 * DAY,
        "y" | "yr" | "yrs" | "year" | "years" => 365.25 * DAY,
        _ => return Err(ExpirationError::Invalid),
    })
}

/// Float casts saturate: what is below zero is 0, what is too large is the largest.
fn whole_seconds(seconds: f64) -> u64 {
    seconds as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::select;

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = parse_span(&text);
        }

        #[test]
        fn whole_numbers_are_exact(
            number in 0..100_000_u64,
            unit in select(vec![("s", 1), ("Min", 60), ("hours", 3_600), ("d", 86_400)]),
            space in " ?",
            direction in "( from now)?",
        ) {
            let (name, seconds) = unit;
            let text = format!("{number}{space}{name}{direction}");
            prop_assert_eq!(parse_span(&text), Ok(number * seconds));
            let backwards = format!("-{number}{space}{name}");
            prop_assert_eq!(parse_span(&backwards), Err(ExpirationError::Past));
        }

        #[test]
        fn results_lie_within_the_bounds(seconds: u64, now in 0..1_u64 << 40) {
            if let Ok(at) = expires_at(Some(&seconds.into()), now) {
                prop_assert!(at > now && at - now <= PUBLIC_TOKEN_TTL_MAX_S);
            }
        }
    }
}
