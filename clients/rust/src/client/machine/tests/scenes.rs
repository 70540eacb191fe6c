//! Single decisions.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::duplex::{Acked, ErrorFrame, GatewayFrame, Welcome, codes};
use tidegate_protocol::{ApiError, ErrorCode, NewRecord};

use crate::client::error::Error;
use crate::client::machine::{Action, Duplex, Feed, SharedFeed, SubSpec};
use crate::client::place::Place;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn subscribed(auto: bool) -> (Duplex, SharedFeed) {
    let mut machine = Duplex::new(Some("key".into()), 7);
    let feed = Arc::new(Mutex::new(Feed::new(Start::after(4), 1000)));
    let session = "s".to_owned();
    let spec = SubSpec { session, place: Place::default(), auto, feed: feed.clone() };
    machine.subscribe(1, spec, ms(0));
    (machine, feed)
}

fn actions(machine: &mut Duplex) -> Vec<String> {
    std::iter::from_fn(|| machine.poll_action())
        .map(|action| match action {
            Action::Send(conn, text) => format!("{conn} {text}"),
            other => format!("{other:?}"),
        })
        .collect()
}

fn welcome() -> GatewayFrame {
    GatewayFrame::Welcome(Welcome {
        connection: "c_1".into(),
        protocol: 1,
        now: 0,
        expires_at: None,
        ping_ms: 10_000,
        silence_ms: 30_000,
        subscriptions: 256,
        frame_bytes: 1 << 20,
    })
}

fn opened(id: u64) -> GatewayFrame {
    GatewayFrame::Ack(Acked { id, from: Some(5), tail: Some(9), ..Acked::default() })
}

/// Connected, subscribed, and a turn runs.
fn in_turn(auto: bool) -> (Duplex, SharedFeed) {
    let (mut machine, feed) = subscribed(auto);
    machine.handle_dialed(1, ms(0));
    machine.handle_frame(1, welcome(), ms(0));
    machine.handle_frame(1, opened(1), ms(0));
    let records = vec![NewRecord::data(b"{}", "p").at(5, 0)];
    machine.handle_frame(1, GatewayFrame::Batch { id: 1, records }, ms(0));
    actions(&mut machine);
    (machine, feed)
}

#[test]
fn hello_and_subscribe_do_not_wait() {
    let (mut machine, _) = subscribed(false);
    assert_eq!(actions(&mut machine), ["Dial(1)"]);
    machine.handle_dialed(1, ms(5));
    let subscribe = r#"1 {"t":"subscribe","id":1,"session":"s","after":4,"window":1000}"#;
    assert_eq!(actions(&mut machine), [r#"1 {"t":"hello","token":"key"}"#, subscribe]);
}

#[test]
fn a_silent_turn_is_asked_about_and_a_dead_path_is_left() {
    for auto in [false, true] {
        let (mut machine, _) = in_turn(auto);
        assert_eq!(machine.next_time(), Some(ms(1_000)));
        machine.handle_time(ms(1_000));
        assert_eq!(actions(&mut machine), [r#"1 {"t":"ping","n":1}"#]);
        assert_eq!(machine.next_time(), Some(ms(2_500)));
        machine.handle_time(ms(2_500));
        let then = if auto { "FallBack(1)" } else { "Dial(2)" };
        let mut done = actions(&mut machine);
        done.sort_unstable();
        assert_eq!(done, ["Close(1)", then]);
    }
}

#[test]
fn close_codes_say_what_is_final() {
    let (mut machine, feed) = in_turn(false);
    machine.handle_closed(1, Some(codes::DRAINING), "drains", ms(10));
    assert_eq!(actions(&mut machine), ["Dial(2)"]);
    assert!(!feed.lock().is_over());
    machine.handle_dialed(2, ms(20));
    machine.handle_closed(2, Some(codes::REFUSED), "not valid", ms(30));
    assert!(feed.lock().is_over());
    // The one token that there is has expired: no other connection fares better.
    let (mut machine, feed) = in_turn(false);
    machine.handle_closed(1, Some(codes::EXPIRED), "expired", ms(10));
    assert!(feed.lock().is_over());
}

#[test]
fn dials_that_fail_make_others_stand_in() {
    let (mut machine, _) = subscribed(true);
    machine.handle_dial_failed(1, Error::unreachable("x"), false, ms(0));
    assert_eq!(actions(&mut machine), ["Dial(1)", "Dial(2)"]);
    machine.handle_dial_failed(2, Error::unreachable("x"), false, ms(0));
    assert_eq!(actions(&mut machine), ["FallBack(1)"]);
    machine.handle_time(ms(29_999));
    assert_eq!(actions(&mut machine), Vec::<String>::new());
    machine.handle_time(ms(30_000));
    assert_eq!(actions(&mut machine), ["Dial(3)"]);
}

#[test]
fn goaway_makes_the_new_connection_before_it_breaks_the_old_one() {
    let (mut machine, _) = in_turn(false);
    machine.handle_frame(1, GatewayFrame::Goaway { reconnect_ms: 250 }, ms(100));
    assert_eq!(actions(&mut machine), Vec::<String>::new());
    assert_eq!(machine.next_time(), Some(ms(350)));
    machine.handle_time(ms(350));
    assert_eq!(actions(&mut machine), ["Dial(2)"]);
    machine.handle_dialed(2, ms(360));
    machine.handle_frame(2, welcome(), ms(370));
    assert_eq!(actions(&mut machine).len(), 2);
    machine.handle_frame(2, opened(1), ms(380));
    assert_eq!(actions(&mut machine), ["Opened(1)", "Close(1)"]);
}

#[test]
fn permanent_refusals_end_it_and_passing_ones_do_not() {
    let refuse = |machine: &mut Duplex, code| {
        let error = ErrorFrame::new(Some(1), ApiError::new(code, "no"));
        machine.handle_frame(1, GatewayFrame::Error(error), ms(10));
    };
    let (mut machine, feed) = in_turn(false);
    refuse(&mut machine, ErrorCode::StoreUnavailable);
    assert!(!feed.lock().is_over());
    assert!(actions(&mut machine).iter().any(|text| text.contains("\"after\":5")));
    let (mut machine, feed) = in_turn(false);
    refuse(&mut machine, ErrorCode::Unauthorized);
    assert!(feed.lock().is_over());
}

#[test]
fn a_draining_gateway_without_a_successor_is_read_to_its_end() {
    let (mut machine, _) = in_turn(true);
    machine.handle_frame(1, GatewayFrame::Goaway { reconnect_ms: 0 }, ms(100));
    for dial in 2..6 {
        machine.handle_time(ms(dial * 10_000));
        assert!(actions(&mut machine).contains(&format!("Dial({dial})")));
        machine.handle_frame(1, GatewayFrame::Ping(Default::default()), ms(dial * 10_000));
        machine.handle_dial_failed(dial, Error::unreachable("x"), false, ms(dial * 10_000));
    }
    actions(&mut machine);
    machine.handle_closed(1, Some(codes::DRAINING), "drained", ms(60_000));
    assert!(actions(&mut machine).contains(&"FallBack(1)".to_owned()));
}
