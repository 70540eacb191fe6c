//! A commit as the script is given it.

use tidegate_core::seams::store::{Append, Commit, Floor, Op, Retention, StoreError, Writer};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::NewRecord;
use tidegate_protocol::limits::RECORD_MAX_BYTES;

use super::codec;
use super::connect::Call;
use super::index::place_of;
use super::keys::{Home, channel_name};
use crate::rules::check::{is_owed, next_version};

/// Numbers in scripts are exact up to here.
pub(super) const EXACT_MAX: u64 = 1 << 53;

/// Adds the retention rules to a call.
pub(super) fn with_rules(call: Call, rules: &Retention) -> Call {
    let [ttl, records, bytes] =
        [rules.ttl_ms, rules.records, rules.bytes].map(|number| number.min(EXACT_MAX));
    call.arg(ttl).arg(records).arg(bytes)
}

/// The keys that the script may touch for `commit`, beside the head.
pub(super) fn keys_of(commit: &Commit, home: &Home) -> Vec<String> {
    let mut keys = vec![home.index("a")];
    for op in &commit.ops {
        match op {
            Op::Append(append) => {
                keys.extend(["r", "f"].map(|kind| home.of_channel(kind, &append.channel)));
                if is_owed(append) {
                    keys.extend([home.key("o"), home.index("o")]);
                }
            }
            Op::Settle(_) => keys.extend([home.key("o"), home.key("z"), home.index("o")]),
            Op::Trim { channel, .. } => keys.push(home.of_channel("r", channel)),
            Op::PutBlob { .. } | Op::DeleteBlobs { .. } => {
                keys.extend([home.key("b"), home.key("n")]);
            }
            Op::PutRow { .. } => keys.extend(["l", "i", "d", "x"].map(|kind| home.index(kind))),
            Op::ExpectRow { .. }
            | Op::ExpectFence { .. }
            | Op::ExpectTerm { .. }
            | Op::HandOver => {}
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Adds the operations of `commit` to a call; `known` gives the highest tail that was seen of an
/// append's channel.
pub(super) fn with_ops(
    mut call: Call,
    commit: &Commit,
    known: impl Fn(&Append) -> u64,
) -> Result<Call, StoreError> {
    for op in &commit.ops {
        call = match op {
            Op::Append(append) => with_append(call, append, known(append)),
            Op::Settle(fates) => {
                call = call.arg("S").arg(fates.len());
                for (seq, fate) in fates {
                    let fate = serde_json::to_string(fate).map_err(unstorable)?;
                    // Equal fates of several inputs are several members of the set.
                    call = call.arg(*seq).arg(format!("{seq} {fate}"));
                }
                call
            }
            Op::Trim { channel, floor, before } => {
                let floor = if *floor == Floor::Replay { "p" } else { "t" };
                let before = (*before).min(EXACT_MAX);
                call.arg("T").arg(channel_name(channel)).arg(floor).arg(before)
            }
            Op::PutBlob { name, bytes } => call.arg("B").arg(name).arg(&bytes[..]),
            Op::DeleteBlobs { prefix, from } => call.arg("D").arg(prefix).arg(from),
            Op::PutRow { expected, row } => with_row(call, *expected, row)?,
            Op::ExpectRow { version } => call.arg("V").arg(*version),
            Op::ExpectFence { fence } => call.arg("F").arg(*fence),
            Op::ExpectTerm { term } => call.arg("M").arg(*term),
            Op::HandOver => call.arg("H"),
        };
    }
    Ok(call)
}

/// The row that a commit stores in place of version `expected`.
pub(super) fn stored_row(expected: Option<u64>, row: &SessionRow) -> SessionRow {
    SessionRow { version: next_version(expected), ..row.clone() }
}

fn with_append(call: Call, append: &Append, known: u64) -> Call {
    let (class, argument) = match append.writer {
        Writer::Run { fence } => ("r", fence),
        Writer::Guest { handovers } => ("g", handovers),
        Writer::Gateway { bump: true } => ("b", 0),
        Writer::Gateway { bump: false } => ("w", 0),
        Writer::Client => ("c", 0),
    };
    let frame = append.frame_key.as_ref().map_or_else(String::new, |key| format!("k{key}"));
    let sizes = || append.records.iter().map(NewRecord::metered_len);
    let largest = sizes().max().filter(|bytes| *bytes > RECORD_MAX_BYTES).unwrap_or(0);
    // What is refused need not travel.
    let data = if largest > 0 { Vec::new() } else { codec::encode(&append.records) };
    call.arg("A")
        .arg(channel_name(&append.channel))
        .arg(class)
        .arg(argument)
        .arg(frame)
        .arg(u8::from(is_owed(append)))
        .arg(append.records.len())
        .arg(sizes().sum::<usize>())
        .arg(largest)
        .arg(known)
        .arg(data)
}

fn with_row(call: Call, expected: Option<u64>, row: &SessionRow) -> Result<Call, StoreError> {
    let stored = stored_row(expected, row);
    let json = serde_json::to_vec(&stored).map_err(unstorable)?;
    let time = |at: Option<u64>| at.map_or_else(|| "-1".to_owned(), |at| at.to_string());
    let call = call.arg("R").arg(expected.unwrap_or(0)).arg(json).arg(place_of(&stored));
    Ok(call.arg(&row.id).arg(time(row.closed_at)).arg(time(row.expires_at)))
}

fn unstorable(error: serde_json::Error) -> StoreError {
    StoreError::Corrupt(error.to_string())
}
