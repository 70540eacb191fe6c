//! A frame that is sent again is recognised.

use bytes::Bytes;
use tidegate_core::seams::store::{Appended, Op, Writer};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::{FRAME_KEY_TTL_MS, FRAME_KEYS_MAX};

use super::factory::StoreFactory;
use super::fixture::{Fixture, append, append_as, bodies, frame, key};

const OUT: Channel = Channel::OUT;

/// The first answer is given again, also after a restart; nothing is written.
pub async fn a_repeat_gets_the_first_answer(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![append(&OUT, &["0"])]).await;
    let first = at.done(vec![frame("k", &["1", "2"])]).await.appends[0];
    at.done(vec![append(&OUT, &["3"])]).await;
    at.clock.pass(FRAME_KEY_TTL_MS - 1);
    let again = [Appended { repeated: true, ..first }];
    assert_eq!(at.done(vec![frame("k", &["1", "2"])]).await.appends, again);
    let at = at.reopen(factory).await;
    assert_eq!(at.done(vec![frame("k", &["1", "2"])]).await.appends, again);
    assert_eq!(bodies(&at.read(&OUT, 0).await), ["0", "1", "2", "3"]);
}

/// The other operations of a repeated commit are skipped, wherever they stand.
pub async fn a_repeat_skips_the_rest(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let ops = |blob: &'static str| {
        let bytes = Bytes::from_static(blob.as_bytes());
        vec![Op::PutBlob { name: "b".into(), bytes }, frame("k", &["x"]), Op::HandOver]
    };
    at.done(ops("first")).await;
    at.done(ops("second")).await;
    assert_eq!(at.state(&OUT).await.handovers, 1);
    assert_eq!(at.store.blob(&key(), "b").await, Ok(Some(Bytes::from_static(b"first"))));
}

/// A writer that was fenced off since still learns that its frame was written.
pub async fn a_repeat_is_answered_behind_the_fence(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let Op::Append(run) = append_as(&OUT, Writer::Run { fence: 0 }, &["x"]) else { return };
    let run =
        Op::Append(tidegate_core::seams::store::Append { frame_key: Some("k".into()), ..run });
    at.done(vec![run.clone()]).await;
    at.done(vec![append_as(&OUT, Writer::Gateway { bump: true }, &["error"])]).await;
    assert!(at.done(vec![run]).await.appends[0].repeated);
}

/// Keys are per stream, are forgotten after their time, and only so many are kept.
pub async fn keys_are_bounded(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![frame("k", &["a"])]).await;
    let Op::Append(other) = frame("k", &["i"]) else { return };
    let other = Op::Append(tidegate_core::seams::store::Append { channel: Channel::IN, ..other });
    assert!(!at.done(vec![other]).await.appends[0].repeated, "another stream");
    at.clock.pass(FRAME_KEY_TTL_MS);
    let at = at.reopen(factory).await;
    assert!(!at.done(vec![frame("k", &["b"])]).await.appends[0].repeated, "too old");
    for i in 0..FRAME_KEYS_MAX {
        at.done(vec![frame(&format!("k{i}"), &["c"])]).await;
    }
    let at = at.reopen(factory).await;
    assert!(!at.done(vec![frame("k", &["d"])]).await.appends[0].repeated, "too many since");
    assert!(at.done(vec![frame("k1", &["d"])]).await.appends[0].repeated);
    at.store.enforce_retention(super::fixture::START + FRAME_KEY_TTL_MS).await.expect("a sweep");
    let at = at.reopen(factory).await;
    assert!(at.done(vec![frame("k2", &["d"])]).await.appends[0].repeated, "the sweep kept it");
}
