//! What is HTTP/3's own: one connection, paths that fail, and falling back to TCP.

use std::time::Duration;

use futures_util::future::join_all;
use tempfile::TempDir;
use tidegate_client::client::{Channel, Client, Event, Mode, Start, Transport, error};
use tidegate_store::servers::free_port;
use tidegate_tests::process::{Gateway, KEY};
use tidegate_transport::config::Http3;
use tokio::time::sleep;

use crate::harness::{self, Gate};
use crate::net::Net;
use crate::plan::Plan;
use crate::rng::{Rng, seed};
use crate::room::{CERT, CERT_KEY, Heard, Room, create, trusting};

/// A client of HTTP/3 behind a network.
fn client(net: &Net) -> Client {
    let builder = trusting(&net.url()).token(KEY).mode(Mode::Http3);
    builder.build().expect("a client")
}

async fn gate() -> (Gate, Client) {
    let gate = Gate::build(&Plan::default(), |config| config.http3 = Some(Http3::default())).await;
    let url = format!("https://localhost:{}", gate.server.local_addrs()[1].port());
    let builder = trusting(&url).token(harness::KEY).mode(Mode::Http3);
    (gate, builder.build().expect("a client"))
}

#[tokio::test]
async fn everything_shares_one_connection_which_ends_with_the_client() {
    let (gate, client) = gate().await;
    let mut all = Vec::new();
    for name in ["a", "b", "c"] {
        let session = client.session(name);
        create(&session).await;
        let mut live = session.subscribe(Start::Floor);
        let event = live.next().await.expect("it goes on").expect("no error");
        assert_eq!(event, Event::Transport(Transport::Http3));
        session.send("hello").await.expect("sent");
        all.push(live);
    }
    gate.until_gauge("streams", 3).await;
    gate.until_gauge("connections", 1).await;
    let last = all.pop();
    drop(all);
    gate.until_gauge("streams", 1).await;
    drop((client, last));
    gate.until_gauge("connections", 0).await;
}

/// A connection has a bound of requests at one time; appends must not wait for reads.
#[tokio::test]
async fn more_reads_than_one_connection_has_streams() {
    let (gate, client) = gate().await;
    let session = client.session("many");
    create(&session).await;
    let mut all: Vec<_> = (0..130).map(|_| session.subscribe(Start::Floor)).collect();
    join_all(all.iter_mut().map(|live| live.next())).await;
    gate.until_gauge("streams", 130).await;
    gate.until_gauge("connections", 2).await;
    session.send("hello").await.expect("sent");
    for live in &mut all {
        Heard::default().turn(live).await;
    }
}

#[tokio::test]
async fn large_inputs_and_refused_ones() {
    let room = Room::new().await;
    let session = room.client(Mode::Http3).session("large");
    create(&session).await;
    let body = format!("\"{}\"", "x".repeat(1000 * 1024));
    for (seq, part) in (0..).zip(["a", "b", "c"]) {
        assert_eq!(session.append(&body, part).await, Ok(seq));
    }
    let mut inputs = session.stream(Channel::In, None).subscribe(Start::Floor);
    let mut heard = Heard::default();
    heard.up_to(2, &mut inputs).await;
    let whole = |record: &tidegate_client::client::Record| record.body.len() > body.len();
    assert!(heard.records.iter().all(whole));
    // Refused by its head: the body is not waited for.
    let refused = trusting(&room.url()).token("tr_dev_wrong").mode(Mode::Http3);
    let refused = refused.build().expect("a client").session("large").append(&body, "d").await;
    assert_eq!(refused.expect_err("no such key").code, "unauthenticated");
}

