//! The commits that streaming consists of, which a shorter script does: one append, and what it
//! expects.

use std::sync::Arc;

use tidegate_core::seams::store::{Append, Appended, Commit, Op, Retention, StoreError, Writer};
use tidegate_protocol::NewRecord;
use tidegate_protocol::limits::RECORD_MAX_BYTES;

use super::answer::{Landed, unpack};
use super::codec;
use super::commit::EXACT_MAX;
use super::connect::{Call, Script};
use super::keys::{Home, channel_name};
use crate::rules::check::is_owed;

/// A commit that `lua/append.lua` may be able to do.
#[derive(Debug)]
pub(super) struct Plain<'a> {
    pub(super) append: &'a Append,
    fence: Option<u64>,
    handovers: Option<u64>,
    version: Option<u64>,
    term: Option<u64>,
}

/// What is known beside the commit itself.
#[derive(Debug)]
pub(super) struct Around<'a> {
    /// Identity of the server.
    pub(super) server: &'a str,
    pub(super) node: &'a str,
    /// `None`: the server's.
    pub(super) now: Option<u64>,
    pub(super) span: u64,
    pub(super) rules: &'a Retention,
    /// Highest tail that was seen of the stream.
    pub(super) known: u64,
    /// Whether this node hears the session's hints.
    pub(super) heard: bool,
}

impl<'a> Plain<'a> {
    /// The commit, if it is of this kind.
    pub(super) fn of(commit: &'a Commit) -> Option<Self> {
        let (mut version, mut term) = (None, None);
        let (mut fence, mut handovers) = (None, None);
        let mut append = None;
        for op in &commit.ops {
            let was = match op {
                Op::Append(one) => {
                    match one.writer {
                        Writer::Run { fence: token } => fence = Some(token),
                        Writer::Guest { handovers: count } => handovers = Some(count),
                        Writer::Gateway { bump: true } => return None,
                        Writer::Gateway { bump: false } | Writer::Client => {}
                    }
                    append.replace(one).is_some()
                }
                Op::ExpectRow { version: expected } => version.replace(*expected).is_some(),
                Op::ExpectTerm { term: expected } => term.replace(*expected).is_some(),
                _ => return None,
            };
            if was {
                return None;
            }
        }
        let append = append.filter(|append| !is_owed(append) && !append.records.is_empty())?;
        let fits = |record: &NewRecord| record.metered_len() <= RECORD_MAX_BYTES;
        let fits = append.records.iter().all(fits);
        fits.then_some(Self { append, fence, handovers, version, term })
    }

    /// The call of the script.
    pub(super) fn call(&self, script: &Arc<Script>, home: &Home, around: &Around<'_>) -> Call {
        let of_channel = |kind: &str| home.of_channel(kind, &self.append.channel);
        let (head, records) = (home.key("h"), of_channel("r"));
        let call = match self.append.frame_key {
            None => script.call(&[head, records]),
            Some(_) => script.call(&[head, records, of_channel("f")]),
        };
        let channel = channel_name(&self.append.channel);
        let call = call.arg(format!("={channel}")).arg(&self.numbers(around)[..]);
        let call = call.arg(around.server).arg(around.node).arg(channel).arg(home.key("w"));
        let call = call.arg(codec::encode(&self.append.records));
        match &self.append.frame_key {
            None => call,
            Some(key) => call.arg(format!("k{key}")),
        }
    }

    /// The numbers that the script takes, packed as it packs its own.
    fn numbers(&self, around: &Around<'_>) -> [u8; 8 * 13] {
        let exact = |number: u64| number.min(EXACT_MAX) as f64;
        let or_none = |number: Option<u64>| number.map_or(-1.0, exact);
        let size: usize = self.append.records.iter().map(NewRecord::metered_len).sum();
        let numbers = [
            or_none(around.now),
            exact(around.span),
            exact(around.rules.ttl_ms),
            exact(around.rules.records),
            exact(around.rules.bytes),
            exact(around.known),
            exact(self.append.records.len() as u64),
            exact(size as u64),
            or_none(self.fence),
            or_none(self.handovers),
            or_none(self.version),
            or_none(self.term),
            exact(around.heard.into()),
        ];
        let mut packed = [0; 8 * 13];
        for (place, number) in packed.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
            *place = number.to_be_bytes();
        }
        packed
    }

    /// Where it landed, by the script's answer.
    pub(super) fn landed(&self, answer: &[u8]) -> Result<Landed, StoreError> {
        let [epoch, first, timestamp] = unpack(answer)?;
        let count = self.append.records.len() as u64;
        let appended = Appended { epoch, first, count, timestamp, repeated: false };
        Ok(Landed { appended, lost: 0 })
    }
}
