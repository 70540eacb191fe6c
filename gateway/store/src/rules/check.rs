//! Decides whether a commit can be applied, before anything of it is.

use tidegate_core::seams::store::{Append, Appended, CommitError, Op, Writer};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::{OWED_MAX, OWED_SIGNALS_MAX, RECORD_MAX_BYTES};

use super::session::SessionState;

/// What to do with a commit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Apply its operations; they can't fail.
    Apply,
    /// Do nothing: a frame of it was seen before, with these answers.
    Repeated(Vec<Appended>),
}

/// Checks the operations of a commit against `state` at `now` (Unix ms). A frame that was seen
/// before is answered even if its writer has been fenced off since: the answer states what is
/// already in the stream.
pub(crate) fn check<D>(
    state: &SessionState<D>,
    ops: &[Op],
    now: u64,
) -> Result<Verdict, CommitError> {
    let repeated = repeated(state, ops, now);
    if !repeated.is_empty() {
        return Ok(Verdict::Repeated(repeated));
    }
    let mut fences = state.fences;
    let mut version = state.row_version;
    let mut owed = state.owed.len();
    for op in ops {
        match op {
            Op::Append(append) => {
                fences.admit(append.writer)?;
                check_sizes(append)?;
                owed = check_owed(append, owed)?;
            }
            Op::Settle(fates) => {
                let cleared = fates.iter().filter(|(seq, _)| state.owed.contains(seq)).count();
                owed = owed.saturating_sub(cleared);
            }
            Op::PutRow { expected, .. } if *expected != version => {
                return Err(CommitError::RowChanged { current: version });
            }
            Op::ExpectRow { version: expected } if version != Some(*expected) => {
                return Err(CommitError::RowChanged { current: version });
            }
            Op::PutRow { expected, .. } => version = Some(next_version(*expected)),
            Op::ExpectFence { fence } => fences.admit(Writer::Run { fence: *fence })?,
            Op::ExpectTerm { term } if *term != state.term => {
                return Err(CommitError::Displaced { current: state.term });
            }
            Op::HandOver => fences.handovers += 1,
            Op::ExpectRow { .. }
            | Op::ExpectTerm { .. }
            | Op::Trim { .. }
            | Op::PutBlob { .. }
            | Op::DeleteBlobs { .. } => {}
        }
    }
    Ok(Verdict::Apply)
}

/// The version of a row that replaces version `expected`.
pub(crate) fn next_version(expected: Option<u64>) -> u64 {
    expected.map_or(1, |version| version + 1)
}

/// Are the records of `append` owed? Only inputs have fates.
pub(crate) fn is_owed(append: &Append) -> bool {
    append.owed && append.channel == Channel::IN
}

fn repeated<D>(state: &SessionState<D>, ops: &[Op], now: u64) -> Vec<Appended> {
    let answer = |op: &Op| {
        let Op::Append(append) = op else { return None };
        let key = append.frame_key.as_deref()?;
        state.streams.get(&append.channel)?.head.frames.get(key, now)
    };
    ops.iter().filter_map(answer).collect()
}

fn check_sizes(append: &Append) -> Result<(), CommitError> {
    let sizes = append.records.iter().map(tidegate_protocol::NewRecord::metered_len);
    match sizes.max() {
        Some(bytes) if bytes > RECORD_MAX_BYTES => Err(CommitError::RecordTooLarge { bytes }),
        _ => Ok(()),
    }
}

fn check_owed(append: &Append, owed: usize) -> Result<usize, CommitError> {
    if !is_owed(append) {
        return Ok(owed);
    }
    let more = owed + append.records.len();
    let max = match append.writer {
        Writer::Gateway { .. } => OWED_MAX + OWED_SIGNALS_MAX,
        _ => OWED_MAX,
    };
    if more > max { Err(CommitError::TooManyOwed { owed }) } else { Ok(more) }
}
