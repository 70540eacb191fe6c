//! Every route answers over HTTP/3 as it does over TCP.

use http::Method;
use serde_json::json;
use tidegate_tests::process::KEY;

use crate::client::{Client, endpoint};
use crate::gateway::Gateway;

/// R-H3-1, R-H3-2.
#[tokio::test]
async fn the_same_answers_as_over_tcp() {
    let gateway = Gateway::start().await;
    gateway.create("c").await;
    gateway.emit("c", "one").await;
    let mut client = Client::connect(gateway.port).await;
    for path in [
        "/live",
        "/ready",
        "/.well-known/tidegate",
        "/api/v1/sessions/c",
        "/api/v1/sessions",
        "/realtime/v1/sessions/c/out/records",
        "/v1/sessions/c/inputs",
        "/api/v1/sessions/nobody",
        "/nothing/here",
        "/v1/agents/link",
    ] {
        let over_tcp = gateway.tcp().get(path).await.expect("it is up");
        let over_quic = client.get(path).await;
        assert_eq!(over_quic.status, over_tcp.status, "{path}");
        assert_eq!(over_quic.body, over_tcp.body, "{path}");
        for (name, value) in &over_tcp.headers {
            if !["date", "transfer-encoding"].contains(&name.as_str()) {
                assert_eq!(over_quic.headers.get(name), Some(value), "{path} {name}");
            }
        }
    }
}

#[tokio::test]
async fn bodies_go_both_ways() {
    let gateway = Gateway::start().await;
    let mut client = Client::connect(gateway.port).await;
    let base = json!({"trigger": "preload", "chatId": "c"});
    let body = json!({"type": "chat.agent", "externalId": "c", "taskIdentifier": "demo",
        "triggerConfig": {"basePayload": base}});
    let created = client.post("/api/v1/sessions", &body.to_string()).await;
    assert_eq!(created.status, 201);
    let text = "ä".repeat(200_000);
    let chunk = json!({"type": "text-delta", "id": "t", "delta": text}).to_string();
    let path = "/realtime/v1/sessions/c/out/append";
    assert_eq!(client.post(path, &chunk).await.status, 200);
    let page = client.get("/realtime/v1/sessions/c/out/records").await;
    assert!(page.json().to_string().contains(&text));
    let head = client.ask(Method::HEAD, "/api/v1/sessions/c", "").await;
    assert_eq!((head.status, head.body.len()), (405, 0));
    let head = client.ask(Method::HEAD, "/live", "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    let preflight = client.ask(Method::OPTIONS, path, "").await;
    assert_eq!(preflight.status, 204);
}

#[tokio::test]
async fn many_requests_share_a_connection() {
    let gateway = Gateway::start().await;
    let client = Client::connect(gateway.port).await;
    let asking: Vec<_> = (0..200)
        .map(|_| {
            let mut http = client.http.clone();
            tokio::spawn(async move {
                let request = http::Request::get("https://localhost/live").body(());
                let mut exchange = http.send_request(request.expect("a request")).await?;
                exchange.finish().await?;
                crate::client::answer(&mut exchange).await
            })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.expect("no panic").expect("an answer").status, 200);
    }
    assert_eq!(gateway.metric("quic_connections_accepted_total").await, 1);
}

/// R-H3-3: announced over TLS alone, and not where it can't be reached.
#[tokio::test]
async fn it_is_announced_over_tls_alone() {
    let gateway = Gateway::start().await;
    let plain = gateway.tcp().get("/live").await.expect("it is up");
    assert_eq!(plain.headers.get("alt-svc"), None);
    let over_quic = Client::connect(gateway.port).await.get("/live").await;
    assert_eq!(over_quic.headers.get("alt-svc"), None);
    let port = gateway.port;
    let announced = crate::tls::get(port, "/live").await;
    assert!(announced.contains(&format!("alt-svc: h3=\":{port}\"; ma=86400\r\n")), "{announced}");
    let without = Gateway::with("http3 = false", "").await;
    let silent = crate::tls::get(without.port, "/live").await;
    assert!(silent.contains("200 OK") && !silent.contains("alt-svc"), "{silent}");
}

/// R-H3-9: what a trusted proxy says counts, what anybody else says does not.
#[tokio::test]
async fn trusted_proxies_are_believed_as_over_tcp() {
    let said = [("x-forwarded-host", "chat.example"), ("x-forwarded-proto", "http")];
    for (server, address) in [
        ("trusted_proxies = [\"127.0.0.1\"]", "http://chat.example/s2/v1"),
        ("trusted_proxies = [\"10.0.0.1\"]", "https://elsewhere/s2/v1"),
    ] {
        let gateway = Gateway::with(server, "").await;
        gateway.create("c").await;
        let mut client = Client::connect(gateway.port).await;
        let request = http::Request::put("https://elsewhere/realtime/v1/sessions/c/out")
            .header("authorization", format!("Bearer {KEY}"));
        let request =
            said.iter().fold(request, |request, (name, text)| request.header(*name, *text));
        let mut exchange =
            client.http.send_request(request.body(()).expect("a request")).await.expect("sent");
        exchange.finish().await.expect("sent");
        let answer = crate::client::answer(&mut exchange).await.expect("an answer");
        assert_eq!(answer.headers["x-s2-endpoint"], address, "{server}");
    }
}

/// R-H3-4: a client that knows the gateway may not send early data.
#[tokio::test]
async fn early_data_is_refused() {
    let gateway = Gateway::start().await;
    let endpoint = endpoint(quinn::TransportConfig::default());
    for _ in 0..3 {
        let quic = crate::client::connect(&endpoint, gateway.port).await.expect("it is up");
        let mut client = Client::over(endpoint.clone(), quic).await;
        assert_eq!(client.get("/live").await.status, 200);
        client.quic.close(0u32.into(), b"");
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], gateway.port));
        let again = endpoint.connect(address, "localhost").expect("a valid name");
        assert!(again.into_0rtt().is_err(), "there is a ticket for early data");
    }
}
