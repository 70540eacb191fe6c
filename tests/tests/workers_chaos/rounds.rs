//! Rounds of faults under load.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_protocol::Record;
use tidegate_tests::client::Client;
use tokio::time::timeout;

use crate::faults::{Fault, World};
use crate::recovery::Recovery;
use crate::rng::{Rng, is_long, seed};
use crate::user::{PATIENCE, User};
use crate::worker::Mode;
use crate::{check, fates};

/// Sessions of each mode.
const SESSIONS: usize = 4;
/// In the long form every so many rounds a worker is frozen.
const FREEZE_EVERY: usize = 20;

/// What the rounds know of a user.
struct Seen {
    name: String,
    mode: Mode,
    log: Arc<Mutex<Vec<Record>>>,
}

impl Seen {
    /// What it has read so far is dense, in order, and what a reader from anywhere gets.
    async fn check(&self, client: &Client, rng: &mut Rng) {
        let log = self.log.lock().expect("nobody panics with it").clone();
        check::dense(&self.name, &log);
        check::turns(&self.name, self.mode, &log);
        if log.is_empty() {
            return;
        }
        let at = rng.below(log.len() as u64) as usize;
        check::resumed(client, &self.name, &log, at).await.expect("the gateway is up");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_repeated_or_stranded() {
    let rounds = if is_long() { 500 } else { 14 };
    let seed = seed();
    println!("replay with TIDEGATE_SEED={seed}");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut world = World::start(dir.path()).await;
    let recovery = Arc::new(Recovery::default());
    let over = Arc::new(AtomicBool::new(false));
    let (mut seen, mut users) = (Vec::new(), Vec::new());
    for number in 0..SESSIONS * 2 {
        let mode = if number % 2 == 0 { Mode::Turns } else { Mode::Runs };
        let user = User::new(world.gateway.client(), mode, number, seed, &recovery);
        seen.push(Seen { name: user.name.clone(), mode, log: user.log() });
        users.push(tokio::spawn(user.live(Arc::clone(&over))));
    }
    let mut rng = Rng::new(seed);
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_millis(50 + rng.below(400))).await;
        if round % FREEZE_EVERY == FREEZE_EVERY / 2 {
            let freezing = world.freeze(&mut rng, &recovery);
            timeout(PATIENCE, freezing).await.expect("somebody is served");
        } else {
            world.suffer(Fault::any(&mut rng), &mut rng, &recovery).await;
        }
        let which = rng.below(seen.len() as u64) as usize;
        seen[which].check(&world.gateway.client(), &mut rng).await;
    }
    over.store(true, Ordering::Relaxed);
    let (mut records, mut inputs) = (0, 0);
    for (user, seen) in users.into_iter().zip(&seen) {
        let user = user.await.expect("the user's own checks hold");
        for _ in 0..5 {
            seen.check(&user.client, &mut rng).await;
        }
        fates::check(&user).await;
        records += seen.log.lock().expect("nobody panics with it").len();
        inputs += user.acknowledged.len();
    }
    assert!(world.refusals > 0, "no frozen worker that came back was refused");
    recovery.report().iter().for_each(|line| println!("{line}"));
    let refusals = world.refusals;
    println!("{rounds} rounds, {inputs} inputs, {records} records, {refusals} refusals of zombies");
}
