use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Wake;

use serde_json::{Value, json};
use tidegate_protocol::link::{Cause, GatewayFrame, Mode, WelcomedWork};

use super::*;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A machine, and what it would send, read as JSON.
struct Bench {
    machine: Machine,
    woken: Arc<Count>,
}

impl Bench {
    fn new() -> Self {
        let agents = vec![AgentSpec::new("a", Mode::Turns)];
        let machine = Machine::new("w".to_owned(), 8, agents);
        Self { machine, woken: Arc::default() }
    }

    fn up() -> Self {
        let mut bench = Self::new();
        bench.connect(&[], 10_000);
        bench
    }

    fn connect(&mut self, work: &[(&str, bool, u64)], window: usize) -> Value {
        self.machine.handle_connected();
        let hello = self.sent();
        let work = work
            .iter()
            .map(|(id, held, acked)| json!({"id": id, "held": held, "acked": acked}))
            .collect::<Vec<_>>();
        let welcome = json!({"t": "welcome", "heartbeat_ms": 3000, "lease_ms": 9000,
            "resume_ms": 600, "window_bytes": window, "frame_max_bytes": 1000, "work": work});
        let frame = GatewayFrame::parse(&welcome.to_string()).expect("a frame");
        assert!(matches!(self.machine.handle(frame), Asked::Joined(_)));
        assert_eq!(hello.len(), 1, "only hello goes out before welcome");
        hello[0].clone()
    }

    fn begin(&mut self, id: &str) {
        let turn = json!({"t": "turn", "id": id, "run": "r", "session": "s", "chat": "c",
            "agent": "a", "version": "1", "turn": 1, "attempt": 1, "trigger": "submit-message",
            "messages": [], "answer_id": "x", "token": ""});
        let frame = GatewayFrame::parse(&turn.to_string()).expect("a frame");
        assert!(matches!(self.machine.handle(frame), Asked::Begin(_)));
    }

    fn push(&mut self, id: &str, text: &str) -> Poll<Result<(), AnswerError>> {
        let chunk = json!({"type": "x", "text": text}).to_string();
        let mut chunk = Some(RawValue::from_string(chunk).expect("JSON"));
        let waker = Arc::clone(&self.woken).into();
        self.machine.poll_push(id, &mut chunk, &Context::from_waker(&waker))
    }

    fn sent(&mut self) -> Vec<Value> {
        let waker = Arc::clone(&self.woken).into();
        let cx = Context::from_waker(&waker);
        let mut sent = Vec::new();
        while let Poll::Ready(text) = self.machine.poll_send(&cx) {
            sent.push(serde_json::from_str(&text).expect("JSON"));
        }
        sent
    }

    /// Type, work and seq of what is sent.
    fn shown(&mut self) -> Vec<String> {
        let shown = |frame: &Value| {
            let text = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("t"), text("id"), frame["seq"])
        };
        self.sent().iter().map(shown).collect()
    }

    fn ack(&mut self, id: &str, seq: u64) {
        self.machine.handle(GatewayFrame::ack(id, seq));
    }
}

#[test]
fn chunks_that_are_ready_share_a_frame_and_done_follows_them() {
    let mut bench = Bench::up();
    bench.begin("t");
    for text in ["1", "2"] {
        assert_eq!(bench.push("t", text), Poll::Ready(Ok(())));
    }
    bench.machine.handle_done("t", None);
    let sent = bench.sent();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0]["chunks"].as_array().map(Vec::len), Some(2));
    assert_eq!((&sent[1]["t"], &sent[1]["seq"]), (&json!("done"), &json!(2)));
    assert_eq!(bench.push("t", "late"), Poll::Ready(Ok(())), "held until it is acknowledged");
    bench.ack("t", 2);
    assert_eq!(bench.push("t", "late"), Poll::Ready(Err(AnswerError::Over)));
}

#[test]
fn what_was_not_acknowledged_goes_out_again_once() {
    let mut bench = Bench::up();
    bench.begin("t");
    for text in ["1", "2", "3"] {
        let _ = bench.push("t", text);
        assert_eq!(bench.shown().len(), 1);
    }
    bench.ack("t", 1);
    bench.machine.handle_disconnected();
    let _ = bench.push("t", "4");
    assert_eq!(bench.shown(), Vec::<String>::new(), "nothing is sent while there is no link");
    let hello = bench.connect(&[("t", true, 2)], 10_000);
    assert_eq!(hello["epoch"], 2);
    assert_eq!(hello["work"], json!([{"id": "t", "acked": 1}]));
    assert_eq!(bench.shown(), ["out t 3", "out t 4"]);
    bench.ack("t", 4);
    assert_eq!(bench.shown(), Vec::<String>::new());
}

#[test]
fn work_that_is_no_longer_held_is_dropped() {
    let mut bench = Bench::up();
    bench.begin("lost");
    bench.begin("kept");
    bench.begin("stopped");
    bench.machine.handle(GatewayFrame::cancel("stopped", Cause::Stopped));
    bench.machine.handle_disconnected();
    let hello = bench.connect(&[("lost", false, 0), ("kept", true, 0)], 10_000);
    assert_eq!(hello["work"].as_array().map(Vec::len), Some(2));
    for gone in ["lost", "stopped"] {
        assert_eq!(bench.push(gone, "x"), Poll::Ready(Err(AnswerError::Over)));
    }
    assert_eq!(bench.push("kept", "x"), Poll::Ready(Ok(())));
}

