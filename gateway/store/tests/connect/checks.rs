//! What a server must be.

use tidegate_store::redis::connect::{CallError, ConnectError};
use tidegate_store::servers::{Cluster, Config, Redis};

use super::harness::{count, count_again, open, opened};

fn refused(result: Result<impl std::fmt::Debug, ConnectError>) -> ConnectError {
    result.expect_err("it does not open")
}

#[tokio::test]
async fn credentials() {
    let server = Redis::start(Config::new().password("hunter2"));
    assert_eq!(count(&opened(&server.url()).await, "a").await, Ok(1));
    for credentials in ["", ":hunter3@", "nobody:hunter2@"] {
        let url = format!("redis://{credentials}127.0.0.1:{}", server.port());
        let error = refused(open(&url).await);
        assert!(matches!(error, ConnectError::Credentials { .. }), "{credentials}: {error}");
        assert!(!error.to_string().contains("hunter"), "{error}");
    }
}

#[tokio::test]
async fn a_user_of_an_access_list() {
    let server = Redis::start(Config::new().line("user app on >pw ~* &* +@all"));
    let url = format!("redis://app:pw@127.0.0.1:{}", server.port());
    assert_eq!(count(&opened(&url).await, "a").await, Ok(1));
    server.ask::<()>(&["ACL", "SETUSER", "weak", "on", ">pw", "~*", "+@all", "-info"]).unwrap();
    let url = format!("redis://weak:pw@127.0.0.1:{}", server.port());
    let error = refused(open(&url).await);
    assert!(matches!(error, ConnectError::Permission { .. }), "{error}");
}

#[tokio::test]
async fn the_database() {
    let server = Redis::start(Config::new().line("databases 4"));
    let url = server.url();
    assert_eq!(count(&opened(&format!("{url}/3")).await, "a").await, Ok(1));
    assert_eq!(count(&opened(&url).await, "a").await, Ok(1), "another database");
    let error = refused(open(&format!("{url}/4")).await);
    assert!(matches!(error, ConnectError::Database { db: 4, .. }), "{error}");
}

#[tokio::test]
async fn no_replica() {
    let primary = Redis::start(Config::new());
    let replica = Redis::start(Config::new().replica_of(primary.port()));
    let error = refused(open(&replica.url()).await);
    assert!(matches!(error, ConnectError::Replica { .. }), "{error}");
}

#[tokio::test]
async fn nothing_is_evicted() {
    let evicting = Redis::start(Config::new().maxmemory(50_000_000, "allkeys-lru"));
    let error = refused(open(&evicting.url()).await);
    assert!(matches!(error, ConnectError::Eviction { .. }), "{error}");
    let bounded = Redis::start(Config::new().maxmemory(50_000_000, "noeviction"));
    let connection = opened(&bounded.url()).await;
    // Nor later on.
    bounded.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]).unwrap();
    let said = || async {
        match count(&connection, "a").await {
            Err(CallError::NotDone(text)) if text.contains("noeviction") => true,
            Err(CallError::NotDone(_)) | Ok(_) => false,
            other => panic!("{other:?}"),
        }
    };
    while !said().await {
        tokio::task::yield_now().await;
    }
    bounded.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).unwrap();
    count_again(&connection, "a").await;
}

#[tokio::test]
async fn the_mode() {
    let server = Redis::start(Config::new());
    let url = format!("redis-cluster://127.0.0.1:{}", server.port());
    let error = refused(open(&url).await);
    assert!(matches!(error, ConnectError::Mode { wanted: "cluster", .. }), "{error}");
    let cluster = Cluster::start(Config::new(), false).await;
    let error = refused(open(&cluster.servers[0].url()).await);
    assert!(matches!(error, ConnectError::Mode { wanted: "standalone", .. }), "{error}");
}

#[tokio::test]
async fn nobody_there() {
    let mut server = Redis::start(Config::new());
    server.kill();
    let error = refused(open(&server.url()).await);
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error}");
    let url = format!("redis-sentinel://127.0.0.1:{}/main", server.port());
    let error = refused(open(&url).await);
    assert!(matches!(error, ConnectError::Service { .. }), "{error}");
}
