//! What was on its way to a worker when its link was cut.

use std::sync::Arc;

use tidegate_tests::process::Gateway;

use crate::fates;
use crate::recovery::Recovery;
use crate::user::User;
use crate::worker::{Mode, Worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_and_its_inputs_that_were_cut_off_are_sent_again() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(dir.path(), "memory:", "").await;
    let worker = Worker::start(dir.path(), &gateway.address, Mode::Runs, "w", "1", 4).await;
    let recovery = Arc::new(Recovery::default());
    // The worker is there: it answers somebody else.
    let mut other = User::new(gateway.client(), Mode::Runs, 0, 1, &recovery);
    other.create().await;
    let seq = other.say("say 1 0").await;
    other.read_until(seq).await;
    worker.proxy.stall(true);
    let mut user = User::new(gateway.client(), Mode::Runs, 1, 1, &recovery);
    user.create().await;
    let seq = user.say("say 5 0").await;
    // The run and the message are on the link, and nowhere else.
    while user.run_status().await != "EXECUTING" {
        tokio::task::yield_now().await;
    }
    worker.proxy.cut();
    worker.proxy.stall(false);
    user.read_until(seq).await;
    fates::check(&user).await;
}
