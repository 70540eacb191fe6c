//! What the scripts answer.

use redis::Value;
use tidegate_core::seams::store::{Appended, CommitError, Lease, LeaseError, StoreError};

use super::value::{list, number, text, unexpected};

/// Where one append of a commit landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Landed {
    pub(super) appended: Appended,
    /// Records that were seen before and that the server does not have any more.
    pub(super) lost: u64,
}

/// The answer to a commit.
pub(super) fn commit(value: Value) -> Result<Vec<Landed>, CommitError> {
    let values = list(value)?;
    let numbers = values.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    match numbers[..] {
        [0, ref rest @ ..] if rest.len().is_multiple_of(6) => {
            Ok(rest.chunks(6).map(landed).collect())
        }
        [1, current] => Err(CommitError::Fenced { current }),
        [2, current] => Err(CommitError::RowChanged { current: (current > 0).then_some(current) }),
        [3, current] => Err(CommitError::Displaced { current }),
        [4, bytes] => Err(CommitError::RecordTooLarge { bytes: bytes as usize }),
        [5, owed] => Err(CommitError::TooManyOwed { owed: owed as usize }),
        _ => Err(unexpected("to a commit").into()),
    }
}

fn landed(numbers: &[u64]) -> Landed {
    let appended = Appended {
        epoch: numbers[0],
        first: numbers[1],
        count: numbers[2],
        timestamp: numbers[3],
        repeated: numbers[4] == 1,
    };
    Landed { appended, lost: numbers[5] }
}

/// The answer to `holder`, who asked for a lease.
pub(super) fn lease(value: Value, holder: String) -> Result<Lease, LeaseError> {
    let mut values = list(value)?;
    let [code, first, last] = &mut values[..] else { return Err(unexpected("to a lease").into()) };
    match number(code)? {
        0 => Ok(Lease { holder, fence: number(first)?, until: number(last)? }),
        _ => {
            let holder = text(std::mem::replace(last, Value::Nil))?;
            Err(LeaseError::Held { holder, until: number(first)? })
        }
    }
}

/// Numbers of a packed head: doubles, most significant byte first.
pub(super) fn unpack<const N: usize>(packed: &[u8]) -> Result<[u64; N], StoreError> {
    let mut numbers = [0; N];
    for (number, bytes) in numbers.iter_mut().zip(packed.as_chunks::<8>().0) {
        *number = f64::from_be_bytes(*bytes) as u64;
    }
    if packed.len() < 8 * N { Err(unexpected("a short head")) } else { Ok(numbers) }
}
