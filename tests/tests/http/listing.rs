//! Listing with filters and pages.

use serde_json::{Value, json};

use crate::harness::{FOREIGN_KEY, Gate, create_body};

async fn names(gate: &Gate, query: &str) -> Vec<String> {
    let answer = gate.client().get(&format!("/api/v1/sessions?{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let page = answer.json();
    let items = page["data"].as_array().expect("a list").iter();
    items.map(|item| item["externalId"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn pages_lead_through_all_and_filters_narrow() {
    let gate = Gate::start().await;
    for index in 0..5 {
        let mut body = create_body(&format!("s{index}"));
        body["tags"] = json!([if index % 2 == 0 { "even" } else { "odd" }]);
        body["type"] = json!(if index == 3 { "job" } else { "chat.agent" });
        if index == 4 {
            body["taskIdentifier"] = json!("other");
        }
        assert_eq!(gate.client().post("/api/v1/sessions", &body.to_string()).await.status, 201);
    }
    gate.client().post("/api/v1/sessions/s1/close", "{}").await;

    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let cursor = after.map(|after| format!("&page%5Bafter%5D={after}")).unwrap_or_default();
        let query = format!("page%5Bsize%5D=2{cursor}");
        let page: Value = gate.client().get(&format!("/api/v1/sessions?{query}")).await.json();
        for item in page["data"].as_array().expect("a list") {
            assert!(item.get("triggerConfig").is_none());
            all.push(item["externalId"].as_str().expect("a name").to_owned());
        }
        match page["pagination"]["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    all.sort();
    assert_eq!(all, ["s0", "s1", "s2", "s3", "s4"]);

    assert_eq!(names(&gate, "filter%5Btype%5D=job").await, ["s3"]);
    assert_eq!(names(&gate, "filter%5Btags%5D=odd").await.len(), 2);
    assert_eq!(names(&gate, "filter%5BtaskIdentifier%5D=other").await, ["s4"]);
    assert_eq!(names(&gate, "filter%5Bstatus%5D=CLOSED").await, ["s1"]);
    assert_eq!(names(&gate, "filter%5BexternalId%5D=s2").await, ["s2"]);
    assert_eq!(names(&gate, "filter%5BcreatedAt%5D%5Bperiod%5D=7d").await.len(), 5);
    assert_eq!(names(&gate, "filter%5BcreatedAt%5D%5Bto%5D=1000").await.len(), 0);
    let foreign = gate.as_bearer(FOREIGN_KEY).get("/api/v1/sessions").await.json();
    assert_eq!(foreign["data"], json!([]));
    let bad = gate.client().get("/api/v1/sessions?page%5Bafter%5D=%21").await;
    assert_eq!(bad.status, 400);
}
