//! The self-test of the way (R-SELF), with the script that users run.

use std::process::Command;

use crate::balancer::{Balancer, Kind, path};
use crate::gateway::Gateway;

pub(crate) async fn none(kind: Kind) {
    let gateways = [Gateway::start().await, Gateway::start().await];
    let balancer = Balancer::start(kind, gateways.each_ref()).await;
    let expected = r#"{"buffered":false,"step":3,"steps":3}"#;
    // Acknowledgements reach the other gateway, too.
    assert_eq!(verdict(&balancer.address).await, (expected.to_owned(), Some(0)));
    assert_eq!(verdict(&gateways[0].address).await, (expected.to_owned(), Some(0)));
}

#[tokio::test]
async fn an_nginx_that_holds_back_is_found_out() {
    let gateway = Gateway::start().await;
    let hold_back = |config: String| {
        let deaf = "proxy_ignore_headers X-Accel-Buffering;";
        naive(&config).replace("proxy_connect_timeout", &format!("{deaf} proxy_connect_timeout"))
    };
    let balancer = Balancer::with(Kind::Nginx, [&gateway; 2], hold_back).await;
    let expected = r#"{"buffered":true,"step":1,"steps":3}"#;
    assert_eq!(verdict(&balancer.address).await, (expected.to_owned(), Some(1)));
}

#[tokio::test]
async fn an_nginx_that_is_not_told_is_told_by_the_gateway() {
    let gateway = Gateway::start().await;
    let balancer = Balancer::with(Kind::Nginx, [&gateway; 2], |config| naive(&config)).await;
    assert_eq!(verdict(&balancer.address).await.1, Some(0));
}

#[tokio::test]
async fn no_gateway_is_no_verdict() {
    let port = tidegate_store::servers::free_port(&[]);
    let (verdict, code) = verdict(&format!("127.0.0.1:{port}")).await;
    assert_eq!((verdict.as_str(), code), ("no verdict", Some(2)));
}

/// What nginx does unless it is told: HTTP/1.0, of which it collects whole buffers.
fn naive(config: &str) -> String {
    let told = ["proxy_buffering off;", "proxy_http_version 1.1;"];
    assert!(told.iter().all(|directive| config.contains(directive)));
    told.iter().fold(config.to_owned(), |config, directive| config.replace(directive, ""))
}

async fn verdict(address: &str) -> (String, Option<i32>) {
    let script = path("self-test.sh");
    let mut command = Command::new("sh");
    command.arg(script).arg(format!("http://{address}"));
    let ran = tokio::task::spawn_blocking(move || command.output()).await;
    let ran = ran.expect("no panic").expect("a shell");
    let text = String::from_utf8(ran.stdout).expect("text").trim().to_owned();
    (text, ran.status.code())
}
