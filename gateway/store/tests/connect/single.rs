//! One server that fails in all its ways.

use futures_util::future::join_all;
use redis::FromRedisValue;
use tidegate_store::redis::connect::{Call, CallError};
use tidegate_store::servers::{Config, Redis, until};

use super::harness::{count, count_again, get, opened};

#[tokio::test]
async fn callers_share_one_connection() {
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    let before: String = server.ask(&["INFO", "stats"]).unwrap();
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let connection = connection.clone();
            tokio::spawn(async move { count(&connection, "a").await })
        })
        .collect();
    let mut counts = Vec::new();
    for call in calls {
        counts.push(call.await.unwrap().unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=200).collect::<Vec<_>>());
    let after: String = server.ask(&["INFO", "stats"]).unwrap();
    let opened = number(&after, "total_connections_received")
        - number(&before, "total_connections_received");
    assert_eq!(opened, 1, "only the one that asks for the statistics");
}

#[tokio::test]
async fn calls_that_come_together_are_written_together_and_in_order() {
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    let before: String = server.ask(&["INFO", "stats"]).unwrap();
    let push = |number: u32| connection.run(Call::command("RPUSH", "list").arg(number));
    let pushed = join_all((0..3_000).map(push)).await;
    let lengths = pushed.into_iter().map(|reply| i64::from_redis_value(reply.unwrap().value));
    let lengths: Vec<_> = lengths.map(Result::unwrap).collect();
    let list: Vec<u32> = server.ask(&["LRANGE", "list", "0", "-1"]).unwrap();
    assert_eq!(list, (0..3_000).collect::<Vec<_>>());
    assert_eq!(lengths, (1..=3_000).collect::<Vec<_>>());
    let after: String = server.ask(&["INFO", "stats"]).unwrap();
    let reads = number(&after, "total_reads_processed") - number(&before, "total_reads_processed");
    assert!(reads < 300, "{reads}");
}

#[tokio::test]
async fn flushed_scripts_are_loaded_again() {
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    assert_eq!(count(&connection, "a").await, Ok(1));
    server.ask::<()>(&["SCRIPT", "FLUSH"]).unwrap();
    assert_eq!(count(&connection, "a").await, Ok(2));
}

#[tokio::test]
async fn a_killed_server_comes_back_with_what_it_answered() {
    let mut server = Redis::start(Config::new().durable());
    let connection = opened(&server.url()).await;
    let first = connection.reign(0).expect("connected");
    let load = {
        let connection = connection.clone();
        tokio::spawn(async move {
            let (mut done, mut unknown) = (0, 0);
            while done < 300 {
                let (_, lost) = count_again(&connection, "a").await;
                done += 1;
                unknown += lost;
            }
            (done, unknown)
        })
    };
    for _ in 0..3 {
        server.restart();
        count_again(&connection, "b").await;
    }
    let (done, unknown) = load.await.unwrap();
    let stored = get(&connection, "a").await.unwrap();
    assert!((done..=done + unknown).contains(&stored), "{done} + {unknown}: {stored}");
    assert_ne!(connection.reign(0).expect("connected"), first);
}

#[tokio::test]
async fn a_cut_connection_is_opened_again() {
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    let id = connection.reign(0);
    for round in 1..=20 {
        server.ask::<i64>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).unwrap();
        let (count, unknown) = count_again(&connection, "a").await;
        assert!(count >= round && unknown <= 1, "{count} {unknown}");
    }
    assert_eq!(connection.reign(0), id, "the same server");
}

#[tokio::test]
async fn a_server_that_hangs_is_not_waited_for_by_everybody() {
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    server.pause();
    let first: Vec<_> = (0..10)
        .map(|_| {
            let connection = connection.clone();
            tokio::spawn(async move { count(&connection, "a").await })
        })
        .collect();
    for call in first {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, CallError::Unknown(_)), "{error}");
    }
    let error = count(&connection, "a").await.unwrap_err();
    assert!(matches!(&error, CallError::NotDone(text) if text.contains("not asked")), "{error}");
    server.resume();
    count_again(&connection, "a").await;
}

#[tokio::test]
async fn a_demoted_server_is_not_written() {
    let other = Redis::start(Config::new());
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    server.ask::<()>(&["REPLICAOF", "127.0.0.1", &other.port().to_string()]).unwrap();
    let error = count(&connection, "a").await.unwrap_err();
    assert!(matches!(&error, CallError::NotDone(text) if text.contains("replica")), "{error}");
    server.ask::<()>(&["REPLICAOF", "NO", "ONE"]).unwrap();
    count_again(&connection, "a").await;
}

#[tokio::test]
async fn full_memory_is_an_error_of_its_own() {
    let server = Redis::start(Config::new().maxmemory(100_000_000, "noeviction"));
    let connection = opened(&server.url()).await;
    server.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]).unwrap();
    let error = count(&connection, "a").await.unwrap_err();
    assert!(matches!(&error, CallError::Refused { code, .. } if code == "OOM"), "{error}");
}

#[tokio::test]
async fn the_servers_time_is_told() {
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    let (seconds, _): (u64, u64) = server.ask(&["TIME"]).unwrap();
    assert!((connection.clock().unix_millis() / 1_000).abs_diff(seconds) <= 1);
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let server = Redis::start(Config::new());
    drop(opened(&server.url()).await);
    until("the connections are closed", || {
        let list: String = server.ask(&["CLIENT", "LIST", "TYPE", "normal"]).unwrap();
        list.lines().count() == 1
    })
    .await;
}

fn number(info: &str, key: &str) -> i64 {
    let line = info.lines().find_map(|line| line.trim().strip_prefix(key)).expect("it is there");
    line[1..].parse().expect("a number")
}
