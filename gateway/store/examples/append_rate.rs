//! How many commits a store takes, and what each costs: `append_rate URL TASKS SECONDS [RATE]`.
//!
//! Every task appends one record of 150 bytes per commit to its own session, as fast as it is
//! answered, or at RATE commits per second in all. CPU is that of the whole process.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::env;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{Append, Commit, Op, Retention, Writer};
use tidegate_protocol::NewRecord;
use tidegate_protocol::ids::{Channel, SessionKey};
use tidegate_store::{ListenableStore, open};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let [url, tasks, seconds, rate @ ..] = &args[..] else {
        println!("usage: append_rate URL TASKS SECONDS [RATE]");
        return;
    };
    let number = |text: &String| text.parse::<u64>().expect("a number");
    let (tasks, length) = (number(tasks), Duration::from_secs(number(seconds)));
    let pause = rate.first().map(|rate| Duration::from_secs(tasks) / number(rate) as u32);
    let store = open(url, Arc::new(SystemClock), Retention::default()).expect("a store");
    for task in 0..tasks {
        append(&*store, task).await;
    }
    let (started, cpu) = (Instant::now(), cpu_time());
    let running = (0..tasks).map(|task| {
        let (store, end) = (store.clone(), started + length);
        tokio::spawn(async move { run(&*store, task, end, pause).await })
    });
    let mut commits = 0;
    let mut waits = Vec::new();
    for task in running.collect::<Vec<_>>() {
        let (count, waited) = task.await.expect("a task");
        commits += count;
        waits.extend(waited);
    }
    let (elapsed, cpu) = (started.elapsed(), cpu_time() - cpu);
    waits.sort_unstable();
    let wait = |part: usize| waits.get(waits.len() * part / 100).copied().unwrap_or_default();
    println!(
        "{url}: {tasks} tasks, {:.0} commits/s, {:.2} us CPU per commit, p50 {:?}, p99 {:?}",
        commits as f64 / elapsed.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / commits as f64,
        wait(50),
        wait(99),
    );
    store.close().await.expect("a clean end");
}

/// Appends until `end`; gives the number of commits and how long each took.
async fn run(
    store: &dyn ListenableStore,
    task: u64,
    end: Instant,
    pause: Option<Duration>,
) -> (u64, Vec<Duration>) {
    let mut ticks = pause.map(tokio::time::interval);
    let (mut commits, mut waits) = (0, Vec::new());
    while Instant::now() < end {
        match &mut ticks {
            Some(ticks) => drop(ticks.tick().await),
            // A commit in memory never waits, so let the other tasks run.
            None => tokio::task::yield_now().await,
        }
        let sent = Instant::now();
        append(store, task).await;
        waits.push(sent.elapsed());
        commits += 1;
    }
    (commits, waits)
}

async fn append(store: &dyn ListenableStore, task: u64) {
    let record = NewRecord { headers: Vec::new(), body: vec![b'x'; 150].into() };
    let append = Append {
        channel: Channel::OUT,
        writer: Writer::Client,
        frame_key: None,
        records: vec![record],
        owed: false,
    };
    let session = SessionKey::new("dev", &format!("chat-{task}"));
    store.commit(Commit { session, ops: vec![Op::Append(append)] }).await.expect("a commit");
}

/// User and system time of this process.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<_> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u64>().expect("a number");
    // Ticks of 10 ms, which is what the kernel shows on every platform that counts.
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}