#[test]
fn the_window_is_never_exceeded_and_an_ack_opens_it() {
    let mut bench = Bench::new();
    bench.connect(&[], 300);
    bench.begin("t");
    let mut waiting = 0;
    while bench.push("t", &"x".repeat(1_000)).is_ready() {
        waiting += 1;
        assert!(waiting < 1_000, "the agent has to wait at some time");
    }
    // One frame is always allowed, whatever its size.
    assert_eq!(bench.shown(), ["out t 1"]);
    let woken = bench.woken.0.load(Relaxed);
    bench.ack("t", 1);
    assert!(bench.woken.0.load(Relaxed) > woken, "the sender is woken");
    let mut seq = 1;
    loop {
        let sent = bench.sent();
        assert!(sent.len() <= 1, "more than the window is unacknowledged");
        let Some(frame) = sent.first() else { break };
        seq += 1;
        assert_eq!(frame["seq"], seq);
        bench.ack("t", seq);
    }
    assert!(bench.push("t", "x").is_ready(), "there is room again");
}

#[test]
fn one_work_does_not_hold_up_another() {
    let mut bench = Bench::new();
    bench.connect(&[], 200);
    bench.begin("a");
    bench.begin("b");
    let _ = bench.push("a", &"x".repeat(500));
    assert_eq!(bench.shown(), ["out a 1"]);
    let _ = bench.push("a", "x");
    let _ = bench.push("b", "x");
    assert_eq!(bench.shown(), ["out b 1"], "a waits for its acknowledgement");
}

#[test]
fn a_refused_chunk_reaches_the_agent() {
    let mut bench = Bench::up();
    bench.begin("t");
    let huge = "x".repeat(RECORD_MAX_BYTES);
    let too_large = AnswerError::TooLarge { max: RECORD_MAX_BYTES };
    assert_eq!(bench.push("t", &huge), Poll::Ready(Err(too_large)));
    let error = r#"{"t":"error","id":"t","seq":1,"code":"record_too_large","message":"m"}"#;
    bench.machine.handle(GatewayFrame::parse(error).expect("a frame"));
    let refused =
        AnswerError::Refused { code: "record_too_large".to_owned(), message: "m".to_owned() };
    assert_eq!(bench.push("t", "x"), Poll::Ready(Err(refused)));
    assert_eq!(bench.push("t", "x"), Poll::Ready(Ok(())));
    let error = r#"{"t":"error","id":"t","seq":9,"code":"seq_gap","message":"m"}"#;
    bench.machine.handle(GatewayFrame::parse(error).expect("a frame"));
    assert_eq!(bench.push("t", "x"), Poll::Ready(Err(AnswerError::Over)));
}

#[test]
fn a_worker_that_drains_says_so_on_every_link() {
    let mut bench = Bench::up();
    bench.begin("t");
    bench.machine.handle_drain();
    assert_eq!(bench.shown(), ["drain  null"]);
    assert!(!bench.machine.is_drained());
    bench.machine.handle_disconnected();
    bench.connect(&[("t", true, 0)], 10_000);
    assert_eq!(bench.shown(), ["drain  null"]);
    bench.machine.handle_beat();
    bench.machine.handle_done("t", Some("why".to_owned()));
    assert_eq!(bench.shown(), ["ping  null", "done t 1"]);
    bench.ack("t", 1);
    assert!(bench.machine.is_drained());
}

/// Random acks, cuts and pushes: every chunk arrives once, in order, within the window.
#[test]
fn nothing_is_lost_or_repeated_over_any_number_of_cuts() {
    for seed in 0..300_u64 {
        let mut random = seed;
        let mut dice = move |sides: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
            (random >> 33) % sides
        };
        let mut bench = Bench::new();
        let window = 200 + usize::try_from(dice(2_000)).expect("small");
        bench.connect(&[], window);
        bench.begin("t");
        let (mut pushed, mut seq, mut acked) = (0_u64, 0_u64, 0_u64);
        let mut arrived: Vec<String> = Vec::new();
        while pushed < 60 || arrived.len() < 60 {
            match dice(4) {
                0 | 1 if pushed < 60 => {
                    pushed += u64::from(bench.push("t", &pushed.to_string()).is_ready());
                }
                2 => {
                    bench.machine.handle_disconnected();
                    let held = WelcomedWork { id: "t".to_owned(), held: true, acked: seq };
                    bench.connect(&[(&held.id, held.held, held.acked)], window);
                }
                3 if acked < seq => {
                    acked += 1 + dice(seq - acked);
                    bench.ack("t", acked);
                }
                _ => {}
            }
            // The connection is cut after some of what is sent.
            let sent = bench.sent();
            let through = usize::try_from(dice(sent.len() as u64 + 1)).expect("small");
            for frame in &sent[..through] {
                if frame["seq"] == seq + 1 {
                    seq += 1;
                    let chunks = frame["chunks"].as_array().expect("chunks").iter();
                    arrived.extend(chunks.filter_map(|c| c["text"].as_str().map(str::to_owned)));
                }
            }
            if through < sent.len() {
                bench.machine.handle_disconnected();
                bench.connect(&[("t", true, seq)], window);
                acked = acked.max(seq);
            }
        }
        let expected: Vec<String> = (0..60).map(|n| n.to_string()).collect();
        assert_eq!(arrived, expected, "seed {seed}");
    }
}
