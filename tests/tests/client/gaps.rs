//! What can't be delivered any more is told, over every transport; what is only left out is not.

use tidegate_client::client::{GapReason, Mode, Session, Start};
use tidegate_core::seams::store::{Append, Commit, Op, Retention, Writer};
use tidegate_protocol::NewRecord;
use tidegate_protocol::ids::{Channel, SessionKey};
use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;
use tidegate_transport::config::Http3;

use crate::harness::{Gate, KEY};
use crate::plan::Plan;
use crate::room::{Heard, MODES, trusting};

fn session(gate: &Gate, mode: Mode) -> Session {
    let url = format!("https://localhost:{}", gate.server.local_addrs()[1].port());
    trusting(&url).token(KEY).mode(mode).build().expect("a client").session("c")
}

/// It speaks HTTP/3, too.
async fn gate(plan: &Plan) -> Gate {
    Gate::build(plan, |config| config.http3 = Some(Http3::default())).await
}

#[tokio::test]
async fn retention() {
    let retention = Retention { records: 2, ..Retention::default() };
    let gate = gate(&Plan { retention, ..Plan::default() }).await;
    gate.create("c").await;
    gate.emit("c", &["0", "1", "2", "3", "4"]).await;
    gate.gateway.store().enforce_retention(gate.gateway.now()).await.expect("up");
    for mode in MODES {
        let session = session(&gate, mode);
        for (cursor, gap) in [(0, Some((1, 3, GapReason::Retention))), (2, None), (3, None)] {
            let mut live = session.subscribe(Start::after(cursor));
            let mut heard = Heard::default();
            heard.up_to(4, &mut live).await;
            let seqs: Vec<u64> = heard.records.iter().map(|record| record.seq_num).collect();
            assert_eq!(seqs, (3.max(cursor + 1)..5).collect::<Vec<_>>());
            assert_eq!(heard.gaps, Vec::from_iter(gap), "{mode:?} {cursor}");
        }
        // Without a cursor nothing is missing.
        let mut live = session.subscribe(Start::Floor);
        let mut heard = Heard::default();
        heard.up_to(4, &mut live).await;
        assert_eq!((heard.records.len(), heard.gaps), (2, Vec::new()));
    }
}

#[tokio::test]
async fn an_epoch() {
    for mode in MODES {
        let gate = gate(&Plan::default()).await;
        gate.create("c").await;
        gate.emit("c", &["0", "1", "2"]).await;
        let mut live = session(&gate, mode).subscribe(Start::after(0));
        let mut heard = Heard::default();
        heard.up_to(2, &mut live).await;
        gate.gateway.delete_session(&SessionKey::new("dev", "c")).await.expect("deleted");
        gate.create("c").await;
        gate.emit("c", &["new"]).await;
        let first = EPOCH_SEQ_STRIDE + 3;
        heard.up_to(first, &mut live).await;
        assert_eq!(heard.gaps, [(3, first, GapReason::Epoch)], "{mode:?}");
        assert_eq!(heard.records.len(), 3);
    }
}

/// Command records take a seq and are not shown (R-REC-4).
#[tokio::test]
async fn commands_are_no_gap() {
    let gate = gate(&Plan::default()).await;
    gate.create("c").await;
    gate.emit("c", &["0", "1"]).await;
    let headers = vec![(String::new(), "trim".into())];
    let command = NewRecord { headers, body: b"\0\0\0\0".to_vec().into() };
    let append = Append {
        channel: Channel::OUT,
        writer: Writer::Gateway { bump: false },
        frame_key: None,
        records: vec![command],
        owed: false,
    };
    let ops = vec![Op::Append(append)];
    let commit = Commit { session: SessionKey::new("dev", "c"), ops };
    gate.gateway.store().commit(commit).await.expect("committed");
    gate.emit("c", &["3"]).await;
    for mode in MODES {
        let mut live = session(&gate, mode).subscribe(Start::after(1));
        let mut heard = Heard::default();
        heard.up_to(3, &mut live).await;
        assert_eq!((heard.records.len(), heard.gaps), (1, Vec::new()), "{mode:?}");
    }
}
