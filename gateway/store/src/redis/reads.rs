//! Reads of one session.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use redis::Value;
use tidegate_core::seams::store::{Fate, ReadLimit, StoreError, StreamState};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};
use tracing::warn;

use super::answer::unpack;
use super::codec;
use super::commit::EXACT_MAX;
use super::connect::{Call, Reply, Served};
use super::keys::{Home, PARTITIONS, base, channel_name, embedded_partition};
use super::store::Shared;
use super::value::{bytes, list, number, text, unavailable, unexpected};
use crate::rules::read::Reader;

/// Characters of a friendly id that this gateway makes.
const FRIENDLY_ID_LEN: usize = 32;

impl Shared {
    pub(super) async fn read(
        &self,
        stream: &StreamId,
        from: u64,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, StoreError> {
        let mut reply = self.read_batches(stream, from, limit).await?;
        if matches!(reply.value, Value::Int(_)) {
            self.mend(stream).await?;
            reply = self.read_batches(stream, from, limit).await?;
        }
        let Reply { value, served } = reply;
        let mut values = list(value)?.into_iter();
        let mut reader = Reader::new(limit);
        let Some(from) = values.next() else { return Ok(reader.records) };
        let from = number(&from)?;
        while let (Some(first), Some(count), Some(time), Some(data)) =
            (values.next(), values.next(), values.next(), values.next())
        {
            let data = bytes(data)?.unwrap_or_default();
            let batch = codec::decode(number(&first)?, number(&count)?, number(&time)?, data);
            let batch = batch.ok_or_else(|| StoreError::Corrupt(format!("{stream:?}")))?;
            let mut records = batch.iter().filter(|record| record.seq_num >= from);
            if !records.all(|record| reader.take(record)) {
                break;
            }
        }
        self.replicated(stream, reader.records, &served).await
    }

    /// What replicas have of `records`, where the URL says `wait`: a failover could take back the
    /// rest, after somebody saw it.
    async fn replicated(
        &self,
        stream: &StreamId,
        mut records: Vec<Record>,
        served: &Served,
    ) -> Result<Vec<Record>, StoreError> {
        let tail = records.last().map_or(0, |record| record.seq_num + 1);
        let safe = self.replicated.tail(stream);
        if tail <= safe || !self.connection.waits() {
            return Ok(records);
        }
        match self.connection.barrier(served).await {
            Ok(()) => self.replicated.see(stream, tail),
            Err(error) => {
                records.retain(|record| record.seq_num < safe);
                if records.is_empty() {
                    return Err(unavailable(error));
                }
            }
        }
        Ok(records)
    }

    async fn read_batches(
        &self,
        stream: &StreamId,
        from: u64,
        limit: ReadLimit,
    ) -> Result<Reply, StoreError> {
        let home = Home::of(&stream.session);
        let bound = |most: usize| (most as u64).min(EXACT_MAX);
        let keys = [home.key("h"), home.of_channel("r", &stream.channel)];
        let call = self.scripts.read.call(&keys).arg(channel_name(&stream.channel));
        let call = call.arg(from.min(EXACT_MAX)).arg(bound(limit.records)).arg(bound(limit.bytes));
        self.ask(call).await
    }

    /// Owns up to records that are missing.
    async fn mend(&self, stream: &StreamId) -> Result<(), StoreError> {
        let home = Home::of(&stream.session);
        let keys = [home.of_channel("r", &stream.channel)];
        let call = self.session_call(&self.scripts.mend, &home, keys, None);
        let lost = number(&self.run(call.arg(channel_name(&stream.channel))).await?)?;
        if lost > 0 {
            self.lost.fetch_add(lost, Ordering::Relaxed);
            warn!(?stream, lost, "the server dropped committed records that nobody trimmed");
        }
        Ok(())
    }

    pub(super) async fn state(&self, stream: &StreamId) -> Result<StreamState, StoreError> {
        let home = Home::of(&stream.session);
        let field = format!("={}", channel_name(&stream.channel));
        let values = self.run(Call::command("HMGET", home.key("h")).arg("s").arg(field)).await?;
        let mut values = list(values)?.into_iter();
        let mut next = || values.next().map_or(Ok(None), bytes);
        let Some(session) = next()? else {
            self.teller.start(stream, 0);
            return Ok(StreamState::default());
        };
        let [epoch, base, _, fence, handovers] = unpack(&session)?;
        let fresh = StreamState {
            epoch,
            base,
            tail: base,
            retention_floor: base,
            replay_floor: base,
            fence,
            handovers,
            ..StreamState::default()
        };
        let Some(packed) = next()? else {
            self.teller.start(stream, base);
            return Ok(fresh);
        };
        let [epoch, base, tail, retention_floor, replay_floor, bytes, _, last_timestamp] =
            unpack(&packed)?;
        let state = StreamState {
            epoch,
            base,
            tail,
            retention_floor,
            replay_floor,
            bytes,
            last_timestamp,
            ..fresh
        };
        self.known.see(stream, state.tail);
        self.teller.start(stream, state.tail);
        Ok(state)
    }

    pub(super) async fn session(
        &self,
        key: &SessionKey,
    ) -> Result<Option<Arc<SessionRow>>, StoreError> {
        let call = Call::command("HGET", Home::of(key).key("h")).arg("r");
        let Reply { value, served } = self.ask(call).await?;
        let row = parse_row(bytes(value)?)?.map(Arc::new);
        self.rows.keep(key, row.as_ref(), &served);
        Ok(row)
    }

    pub(super) async fn resolve(
        &self,
        environment: &str,
        id: &str,
    ) -> Result<Option<SessionKey>, StoreError> {
        if let Some(key) = self.rows.resolve(environment, id) {
            return Ok(Some(key));
        }
        // An id that this gateway did not make may be anywhere.
        let own = embedded_partition(id).filter(|_| id.len() == FRIENDLY_ID_LEN);
        let partitions = own.map_or(0..PARTITIONS, |p| u16::from(p)..u16::from(p) + 1);
        let ask = |partition: u16| {
            Call::command("HGET", format!("{}i", base(environment, partition as u8))).arg(id)
        };
        for value in self.run_all(partitions.map(ask)).await? {
            if let Some(name) = bytes(value)? {
                let name = std::str::from_utf8(&name).map_err(|_| unexpected("no name"))?;
                let key = SessionKey::new(environment, name);
                self.rows.keep_id(environment, id, &key);
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    pub(super) async fn owed(&self, session: &SessionKey) -> Result<Vec<u64>, StoreError> {
        let call = Call::command("ZRANGE", Home::of(session).key("o")).arg(0).arg(-1);
        list(self.run(call).await?)?.iter().map(number).collect()
    }

    pub(super) async fn fates(
        &self,
        session: &SessionKey,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Fate)>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let call = Call::command("ZRANGEBYSCORE", Home::of(session).key("z"));
        let call = call.arg(from).arg("+inf").arg("LIMIT").arg(0).arg(limit);
        let fates = list(self.run(call).await?)?;
        fates.into_iter().map(|fate| parse_fate(&text(fate)?)).collect()
    }

    pub(super) async fn blob(
        &self,
        session: &SessionKey,
        name: &str,
    ) -> Result<Option<Bytes>, StoreError> {
        bytes(self.run(Call::command("HGET", Home::of(session).key("b")).arg(name)).await?)
    }

    pub(super) async fn blobs(
        &self,
        session: &SessionKey,
        prefix: &str,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, StoreError> {
        let home = Home::of(session);
        // No name holds the byte 255.
        let end = [b"(", prefix.as_bytes(), b"\xff"].concat();
        let end = before.map_or(end.clone(), |name| end.min(format!("({name}").into_bytes()));
        let call = Call::command("ZREVRANGEBYLEX", home.key("n")).arg(end);
        let call = call.arg(format!("[{prefix}")).arg("LIMIT").arg(0);
        let call = call.arg(i64::try_from(limit).unwrap_or(i64::MAX));
        let names = list(self.run(call).await?)?;
        let names = names.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let call = Call::command("HMGET", home.key("b")).arg(&names);
        let mut found = Vec::new();
        for (name, value) in names.into_iter().zip(list(self.run(call).await?)?) {
            // One that was deleted in between is left out.
            found.extend(bytes(value)?.map(|bytes| (name, bytes)));
        }
        Ok(found)
    }
}

/// A stored row.
pub(super) fn parse_row(stored: Option<Bytes>) -> Result<Option<SessionRow>, StoreError> {
    let Some(json) = stored else { return Ok(None) };
    serde_json::from_slice(&json).map(Some).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn parse_fate(stored: &str) -> Result<(u64, Fate), StoreError> {
    let parsed = stored
        .split_once(' ')
        .and_then(|(seq, fate)| Some((seq.parse().ok()?, serde_json::from_str(fate).ok()?)));
    parsed.ok_or_else(|| StoreError::Corrupt(format!("a fate: {stored}")))
}
