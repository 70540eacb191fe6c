//! Cursors: where a read starts (R-CUR).

/// Where a read starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the replay floor: no cursor was given.
    Floor,
    /// At the tail: only records to come.
    Tail,
    /// At this seq, or at the first one after it that is retained.
    From(u64),
}

impl Start {
    /// Behind the record `seq`, which the reader has.
    pub fn after(seq: u64) -> Self {
        Self::From(seq + 1)
    }
}

/// A cursor is not a decimal seq below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is a decimal seq_num")]
pub struct InvalidCursor;

/// Largest seq that JavaScript readers keep exact.
pub const SEQ_MAX: u64 = (1 << 53) - 1;

/// Reads a `Tidegate-From`: the first seq that is wanted.
pub fn parse_from(text: &str) -> Result<u64, InvalidCursor> {
    parse_last_event_id(text)?.ok_or(InvalidCursor)
}

/// Reads a `Last-Event-ID`. An empty value means none, as browsers send it.
pub fn parse_last_event_id(text: &str) -> Result<Option<u64>, InvalidCursor> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidCursor);
    }
    match text.parse::<u64>() {
        Ok(seq) if seq <= SEQ_MAX => Ok(Some(seq)),
        _ => Err(InvalidCursor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_event_ids() {
        assert_eq!(parse_last_event_id(" 42 "), Ok(Some(42)));
        assert_eq!(parse_last_event_id(""), Ok(None));
        for bad in
            ["0,1,2", "-1", "9e99", "+1", "1.0", "99999999999999999999", "9007199254740992", "x"]
        {
            assert_eq!(parse_last_event_id(bad), Err(InvalidCursor), "{bad}");
        }
    }
}
