//! S2 appends: encodings, order, repeats, refusals, trims.

use serde_json::{Value, json};
use tidegate_protocol::limits::{RECORD_MAX_BYTES, S2_BODY_MAX_BYTES, S2_RECORDS_MAX};
use tidegate_protocol::s2::{AppendInput, InputRecord, proto};

use crate::client::Wire;
use crate::harness::Gate;
use crate::s2_writer::{
    FRAMES, JSON, PROTOBUF, Writer, acks, chunk, framed, frames, message, out, seqs_of, shown,
};

#[tokio::test]
async fn every_encoding_over_every_kind_of_connection() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let writer = Writer::guest(&gate, "c").await;
    let mut next = 0;
    for wire in [Wire::H1, Wire::H2c, Wire::TlsH1, Wire::TlsH2] {
        let two = |at: u64| [chunk(&format!("{wire:?}{at}")), chunk(&format!("{wire:?}{at}'"))];
        let body = json!({"records": two(0).each_ref().map(shown)}).to_string().into_bytes();
        let answer = writer.over(&gate, wire, JSON, body).await;
        let at = |seq: u64| json!(seq);
        let ack = answer.json();
        assert_eq!(ack["start"]["seq_num"], at(next), "{wire:?}");
        assert_eq!((&ack["end"], &ack["tail"]["seq_num"]), (&ack["tail"], &at(next + 2)));
        let answer = writer.over(&gate, wire, PROTOBUF, message(&two(1))).await;
        assert_eq!(answer.header("content-type"), Some(PROTOBUF));
        assert_eq!(seqs_of(answer.body), (next + 2, next + 4));
        let body = [framed(&two(2)), framed(&[chunk(&format!("{wire:?}!"))]), framed(&two(3))];
        let answer = writer.over(&gate, wire, FRAMES, body.concat()).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(FRAMES)));
        let expected = [(next + 4, next + 6), (next + 6, next + 7), (next + 7, next + 9)];
        assert_eq!(acks(&answer.body), expected);
        next += 9;
    }
    let records = out(&gate, "c").await;
    assert_eq!(records.len(), 36);
    assert_eq!(records[6]["data"]["delta"], "H1!");
    assert!((0..).zip(&records).all(|(seq, record)| record["seqNum"] == seq));
}

#[tokio::test]
async fn what_is_sent_again_is_acknowledged_again() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let writer = Writer::guest(&gate, "c").await;
    let two = [chunk("a"), chunk("b")];
    let first = acks(&writer.append(FRAMES, framed(&two)).await.body);
    assert_eq!(writer.json(json!([{"body": "no envelope"}])).await.status, 200);
    assert_eq!(acks(&writer.append(FRAMES, framed(&two)).await.body), first);
    assert_eq!(seqs_of(writer.append(PROTOBUF, message(&two)).await.body), first[0]);
    let again = Writer::guest(&gate, "c").await.json(two.each_ref().map(shown).into()).await;
    assert_eq!(again.json()["end"]["seq_num"], first[0].1);
    assert_eq!(out(&gate, "c").await.len(), 3);
    // These say nothing by which a repeat could be told from a second one.
    let boundary = json!([{"body": "", "headers": [["trigger-control", "turn-complete"]]}]);
    for seq in [3, 4] {
        assert_eq!(writer.json(boundary.clone()).await.json()["start"]["seq_num"], seq);
    }
}

#[tokio::test]
async fn a_trim_takes_a_place_and_moves_where_reads_start() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let writer = Writer::guest(&gate, "c").await;
    let trim = |seq: u64| InputRecord {
        headers: vec![("".into(), "trim".into())],
        body: seq.to_be_bytes().to_vec().into(),
        ..InputRecord::default()
    };
    writer.append(PROTOBUF, message(&["a", "b", "c"].map(chunk))).await;
    // The bytes that the published client sends for `trimTo(2)`.
    let sent = b"\x0a\x12\x12\x06\x12\x04trim\x1a\x08\0\0\0\0\0\0\0\x02";
    let answer = writer.append(PROTOBUF, sent.to_vec()).await;
    assert_eq!(seqs_of(answer.body), (3, 4));
    let from = async || out(&gate, "c").await[0]["seqNum"].as_u64();
    assert_eq!(from().await, Some(2));
    let mut events = gate.client().read("/realtime/v1/sessions/c/out", &[]).await;
    writer.append(PROTOBUF, message(&[chunk("d")])).await;
    // The command between them is not shown.
    assert_eq!(events.take(2).await.iter().map(|at| at.seq_num).collect::<Vec<_>>(), [2, 4]);
    // Never back, never beyond the tail; what lies below can still be read by cursor.
    writer.append(PROTOBUF, message(&[trim(1)])).await;
    assert_eq!(from().await, Some(2));
    writer.append(PROTOBUF, message(&[trim(u64::MAX)])).await;
    assert_eq!(out(&gate, "c").await, Vec::<Value>::new());
    let path = "/realtime/v1/sessions/c/out/records?afterEventId=0";
    let page = gate.client().get(path).await.json();
    let seqs = page["records"].as_array().expect("records").iter();
    // Commands are not shown (R-PG-1).
    assert_eq!(
        seqs.map(|record| record["seqNum"].as_u64()).collect::<Vec<_>>(),
        [Some(1), Some(2), Some(4)]
    );
}

