//! What time ends: sessions, tokens, the memory of part ids.

use std::sync::Arc;

use serde_json::json;
use tidegate_core::seams::store::{Commit, Op};
use tidegate_core::sessions::row::SessionRow;

use crate::chat::{Chat, boundaries, text};
use crate::harness::{Gate, create_body};
use crate::plan::{AheadBy, Plan};

const HOUR_MS: u64 = 3_600 * 1_000;
const IN: &str = "/realtime/v1/sessions/c/in/append";
const OUT: &str = "/realtime/v1/sessions/c/out";

fn plan() -> (Plan, Arc<AheadBy>) {
    let clock = Arc::new(AheadBy::default());
    (Plan { clock: Arc::<AheadBy>::clone(&clock), ..Plan::default() }, clock)
}

#[tokio::test]
async fn an_expired_session_takes_no_input_and_can_be_read() {
    let (plan, clock) = plan();
    let gate = Gate::of(&plan).await;
    let mut body = create_body("c");
    body["expiresAt"] = json!("2999-01-01T00:00:00.000Z");
    let created = gate.client().post("/api/v1/sessions", &body.to_string()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let mut chat = Chat::of(&gate, "c");
    let seq = chat.say("u1", "in time").await;
    assert!(text(&chat.answer_to(seq).await).contains("in time"));
    clock.pass_ms(1_000 * 365 * 24 * HOUR_MS);
    let client = gate.client();
    for refused in [
        client.post(IN, "late").await,
        client.post(IN, r#"{"kind":"stop"}"#).await,
        client.post("/api/v1/sessions", &create_body("c").to_string()).await,
    ] {
        assert_eq!((refused.status, refused.code().as_str()), (409, "session_expired"));
        assert_eq!(refused.header("x-should-retry"), Some("false"), "trap 15");
        assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    }
    assert_eq!(client.get("/api/v1/sessions/c").await.status, 200);
    let listed = client.get("/api/v1/sessions?filter%5Bstatus%5D=EXPIRED").await.json();
    assert_eq!(listed["data"][0]["externalId"], "c");
    let mut events = client.read(OUT, &[("x-peek-settled", "1")]).await;
    assert!(text(&events.rest().await).contains("in time"));
}

/// R-CLS-6.
#[tokio::test]
async fn what_was_accepted_before_the_expiry_is_answered() {
    let (plan, clock) = plan();
    let gate = Gate::of(&plan).await;
    let mut chat = Chat::new(&gate, "c").await;
    let store = gate.gateway.store();
    let row = store.session(&chat.key()).await.expect("readable").expect("a row");
    let expires_at = Some(gate.gateway.now() + 60_000);
    let put = Op::PutRow {
        expected: Some(row.version),
        row: Box::new(SessionRow { expires_at, ..(*row).clone() }),
    };
    store.commit(Commit { session: chat.key(), ops: vec![put] }).await.expect("committed");
    chat.say("u1", "/words 30 5").await;
    let last = chat.say("u2", "the last one").await;
    clock.pass_ms(120_000);
    assert_eq!(chat.try_append("late").await.code(), "session_expired");
    let records = chat.answer_to(last).await;
    assert_eq!((text(&records).matches("word-").count(), boundaries(&records)), (30, 2));
    assert!(text(&records).contains("the last one"));
    let fates = chat.fates().await;
    assert!(fates.iter().all(|fate| fate["fate"] == "answered"), "{fates:?}");
}

#[tokio::test]
async fn a_sessions_token_ends_after_an_hour_and_a_create_gives_another() {
    let (plan, clock) = plan();
    let gate = Gate::of(&plan).await;
    let created = gate.create("c").await;
    let old = gate.as_bearer(created["publicAccessToken"].as_str().expect("a token"));
    assert_eq!(old.post(IN, "x").await.status, 200);
    clock.pass_ms(HOUR_MS + 1_000);
    let late = old.post(IN, "x").await;
    assert_eq!((late.status, late.header("access-control-allow-origin")), (401, Some("*")));
    assert_eq!(old.get(OUT).await.status, 401);
    let again = gate.try_create("c").await.json();
    let new = gate.as_bearer(again["publicAccessToken"].as_str().expect("a token"));
    assert_eq!(new.post(IN, "x").await.json()["seq"], 1);
}

#[tokio::test]
async fn trap_30_a_part_id_is_remembered_for_minutes_and_not_for_ever() {
    let (plan, clock) = plan();
    let gate = Gate::of(&plan).await;
    gate.create("c").await;
    let part = [("x-part-id", "p")];
    let send = async || gate.client().call("POST", IN, &part, "x").await.json()["seq"].clone();
    assert_eq!(send().await, 0);
    clock.pass_ms(5 * 60 * 1_000);
    assert_eq!(send().await, 0);
    clock.pass_ms(11 * 60 * 1_000);
    assert_eq!(send().await, 1);
}
