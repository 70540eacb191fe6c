//! What a reader has seen against what the gateways hold in the end (I1). What is missing there was
//! lost by a failover, with a gap that every reader can tell, or silently, which must not be.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_protocol::Record;
use tidegate_tests::client::Failure;
use tokio::time::{sleep, timeout};

use crate::log::{is_jump, without_token};
use crate::session::Session;
use crate::{check, fates};

/// Sentinels may make a server the primary again that has not caught up: then what was lost to the
/// other one is there again, below the gap.
const CAME_BACK: &str = "records and inputs that a later failover brought back";

/// Checks one session, once everything is calm again.
pub(crate) async fn check(session: &Session) {
    let name = &session.name;
    let seen = session.log.lock().expect("nobody panics with it").clone();
    let held = canonical(session, &seen[0]).await;
    check::dense(name, &held);
    session.report.count("records", held.len());
    session.report.count("inputs", session.inputs.len());
    session.report.count("sessions", 1);
    let lost = missing(session, &seen, &held);
    session.report.count("records that readers saw and a failover lost", lost);
    let epochs = held.windows(2).filter(|p| is_jump(p[0].seq_num, p[1].seq_num)).count();
    session.report.count("epochs that began under a reader", epochs);
    if session.topology.may_lose() {
        let lost = inputs(session).await;
        session.report.count("inputs that a failover lost", lost);
        return;
    }
    assert!(session.lost.is_empty(), "{name}: lost inputs: {:?}", session.lost);
    check::turns(name, session.agent, &held);
    fates::check(session, &held).await;
}

/// The log from the first record that the reader saw.
async fn canonical(session: &Session, first: &Record) -> Vec<Record> {
    let path = session.path("out/records");
    let last = fates::pages(session, &path, "afterEventId", "seqNum").await;
    // A session that a failover took whole, and that was made again, has none.
    let Some(last) = last.last().and_then(|record| record["seqNum"].as_u64()) else {
        return Vec::new();
    };
    let path = session.path("out");
    loop {
        let read = async {
            let mut reader = session.client.follow(&path, Some(first.seq_num)).await?;
            let mut log = vec![first.clone()];
            while log.last().is_some_and(|record| record.seq_num < last) {
                log.extend(reader.next().await?.ok_or("the stream has ended")?);
            }
            Ok::<_, Failure>(log)
        };
        match timeout(Duration::from_secs(20), read).await {
            Ok(Ok(log)) => return log,
            _ => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// How many of the records that were seen are gone; each stands before a gap.
fn missing(session: &Session, seen: &[Record], held: &[Record]) -> usize {
    let name = &session.name;
    let by_seq: BTreeMap<u64, &Record> = held.iter().map(|r| (r.seq_num, r)).collect();
    let mut lost = 0;
    for record in seen {
        let seq = record.seq_num;
        if let Some(held) = by_seq.get(&seq) {
            assert_eq!(without_token(record), without_token(held), "{name}: {seq} has changed");
            continue;
        }
        assert!(session.topology.may_lose(), "{name}: silently lost: {record:?}");
        let next = by_seq.range(seq..).next();
        let gap = next.is_none_or(|(next, _)| is_jump(seq, *next));
        assert!(gap, "{name}: {record:?} is lost without a gap, before {next:?}");
        lost += 1;
    }
    let seqs: std::collections::BTreeSet<u64> = seen.iter().map(|r| r.seq_num).collect();
    assert_eq!(seqs.len(), seen.len(), "{name}: a seq came twice");
    let (first, last) = (seen[0].seq_num, seen[seen.len() - 1].seq_num);
    let (seen, held) = (spans(seqs.iter()), spans(by_seq.keys()));
    for (seq, record) in by_seq.range(first..=last) {
        if seqs.contains(seq) {
            continue;
        }
        // What lies in a gap that the reader was told of was lost, and came back with its server.
        let (before, after) = (seqs.range(..seq).next_back(), seqs.range(seq..).next());
        let is_told = before.zip(after).is_some_and(|(before, after)| is_jump(*before, *after));
        let may_be = session.topology.may_lose() && is_told;
        assert!(may_be, "{name}: its reader never saw {record:?} of {held:?}, but {seen:?}");
        session.report.count(CAME_BACK, 1);
    }
    lost
}

/// First and last of what is dense.
fn spans<'a>(seqs: impl Iterator<Item = &'a u64>) -> Vec<(u64, u64)> {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for seq in seqs {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == *seq => *last = *seq,
            _ => spans.push((*seq, *seq)),
        }
    }
    spans
}

/// How many acknowledged inputs are gone; each stands before a gap.
async fn inputs(session: &Session) -> usize {
    let name = &session.name;
    let (held, owed) = fates::parts(session).await;
    session.report.count("inputs that stay owed after a failover took their answer back", owed);
    let mut lost = 0;
    let now = session.inputs.iter().map(|input| (input.seq, &input.part, false));
    let then = session.lost.iter().map(|(seq, part)| (*seq, part, true));
    for (seq, part, was_lost) in now.chain(then) {
        if let Some(found) = held.get(&seq) {
            assert_eq!(found, part, "{name}: {seq} was given twice");
            session.report.count(CAME_BACK, usize::from(was_lost));
            continue;
        }
        let next = held.range(seq..).next();
        let gap = next.is_none_or(|(next, _)| is_jump(seq, *next));
        assert!(gap, "{name}: input {seq} is lost without a gap, before {next:?}");
        lost += 1;
    }
    lost
}
