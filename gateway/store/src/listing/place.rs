//! Where a session stands in its environment's listing, and the cursor that says so.

use tidegate_core::seams::store::StoreError;
use tidegate_core::sessions::row::SessionRow;

/// Place of a session: listings are ordered by it, newest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Unix ms.
    pub(crate) created_at: u64,
    /// Friendly id: decides among sessions of the same millisecond.
    pub(crate) id: String,
}

impl Place {
    pub(crate) fn of(row: &SessionRow) -> Self {
        Self { created_at: row.created_at, id: row.id.clone() }
    }

    /// The cursor for this place: it stays valid when its session is gone.
    pub(crate) fn cursor(&self) -> String {
        format!("{:016x}.{}", self.created_at, self.id)
    }

    /// Reads a cursor back.
    pub(crate) fn parse(cursor: &str) -> Result<Self, StoreError> {
        let (time, id) = cursor.split_once('.').ok_or(StoreError::BadCursor)?;
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if time.len() != 16 || !time.bytes().all(is_hex) || id.is_empty() {
            return Err(StoreError::BadCursor);
        }
        let created_at = u64::from_str_radix(time, 16).map_err(|_| StoreError::BadCursor)?;
        Ok(Self { created_at, id: id.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_garbage_is_refused() {
        let place = Place { created_at: 1_700_000_000_123, id: "session_ab.x".into() };
        assert_eq!(Place::parse(&place.cursor()), Ok(place));
        for bad in ["", ".", "x", "0.session_a", "0000018bcfe5687b.", "000001 8bcfe5687.a"] {
            assert_eq!(Place::parse(bad), Err(StoreError::BadCursor), "{bad:?}");
        }
        assert_eq!(Place::parse("+00001 8bcfe5687.a"), Err(StoreError::BadCursor));
    }
}
