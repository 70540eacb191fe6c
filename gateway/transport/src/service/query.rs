//! Query parameters, in form encoding.

use std::str::FromStr;

use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};

use super::path::decode_form;

/// A request's query, decoded. Of a name that is given twice, the first value counts.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a raw query.
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self> {
        let parts = raw.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode_form(name)?, decode_form(value)?))
        };
        parts.map(pair).collect::<Result<_>>().map(Self)
    }

    /// The value of `name`; an empty one is none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Takes the value of `name` out.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let found = self.0.iter_mut().find(|(n, _)| n == name);
        found.map(|(_, value)| std::mem::take(value)).filter(|value| !value.is_empty())
    }

    /// The comma-separated values of `name`.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let values = self.get(name).unwrap_or_default().split(',').map(str::trim);
        values.filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// The number `name`, within `range`.
    pub(crate) fn number<T>(
        &self,
        name: &'static str,
        range: std::ops::RangeInclusive<T>,
    ) -> Result<Option<T>>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if range.contains(&number) && text.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(Some(number))
            }
            _ => {
                let (from, to) = (range.start(), range.end());
                Err(refused(name, format!("{name} must be an integer from {from} to {to}")))
            }
        }
    }
}

/// A parameter or header called `name` is wrong.
pub(crate) fn refused(
    name: &'static str,
    message: impl Into<std::borrow::Cow<'static, str>>,
) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, message).at(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_encoding() {
        let raw = "filter%5Btype%5D=a%2Cb&page%5Bsize%5D=5&x=s+1&empty=&flag";
        let query = Query::parse(Some(raw)).expect("valid");
        assert_eq!(query.list("filter[type]"), ["a", "b"]);
        assert_eq!(query.number("page[size]", 1..=100), Ok(Some(5)));
        assert_eq!(query.get("x"), Some("s 1"));
        assert_eq!((query.get("empty"), query.get("flag")), (None, None));
        assert!(Query::parse(Some("a=%f")).is_err());
    }

    #[test]
    fn numbers_are_bounded() {
        let query = Query::parse(Some("a=0&b=101&c=-1&d=1e1&e=+5")).expect("valid");
        for name in ["a", "b", "c", "d", "e"] {
            assert!(query.number::<u64>(name, 1..=100).is_err(), "{name}");
        }
    }
}