/// What is cut off in the middle of its body is not taken for the whole.
#[tokio::test]
async fn given_up_inputs_are_whole_or_not_there() {
    let seed = seed();
    println!("TIDEGATE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let room = Room::new().await;
    let session = room.client(Mode::Http3).session("whole");
    create(&session).await;
    let body = "x".repeat(1000 * 1024);
    for n in 0..30 {
        let (session, part, body) = (session.clone(), format!("p{n}"), body.clone());
        let appending = tokio::spawn(async move { session.append(&body, &part).await });
        sleep(Duration::from_millis(rng.below(12))).await;
        appending.abort();
    }
    let last = session.append("the end", "end").await.expect("written");
    let mut inputs = session.stream(Channel::In, None).subscribe(Start::Floor);
    let mut heard = Heard::default();
    heard.up_to(last, &mut inputs).await;
    let (end, whole) = heard.records.split_last().expect("some");
    assert!(end.body.len() < 100);
    for record in whole {
        assert!(record.body.len() > body.len(), "{} bytes", record.body.len());
    }
}

#[tokio::test]
async fn a_dead_path_is_noticed_and_the_answer_goes_on() {
    let room = Room::new().await;
    let net = Net::to(room.port()).await;
    let session = client(&net).session("dead");
    create(&session).await;
    let mut live = session.subscribe(Start::Floor);
    session.send("/words 60 20").await.expect("sent");
    let mut heard = Heard::default();
    heard.up_to(10, &mut live).await;
    net.udp(false);
    // Longer than QUIC takes a path for good: the old connection is gone at both ends.
    let appending = session.clone();
    let appending = tokio::spawn(async move { appending.append("raw", "while away").await });
    tokio::select! {
        () = sleep(Duration::from_secs(8)) => {}
        () = async { while !heard.take(&mut live).await {} } => panic!("nothing passes"),
    }
    net.udp(true);
    heard.turn(&mut live).await;
    assert_eq!(appending.await.expect("no panic"), Ok(1));
    assert_eq!(heard.records, room.log("dead").await);
    assert_eq!((heard.gaps, heard.transports), (Vec::new(), vec![Transport::Http3]));
}

/// What was begun before the goodbye is finished; what comes after it waits for the next gateway.
#[tokio::test]
async fn a_goodbye_in_mid_answer() {
    let mut room = Room::new().await;
    let session = room.client(Mode::Http3).session("bye");
    create(&session).await;
    let mut live = session.subscribe(Start::Floor);
    session.send("/words 60 20").await.expect("sent");
    let mut heard = Heard::default();
    heard.up_to(10, &mut live).await;
    room.gateway.signal("-TERM");
    let appending = session.clone();
    let appending = tokio::spawn(async move {
        for n in 1..30 {
            let body = format!("raw {n}");
            assert_eq!(appending.append(&body, &body).await, Ok(n));
        }
    });
    heard.turn(&mut live).await;
    assert_eq!(room.gateway.ended().await.code(), Some(0));
    room.gateway.restart().await;
    appending.await.expect("all are written, once");
    assert_eq!(heard.records, room.log("bye").await);
    assert_eq!((heard.gaps, heard.transports), (Vec::new(), vec![Transport::Http3]));
}

#[tokio::test]
async fn packets_are_lost_and_addresses_change() {
    let seed = seed();
    println!("TIDEGATE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let room = Room::new().await;
    let net = Net::to(room.port()).await;
    let session = client(&net).session("rough");
    create(&session).await;
    let mut live = session.subscribe(Start::Floor);
    session.send("/words 80 10").await.expect("sent");
    let mut heard = Heard::default();
    let appending = async {
        for n in 0..40 {
            let body = format!("raw {n}");
            assert_eq!(session.append(&body, &body).await, Ok(n + 1));
        }
    };
    let reading = heard.turn(&mut live);
    let weather = async {
        loop {
            sleep(Duration::from_millis(rng.below(60))).await;
            match rng.below(3) {
                0 => net.rebind(),
                1 => net.udp(false),
                _ => net.udp(true),
            }
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(appending, reading) } => {}
        () = weather => {}
    }
    net.udp(true);
    assert_eq!(heard.gaps, []);
    assert_eq!(heard.records[..], room.log("rough").await[..heard.records.len()]);
}

/// Behind a network whose address is the public one, so that HTTP/3 is offered there.
async fn offered(dir: &TempDir) -> (Gateway, Net) {
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, CERT).expect("writable");
    std::fs::write(&key, CERT_KEY).expect("writable");
    let port = free_port(&[]);
    let plain = free_port(&[port]);
    let net = Net::to(port).await;
    let (cert, key, url) = (cert.display(), key.display(), net.url());
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\nlisten_plain = \"127.0.0.1:{plain}\"\n\
         public_url = \"{url}\"\ntls = {{ cert = \"{cert}\", key = \"{key}\" }}\n\
         [store]\nurl = \"memory:\"\n[[environment]]\nname = \"dev\"\nsecret_keys = [\"{KEY}\"]\n\
         [[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n"
    );
    (Gateway::configured(dir.path(), format!("127.0.0.1:{plain}"), &text).await, net)
}

