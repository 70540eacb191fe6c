//! One group: what is written and synced together.

use std::mem;

use tidegate_core::seams::store::{
    Commit, CommitError, Committed, Lease, LeaseError, LeaseRequest, Op, Retention, StoreError,
};
use tidegate_protocol::ids::{Channel, SessionKey};

use super::apply::Output;
use super::cache::Cache;
use super::engine::Engine;
use super::keys::meta;
use super::load;
use super::overlay::Overlay;
use super::shared::Shared;
use super::work::Work;
use crate::rules::check::{Verdict, check};

/// Collects the writes of one group.
#[derive(Debug)]
pub(super) struct Group<'a> {
    engine: &'a Engine,
    works: &'a mut Cache<SessionKey, Work>,
    output: Output<'a>,
    touched: Vec<Touched>,
}

/// A session that the group changed.
#[derive(Debug)]
struct Touched {
    key: SessionKey,
    deleted: bool,
}

/// The group can't be written: its state is ahead of the disk in an unknown way.
#[derive(Debug)]
pub(super) struct Broken(pub(super) StoreError);

impl<'a> Group<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        works: &'a mut Cache<SessionKey, Work>,
        next_number: &'a mut u64,
        now: u64,
    ) -> Self {
        let overlay = Overlay::new(engine);
        let output = Output { overlay, next_number, batches: Vec::new(), now };
        Self { engine, works, output, touched: Vec::new() }
    }

    /// Adds a commit. Refused, it leaves the group as it was.
    pub(super) fn commit(
        &mut self,
        commit: Commit,
    ) -> Result<Result<Committed, CommitError>, Broken> {
        let Commit { session: key, ops } = commit;
        let now = self.output.now;
        let work = match prepared(self.engine, self.works, &key, channels(&ops), now) {
            Ok(work) => work,
            Err(error) => return Ok(Err(error.into())),
        };
        match check(&work.state, &ops, now) {
            Err(error) => Ok(Err(error)),
            Ok(Verdict::Repeated(appends)) => Ok(Ok(Committed { appends })),
            Ok(Verdict::Apply) => {
                touch(&mut self.touched, work, &key, false);
                self.output.apply(work, &key, ops).map(Ok).map_err(Broken)
            }
        }
    }

    pub(super) fn lease(
        &mut self,
        key: &SessionKey,
        request: LeaseRequest,
    ) -> Result<Lease, LeaseError> {
        let work = prepared(self.engine, self.works, key, [], self.output.now)?;
        let outcome = work.state.lease(request, self.output.now)?;
        if !outcome.unchanged {
            touch(&mut self.touched, work, key, false);
            self.output.put_head(work, key);
        }
        Ok(outcome.lease)
    }

    pub(super) fn delete(&mut self, key: &SessionKey) -> Result<(), StoreError> {
        let Some(work) = self.whole(key)? else { return Ok(()) };
        let (touched, output) = (&mut self.touched, &mut self.output);
        let work = self.works.get_mut(&work).expect("loaded by `whole`");
        touch(touched, work, key, true);
        output.delete(work, key);
        Ok(())
    }

    /// Drops what retention no longer keeps of a session.
    pub(super) fn enforce(
        &mut self,
        key: &SessionKey,
        rules: &Retention,
        now: u64,
    ) -> Result<Result<u64, StoreError>, Broken> {
        match self.whole(key) {
            Err(error) => return Ok(Err(error)),
            Ok(None) => return Ok(Ok(0)),
            Ok(Some(_)) => {}
        }
        let work = self.works.get_mut(key).expect("loaded by `whole`");
        touch(&mut self.touched, work, key, false);
        self.output.enforce(work, rules, now).map(Ok).map_err(Broken)
    }

    pub(super) fn remove(&mut self, keys: Vec<Vec<u8>>) {
        keys.into_iter().for_each(|key| self.output.overlay.remove(key));
    }

    /// Writes and syncs the group under its mark. Nothing of it can be seen if that fails.
    pub(super) fn write(&mut self, mark: Vec<u8>) -> fjall::Result<()> {
        let mut overlay = mem::replace(&mut self.output.overlay, Overlay::new(self.engine));
        if overlay.is_empty() {
            return Ok(());
        }
        overlay.put(meta::GROUP_MARK.to_vec(), mark);
        overlay.commit()
    }

    /// Shows what was written: to the readers, then to the listener.
    pub(super) fn publish(self, shared: &Shared) {
        for Touched { key, deleted } in self.touched {
            let Some(work) = self.works.get_mut(&key) else { continue };
            shared.views.committed(&key, work, deleted);
            work.touched = false;
            work.dirty.clear();
            let mut owing = shared.owing.lock();
            match (work.state.owed.is_empty(), owing.contains(&key)) {
                (true, true) => owing.remove(&key),
                (false, false) => owing.insert(key),
                _ => false,
            };
        }
        if let Some(listener) = shared.listener.get() {
            for (stream, records) in &self.output.batches {
                listener.committed(stream, records);
            }
        }
        self.works.age();
    }

    /// Loads the whole session `key`; `None` if there never was one.
    fn whole(&mut self, key: &SessionKey) -> Result<Option<SessionKey>, StoreError> {
        let work = prepared(self.engine, self.works, key, [], self.output.now)?;
        let stored = match work.number {
            Some(number) => load::channels(self.engine, number)?,
            None => Vec::new(),
        };
        let exists = work.head() != Default::default();
        prepared(self.engine, self.works, key, stored.iter(), self.output.now)?;
        Ok(exists.then(|| key.clone()))
    }
}

/// Notes that the group changes the session `key`.
fn touch(touched: &mut Vec<Touched>, work: &mut Work, key: &SessionKey, deleted: bool) {
    if !work.touched {
        work.touched = true;
        touched.push(Touched { key: key.clone(), deleted });
    } else if deleted && let Some(known) = touched.iter_mut().find(|known| known.key == *key) {
        known.deleted = true;
    }
}

/// The state of the session `key` with those of `channels` that have a stream.
fn prepared<'w, 'c>(
    engine: &Engine,
    works: &'w mut Cache<SessionKey, Work>,
    key: &SessionKey,
    channels: impl IntoIterator<Item = &'c Channel>,
    now: u64,
) -> Result<&'w mut Work, StoreError> {
    if works.get_mut(key).is_none() {
        works.insert(key.clone(), load::session(engine, key)?);
    }
    let work = works.get_mut(key).expect("inserted above");
    for channel in channels {
        if work.state.streams.contains_key(channel) {
            continue;
        }
        let Some(number) = work.number else { break };
        let incarnation = work.state.incarnation;
        if let Some(stream) = load::stream(engine, key, number, incarnation, channel, now)? {
            work.state.streams.insert(channel.clone(), stream);
        }
    }
    Ok(work)
}

/// The channels that `ops` depend on.
fn channels(ops: &[Op]) -> impl Iterator<Item = &Channel> {
    ops.iter().filter_map(|op| match op {
        Op::Append(append) => Some(&append.channel),
        Op::Trim { channel, .. } => Some(channel),
        Op::Settle(_) => Some(&Channel::IN),
        _ => None,
    })
}