#[tokio::test]
async fn access_tokens_do_not_get_in() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let writer = Writer::guest(&gate, "c").await;
    let headers = [
        ["trigger-control", "turn-complete"],
        ["public-access-token", "secret"],
        ["Public-Access-Token", "secret"],
        ["session-in-event-id", "4"],
    ];
    writer.json(json!([{"headers": headers}])).await;
    let records = out(&gate, "c").await;
    assert_eq!(records[0]["headers"], json!([headers[0], headers[3]]));
}

#[tokio::test]
async fn what_is_refused_writes_nothing_and_leaves_the_stream_usable() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let writer = Writer::guest(&gate, "c").await;
    let text = |text: &[u8]| InputRecord { body: text.to_vec().into(), ..InputRecord::default() };
    let command = |name: &str| InputRecord {
        headers: vec![("".into(), name.to_owned().into())],
        ..InputRecord::default()
    };
    let conditional =
        AppendInput { match_seq_num: Some(0), records: vec![chunk("a")], ..AppendInput::default() };
    let protobuf = [
        (b"\xff".to_vec(), 400, "invalid_body"),
        (message(&[]), 400, "invalid_body"),
        (message(&[text(b"\xff")]), 400, "invalid_body"),
        (message(&vec![chunk("a"); S2_RECORDS_MAX + 1]), 400, "invalid_body"),
        (message(&[command("trim")]), 400, "invalid_body"),
        (message(&[command("fence")]), 422, "unprocessable"),
        (proto::encode_input(&conditional), 422, "unprocessable"),
        (message(&[chunk("a"), text(&[b'x'; RECORD_MAX_BYTES])]), 413, "record_too_large"),
    ];
    for (body, status, code) in protobuf {
        let answer = writer.append(PROTOBUF, body.clone()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        let stands = [framed(&[chunk(code)]), tidegate_protocol::s2::frame::encode(&body)];
        let answer = writer.append(FRAMES, [stands.concat(), framed(&[chunk("z")])].concat()).await;
        let frames = frames(&answer.body);
        assert_eq!(frames.len(), 2, "{code}");
        assert_eq!((frames[0].0, frames[1].0), (0, 0x80));
        assert_eq!(frames[1].1[..2], u16::to_be_bytes(status));
        let error: Value = serde_json::from_slice(&frames[1].1[2..]).expect("JSON");
        assert_eq!(error["code"], code);
        assert!(error["message"].is_string());
    }
    let (bad, large) = (b"{\"records\":1}".to_vec(), vec![b' '; S2_BODY_MAX_BYTES + 1]);
    assert_eq!(writer.append(JSON, bad).await.code(), "invalid_body");
    assert_eq!(writer.append(JSON, large).await.code(), "body_too_large");
    assert_eq!(writer.append("text/plain", b"{}".to_vec()).await.code(), "invalid_body");
    // One chunk for each code: the second time it is a repeat.
    let kept: Vec<_> = out(&gate, "c").await.iter().map(|record| record["id"].clone()).collect();
    assert_eq!(kept, ["invalid_body", "unprocessable", "record_too_large"]);
}

#[tokio::test]
async fn frames_that_are_none_end_the_session() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let writer = Writer::guest(&gate, "c").await;
    for (bytes, status) in [
        (vec![0, 0, 0], 400_u16),
        (vec![0xff, 0xff, 0xff, 0], 413),
        (vec![0, 0, 2, 0x80, 0], 400),
        (vec![0, 0, 2, 0x40, 0], 400),
        (vec![0, 0, 9, 0, 1, 2], 400),
    ] {
        let answer = writer.append(FRAMES, bytes.clone()).await;
        let frames = frames(&answer.body);
        assert_eq!((frames.len(), frames[0].0), (1, 0x80), "{bytes:?}");
        assert_eq!(frames[0].1[..2], status.to_be_bytes(), "{bytes:?}");
    }
    assert_eq!(writer.append(FRAMES, Vec::new()).await.body.len(), 0);
    gate.until_gauge("streams", 0).await;
}
