//! What is appended and what is answered, whatever the encoding.

use bytes::Bytes;

use crate::limits::S2_RECORDS_MAX;
use crate::record::{Header, NewRecord};

/// Value of the header that makes a record a trim command.
const TRIM: &str = "trim";

/// One append, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppendInput {
    /// What is appended.
    pub records: Vec<InputRecord>,
    /// A condition: the seq that the first record must get.
    pub match_seq_num: Option<u64>,
    /// A condition: the fencing token that the stream must have.
    pub fencing_token: Option<String>,
}

/// One record, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputRecord {
    /// Unix ms; not used.
    pub timestamp: Option<u64>,
    /// Names and values, in order.
    pub headers: Vec<(Bytes, Bytes)>,
    /// Any bytes for commands, else UTF-8.
    pub body: Bytes,
}

/// Where an append landed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppendAck {
    /// The first record.
    pub start: Position,
    /// The place after the last record.
    pub end: Position,
    /// The place that the next record of the stream will get.
    pub tail: Position,
}

/// A place in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Seq.
    pub seq_num: u64,
    /// Unix ms.
    pub timestamp: u64,
}

/// Why an append is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Not an append in its encoding.
    #[error("the append can't be read: {0}")]
    Malformed(String),
    /// No record, or more than [`S2_RECORDS_MAX`].
    #[error("an append has 1 to {S2_RECORDS_MAX} records, this one has {0}")]
    Count(usize),
    /// A header or a body is not text.
    #[error("record {0} has a header or a body that is not UTF-8")]
    NotText(usize),
    /// A trim command whose body is not a seq.
    #[error("record {0} is a trim command, whose body must be 8 bytes")]
    BadTrim(usize),
    /// A command that is not `trim`.
    #[error("record {0} is a command that this gateway does not have; it has `trim`")]
    UnknownCommand(usize),
    /// A condition was set (R-S2-7).
    #[error("fencing_token and match_seq_num are not supported; leave them out")]
    Condition,
}

impl AppendInput {
    /// What is to be stored. A trim command becomes a command record with its seq in digits.
    pub fn into_records(self) -> Result<Vec<NewRecord>, InputError> {
        if self.match_seq_num.is_some() || self.fencing_token.is_some() {
            return Err(InputError::Condition);
        }
        if !(1..=S2_RECORDS_MAX).contains(&self.records.len()) {
            return Err(InputError::Count(self.records.len()));
        }
        self.records.into_iter().enumerate().map(|(at, record)| record.into_new(at)).collect()
    }
}

impl InputRecord {
    fn into_new(self, at: usize) -> Result<NewRecord, InputError> {
        let text = |bytes: &Bytes| {
            let text = std::str::from_utf8(bytes).map_err(|_| InputError::NotText(at))?;
            Ok(text.to_owned())
        };
        let pair = |(name, value): &(Bytes, Bytes)| Ok((text(name)?, text(value)?));
        let headers: Vec<Header> = self.headers.iter().map(pair).collect::<Result<_, _>>()?;
        if headers.first().is_some_and(|(name, _)| name.is_empty()) {
            return command(headers, &self.body, at);
        }
        if std::str::from_utf8(&self.body).is_err() {
            return Err(InputError::NotText(at));
        }
        Ok(NewRecord { headers, body: self.body })
    }
}

/// The seq that a trim command, as [`AppendInput::into_records`] gives it, asks to be the first
/// that is replayed.
pub fn trim_point(record: &NewRecord) -> Option<u64> {
    match record.headers.first() {
        Some((name, value)) if name.is_empty() && value == TRIM => {
            std::str::from_utf8(&record.body).ok()?.parse().ok()
        }
        _ => None,
    }
}

fn command(headers: Vec<Header>, body: &[u8], at: usize) -> Result<NewRecord, InputError> {
    if headers.len() != 1 || headers[0].1 != TRIM {
        return Err(InputError::UnknownCommand(at));
    }
    let seq = body.try_into().map(u64::from_be_bytes).map_err(|_| InputError::BadTrim(at))?;
    Ok(NewRecord { headers, body: seq.to_string().into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(headers: &[(&str, &str)], body: &[u8]) -> AppendInput {
        let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
        let headers = headers.iter().map(|(n, v)| (bytes(n), bytes(v))).collect();
        let record = InputRecord { timestamp: None, headers, body: Bytes::copy_from_slice(body) };
        AppendInput { records: vec![record], ..AppendInput::default() }
    }

    #[test]
    fn trims_become_text() {
        let records = input(&[("", "trim")], &[0, 0, 0, 0, 0, 0, 1, 2]).into_records();
        let record = &records.expect("a trim")[0];
        assert_eq!((&record.body[..], trim_point(record)), (&b"258"[..], Some(258)));
        assert!(record.clone().at(0, 0).is_command());
        assert_eq!(trim_point(&NewRecord::data(b"{}", "a")), None);
    }

    #[test]
    fn what_can_not_be_stored_is_refused() {
        let refused = |input: AppendInput| input.into_records().expect_err("refused");
        assert_eq!(refused(AppendInput::default()), InputError::Count(0));
        assert_eq!(refused(input(&[], b"\xff")), InputError::NotText(0));
        assert_eq!(refused(input(&[("", "trim")], b"1")), InputError::BadTrim(0));
        assert_eq!(refused(input(&[("", "fence")], b"x")), InputError::UnknownCommand(0));
        let two = input(&[("", "trim"), ("a", "b")], &[0; 8]);
        assert_eq!(refused(two), InputError::UnknownCommand(0));
        let conditional = AppendInput { match_seq_num: Some(0), ..input(&[], b"x") };
        assert_eq!(refused(conditional), InputError::Condition);
        let fenced = AppendInput { fencing_token: Some(String::new()), ..input(&[], b"x") };
        assert_eq!(refused(fenced), InputError::Condition);
        let many = vec![InputRecord::default(); S2_RECORDS_MAX + 1];
        let many = AppendInput { records: many, ..AppendInput::default() };
        assert_eq!(refused(many), InputError::Count(S2_RECORDS_MAX + 1));
    }
}
