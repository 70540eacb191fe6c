//! Sweeps over all partitions.

use std::collections::HashSet;

use tidegate_core::seams::store::StoreError;
use tidegate_protocol::ids::SessionKey;

use super::commit::with_rules;
use super::connect::{Call, slot_of};
use super::keys::{Home, PARTITIONS, base};
use super::store::Shared;
use super::value::{bytes, list, number, text};

/// Names of all environments that were ever written.
pub(super) const ENVIRONMENTS: &str = "tg:environments";
/// Sessions of a partition whose retention is looked at in one go.
const BATCH: usize = 64;

/// A session in an index that is sorted by time.
type Timed = (u64, SessionKey);

impl Shared {
    pub(super) async fn sweep_owed(
        &self,
        mut after: Option<SessionKey>,
        limit: usize,
    ) -> Result<Vec<SessionKey>, StoreError> {
        let environments = self.environments().await?;
        let mut found = Vec::new();
        while found.len() < limit {
            let candidates = self.owing(&environments, after.as_ref(), limit).await?;
            let Some(last) = candidates.last() else { break };
            after = Some(last.clone());
            found.extend(self.unserved(candidates).await?);
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The first `limit` sessions after `after` that owe something, in order.
    async fn owing(
        &self,
        environments: &[String],
        after: Option<&SessionKey>,
        limit: usize,
    ) -> Result<Vec<SessionKey>, StoreError> {
        let mut found = Vec::new();
        for environment in environments {
            let from = match after {
                Some(after) if after.environment() == environment => format!("({}", after.name()),
                Some(after) if format!("{environment}/").as_str() < after.as_str() => continue,
                _ => "-".to_owned(),
            };
            let ask = |key| {
                let call = Call::command("ZRANGEBYLEX", key).arg(&from).arg("+");
                call.arg("LIMIT").arg(0).arg(limit)
            };
            for answer in self.run_all(indexes(environment, "o").map(ask)).await? {
                for name in list(answer)? {
                    found.push(SessionKey::new(environment, &text(name)?));
                }
            }
        }
        found.sort_unstable();
        found.truncate(limit);
        Ok(found)
    }

    /// Those of `sessions` that nobody has a lease of.
    async fn unserved(&self, sessions: Vec<SessionKey>) -> Result<Vec<SessionKey>, StoreError> {
        let ask =
            |key: &SessionKey| Call::command("HMGET", Home::of(key).key("h")).arg("l").arg("c");
        let leases = self.run_all(sessions.iter().map(ask)).await?;
        let now = self.now();
        let mut free = Vec::new();
        for (key, lease) in sessions.into_iter().zip(leases) {
            let mut fields = list(lease)?.into_iter();
            let mut next = || fields.next().map_or(Ok(None), bytes);
            let (lease, holder) = (next()?.unwrap_or_default(), next()?);
            let holder = holder.as_deref().and_then(|holder| std::str::from_utf8(holder).ok());
            if holder.is_some_and(|holder| self.members.is_there(holder)) {
                continue;
            }
            let until = lease.split(|byte| *byte == b' ').next().unwrap_or_default();
            let until = std::str::from_utf8(until).ok().and_then(|text| text.parse::<u64>().ok());
            if until.is_none_or(|until| until <= now) {
                free.push(key);
            }
        }
        Ok(free)
    }

    pub(super) async fn sweep_expired(
        &self,
        now: u64,
        limit: usize,
    ) -> Result<Vec<SessionKey>, StoreError> {
        let gone = now.saturating_sub(self.retention.closed_ttl_ms);
        let is_gone = now >= self.retention.closed_ttl_ms;
        let mut found = Vec::new();
        let (mut closed, mut over, mut fresh, mut owing) = (vec![], vec![], vec![], vec![]);
        for environment in self.environments().await? {
            if is_gone {
                for (index, set) in [("d", &mut closed), ("x", &mut over)] {
                    let ask = |key| {
                        let call = Call::command("ZRANGEBYSCORE", key).arg("-inf").arg(gone);
                        call.arg("WITHSCORES").arg("LIMIT").arg(0).arg(limit)
                    };
                    self.timed(&environment, index, ask, set).await?;
                }
            }
            let start = if is_gone { format!("({gone}") } else { "-inf".to_owned() };
            let ask = |key| {
                let call = Call::command("ZREVRANGEBYSCORE", key).arg(now).arg(&start);
                call.arg("WITHSCORES").arg("LIMIT").arg(0).arg(limit)
            };
            self.timed(&environment, "x", ask, &mut fresh).await?;
            let ask = |key: String| {
                let owed = format!("{}o", key.trim_end_matches('x'));
                let call = Call::at(slot_of(key.as_bytes()), "ZINTER");
                call.arg(2).arg(&key).arg(owed).arg("WEIGHTS").arg(1).arg(0).arg("WITHSCORES")
            };
            self.timed(&environment, "x", ask, &mut owing).await?;
        }
        owing.retain(|(at, _)| *at <= now && !(is_gone && *at <= gone));
        closed.sort_unstable();
        over.sort_unstable();
        let newest_first = |a: &Timed, b: &Timed| b.cmp(a);
        owing.sort_unstable_by(newest_first);
        fresh.sort_unstable_by(newest_first);
        for set in [&closed, &over, &owing] {
            found.extend(set.iter().take(limit).map(|(_, key)| key.clone()));
        }
        let owing: HashSet<_> = owing.into_iter().map(|(_, key)| key).collect();
        found.extend(fresh.into_iter().map(|(_, key)| key).filter(|key| !owing.contains(key)));
        found.truncate(limit);
        Ok(found)
    }

    /// Adds what `ask` finds in an index of every partition.
    async fn timed(
        &self,
        environment: &str,
        index: &str,
        ask: impl Fn(String) -> Call,
        to: &mut Vec<Timed>,
    ) -> Result<(), StoreError> {
        for answer in self.run_all(indexes(environment, index).map(ask)).await? {
            let mut flat = Vec::new();
            // RESP3 gives pairs, RESP2 a flat list.
            for value in list(answer)? {
                match value {
                    redis::Value::Array(pair) => flat.extend(pair),
                    value => flat.push(value),
                }
            }
            let mut flat = flat.into_iter();
            while let (Some(name), Some(at)) = (flat.next(), flat.next()) {
                to.push((number(&at)?, SessionKey::new(environment, &text(name)?)));
            }
        }
        Ok(())
    }

    pub(super) async fn enforce_retention(&self, now: u64) -> Result<u64, StoreError> {
        let mut dropped = 0;
        for environment in self.environments().await? {
            let ask = |key| {
                let call = Call::command("ZRANGEBYSCORE", key).arg("-inf").arg(now);
                call.arg("LIMIT").arg(0).arg(100_000)
            };
            for due in self.run_all(indexes(&environment, "a").map(ask)).await? {
                let names = list(due)?.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
                for batch in names.chunks(BATCH) {
                    let enforce = |name: &String| {
                        let home = Home::of(&SessionKey::new(&environment, name));
                        let keys = [home.key("o"), home.key("z"), home.index("a")];
                        let call = self.session_call(&self.scripts.enforce, &home, keys, Some(now));
                        with_rules(call, &self.retention)
                    };
                    for answer in self.run_all(batch.iter().map(enforce)).await? {
                        dropped += number(&answer)?;
                    }
                }
            }
        }
        Ok(dropped)
    }

    pub(super) async fn environments(&self) -> Result<Vec<String>, StoreError> {
        let names = list(self.run(Call::command("SMEMBERS", ENVIRONMENTS)).await?)?;
        let mut names = names.into_iter().map(text).collect::<Result<Vec<_>, _>>()?;
        names.sort_unstable();
        Ok(names)
    }
}

/// Keys of an index, in every partition.
pub(super) fn indexes(environment: &str, index: &str) -> impl Iterator<Item = String> {
    (0..PARTITIONS).map(move |partition| format!("{}{index}", base(environment, partition as u8)))
}