#[tokio::test]
async fn the_automatic_mode_takes_whatever_path_there_is() {
    let dir = TempDir::new().expect("a directory");
    let (gateway, net) = offered(&dir).await;
    let client = trusting(&net.url()).token(KEY).mode(Mode::Auto).build().expect("a client");
    let session = client.session("paths");
    create(&session).await;
    let mut live = session.subscribe(Start::Floor);
    let mut heard = Heard::default();
    session.send("/words 400 50").await.expect("sent");
    heard.up_to(5, &mut live).await;
    net.tcp(false);
    while heard.transports.last() != Some(&Transport::Http3) {
        heard.take(&mut live).await;
    }
    // All that there is goes over it.
    let seq = session.append("raw", "over HTTP/3").await;
    let more = heard.records.last().expect("some").seq_num + 5;
    heard.up_to(more, &mut live).await;
    net.tcp(true);
    net.udp(false);
    while heard.transports.last() == Some(&Transport::Http3) {
        heard.take(&mut live).await;
    }
    assert_eq!(session.append("raw", "over HTTP/3").await, seq);
    session.stop().await.expect("sent");
    heard.turn(&mut live).await;
    assert!(heard.records.is_sorted_by(|a, b| a.seq_num + 1 == b.seq_num));
    assert_eq!(heard.records[0].seq_num, 0);
    assert_eq!((seq, heard.gaps), (Ok(1), Vec::new()));
    drop(gateway);
}

/// It is not needed for anything (R-H3-10).
#[tokio::test]
async fn the_automatic_mode_without_udp() {
    let dir = TempDir::new().expect("a directory");
    let (gateway, net) = offered(&dir).await;
    net.udp(false);
    let client = trusting(&net.url()).token(KEY).mode(Mode::Auto).build().expect("a client");
    let session = client.session("tcp");
    for text in ["one", "two"] {
        create(&session).await;
        let answer = session.answer(text).await.expect("sent").text().await;
        assert!(answer.expect("an answer").contains(text));
    }
    drop(gateway);
}

#[tokio::test]
async fn it_needs_an_https_address() {
    let url = format!("http://127.0.0.1:{}", free_port(&[]));
    let error = Client::builder(&url).token(KEY).mode(Mode::Http3).build().expect_err("no TLS");
    assert_eq!(error.code, error::INVALID_CONFIG);
    let client = Client::builder(&url).token(KEY).build().expect("a client");
    let mut live = client.session("c").subscribe_over(Start::Floor, Mode::Http3);
    let error = live.next().await.expect("an error").expect_err("no TLS");
    assert_eq!(error.code, error::INVALID_CONFIG);
    assert!(live.next().await.is_none());
}

#[tokio::test]
async fn nobody_there() {
    let url = format!("https://localhost:{}", free_port(&[]));
    let client = trusting(&url).token(KEY).mode(Mode::Http3).build().expect("a client");
    let error = client.session("c").records(None, 1).await.expect_err("nobody answers");
    assert_eq!((&*error.code, error.retry), (error::UNREACHABLE, true));
}
