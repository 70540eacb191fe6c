//! Followers under appends from many tasks: everything exactly once and in order, on both stores,
//! whether it comes from the ring or from the store, for those who come and go too (I1).

use std::future::poll_fn;

use tidegate_core::channels::Follower;
use tidegate_core::gateway::Gateway;
use tidegate_core::seams::store::{Append, Commit, Op, Writer};
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::limits::RING_MAX_BATCHES;
use tidegate_protocol::{NewRecord, Record};

use crate::harness::gateway;

const WRITERS: u64 = 8;
const EACH: u64 = 250;

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

fn session() -> SessionKey {
    SessionKey::new("dev", "c")
}

fn follow(gateway: &Gateway, from: u64) -> Follower {
    let stream = StreamId { session: session(), channel: Channel::OUT };
    gateway.channels().follow(gateway.store().clone(), stream, from)
}

async fn append(gateway: &Gateway, records: Vec<NewRecord>) {
    let append = Append {
        channel: Channel::OUT,
        writer: Writer::Client,
        frame_key: None,
        records,
        owed: false,
    };
    let commit = Commit { session: session(), ops: vec![Op::Append(append)] };
    gateway.store().commit(commit).await.expect("committed");
}

async fn write(gateway: Gateway, writer: u64, mut rng: Rng) {
    let mut next = 0;
    while next < EACH {
        let count = (1 + rng.below(4)).min(EACH - next);
        let record = |n: u64| {
            let padding = "x".repeat(usize::try_from(rng.below(2_000)).expect("small"));
            NewRecord::data(format!("\"{padding}\"").as_bytes(), &format!("{writer}-{n}"))
        };
        append(&gateway, (next..next + count).map(record).collect()).await;
        next += count;
        if rng.below(3) == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Reads all, leaving and coming back now and then.
async fn read(gateway: Gateway, mut rng: Rng, restless: bool) -> Vec<Record> {
    let mut log: Vec<Record> = Vec::new();
    let mut follower = follow(&gateway, 0);
    while (log.len() as u64) < WRITERS * EACH {
        let delivery = poll_fn(|cx| follower.poll_next(cx)).await.expect("the store is up");
        log.extend_from_slice(delivery.records());
        if restless && rng.below(4) == 0 {
            // What was delivered and not yet used is read once more.
            log.truncate(log.len() - usize::try_from(rng.below(3)).expect("small").min(log.len()));
            follower = follow(&gateway, log.len() as u64);
        }
        for _ in 0..rng.below(4) {
            tokio::task::yield_now().await;
        }
    }
    log
}

fn seed() -> u64 {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    seed.unwrap_or_else(|| u64::from(std::process::id()) * 7919 + 1)
}

async fn everyone_reads_the_log(url: &str, seed: u64) {
    let rng = |n: u64| Rng(seed.wrapping_add(n * 104_729) | 1);
    let gateway = gateway(url, 1).await;
    let readers: Vec<_> =
        (0..12).map(|n| tokio::spawn(read(gateway.clone(), rng(100 + n), n % 2 == 0))).collect();
    let writers: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(write(gateway.clone(), n, rng(n)))).collect();
    for writer in writers {
        writer.await.expect("it wrote");
    }
    let log = read(gateway.clone(), rng(7), false).await;
    assert!(log.iter().enumerate().all(|(at, record)| record.seq_num == at as u64));
    for reader in readers {
        let seen = reader.await.expect("it read");
        assert_eq!(seen.len(), log.len());
        assert!(seen == log, "a reader saw another log");
    }
    // Each writer's records once, in its order.
    let texts: Vec<String> =
        log.iter().map(|record| String::from_utf8_lossy(&record.body).into_owned()).collect();
    for writer in 0..WRITERS {
        let mine = texts.iter().filter_map(|text| {
            let (_, id) = text.rsplit_once("\"id\":\"")?;
            id.strip_suffix("\"}")?.strip_prefix(&format!("{writer}-"))?.parse::<u64>().ok()
        });
        assert_eq!(mine.collect::<Vec<_>>(), (0..EACH).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_everyone_reads_the_log_in_memory() {
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    everyone_reads_the_log("memory:", seed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_everyone_reads_the_log_on_disk() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    everyone_reads_the_log(&format!("disk:{}", folder.path().display()), seed).await;
}

/// Behind both bounds of the ring: batches and bytes.
async fn a_follower_behind_the_ring_catches_up(url: &str) {
    let gateway = gateway(url, 1).await;
    let mut behind = follow(&gateway, 0);
    append(&gateway, vec![NewRecord::data(b"0", "0")]).await;
    let first = poll_fn(|cx| behind.poll_next(cx)).await.expect("up");
    assert_eq!(first.records().len(), 1);
    for n in 0..20 {
        append(
            &gateway,
            vec![NewRecord::data(
                format!("\"{}\"", "y".repeat(100_000)).as_bytes(),
                &n.to_string(),
            )],
        )
        .await;
    }
    for n in 0..RING_MAX_BATCHES + 100 {
        append(&gateway, vec![NewRecord::data(n.to_string().as_bytes(), &n.to_string())]).await;
    }
    let total = 1 + 20 + RING_MAX_BATCHES + 100;
    let mut seen: Vec<Record> = first.records().to_vec();
    while seen.len() < total {
        let delivery = poll_fn(|cx| behind.poll_next(cx)).await.expect("up");
        seen.extend_from_slice(delivery.records());
    }
    let mut fresh = follow(&gateway, 0);
    let mut log: Vec<Record> = Vec::new();
    while log.len() < total {
        let delivery = poll_fn(|cx| fresh.poll_next(cx)).await.expect("up");
        log.extend_from_slice(delivery.records());
    }
    assert!(log.iter().enumerate().all(|(at, record)| record.seq_num == at as u64));
    assert!(seen == log, "the one behind saw another log");
}

#[tokio::test]
async fn i6_a_follower_behind_the_ring_catches_up_in_memory() {
    a_follower_behind_the_ring_catches_up("memory:").await;
}

#[tokio::test]
async fn i6_a_follower_behind_the_ring_catches_up_on_disk() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    a_follower_behind_the_ring_catches_up(&format!("disk:{}", folder.path().display())).await;
}
