//! A key from creation to revocation.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use super::client::Client;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_key_is_created_used_rotated_and_revoked() {
    let client = Client::new().await;
    let (old, old_prefix) = client.create("ada").await;
    let reports = client.reports(&old).await;
    assert_eq!(reports.status, 200);
    assert_eq!(reports.body["organization_id"], 1);
    assert_eq!(reports.body["reports"], json!(["The first quarter of acme"]));

    let line = format!("POST /keys/{old_prefix}/rotate");
    let rotated = client.member("ada", &line, json!({ "grace_hours": 1 })).await;
    assert_eq!((rotated.status.as_u16(), rotated.header("cache-control")), (201, "no-store"));
    assert_eq!(rotated.body["key"]["rotated_from"], old_prefix.as_str());
    assert_eq!(rotated.body["key"]["status"], "active");
    let (new, new_prefix) = rotated.key();
    assert_eq!(client.reports(&old).await.status, 200);
    assert_eq!(client.reports(&new).await.status, 200);

    client.clock.advance(HOUR);
    assert_eq!(client.reports(&old).await.status, 401);
    assert_eq!(client.reports(&new).await.status, 200);

    // Any member may, not only the one who created it.
    let line = format!("DELETE /keys/{new_prefix}");
    let revoked = client.member("alan", &line, Value::Null).await;
    assert_eq!(revoked.status, 200);
    assert!(revoked.body["key"]["revoked_at"].is_string());
    assert_eq!(revoked.body["key"]["status"], "revoked");
    let listed = client.member("ada", "GET /keys", Value::Null).await.body;
    assert_eq!(
        [&listed["keys"][0]["status"], &listed["keys"][1]["status"]],
        ["revoked", "expired"]
    );
    assert_eq!(client.reports(&new).await.status, 401);
}

#[tokio::test]
async fn a_rotation_without_grace_ends_the_old_key_at_once() {
    let client = Client::new().await;
    let (old, prefix) = client.create("ada").await;
    let line = format!("POST /keys/{prefix}/rotate");
    let (new, _) = client.member("ada", &line, json!({ "grace_hours": 0 })).await.key();
    assert_eq!(client.reports(&old).await.status, 401);
    assert_eq!(client.reports(&new).await.status, 200);
}

#[tokio::test]
async fn an_expiry_in_days_is_kept() {
    let client = Client::new().await;
    let form = json!({ "name": "ci", "scopes": ["reports:read"], "expires_in_days": 1 });
    let (key, _) = client.member("ada", "POST /keys", form).await.key();
    assert_eq!(client.reports(&key).await.status, 200);
    client.clock.advance(24 * HOUR);
    assert_eq!(client.reports(&key).await.status, 401);
}

#[tokio::test]
async fn the_text_of_a_key_is_shown_once_and_its_hash_never() {
    let client = Client::new().await;
    let form = json!({ "name": "ci" });
    let created = client.member("ada", "POST /keys", form).await;
    let (text, prefix) = created.key();
    assert_eq!(created.header("cache-control"), "no-store");
    let location = created.header("location");
    assert_eq!(location, format!("/keys/{prefix}"));

    for line in ["GET /keys", &format!("GET {location}")] {
        let shown = client.member("ada", line, Value::Null).await;
        assert_eq!(shown.status, 200);
        let body = shown.body.to_string();
        assert!(
            body.contains(&prefix) && !body.contains(&text) && !body.contains("hash"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn the_list_has_pages() {
    let client = Client::new().await;
    let mut created = Vec::new();
    for _ in 0..3 {
        created.push(client.create("ada").await.1);
        client.clock.advance(HOUR);
    }
    created.reverse();
    let mut listed: Vec<Vec<String>> = Vec::new();
    let mut line = "GET /keys?limit=2".to_owned();
    loop {
        let page = client.member("ada", &line, Value::Null).await.body;
        let keys = page["keys"].as_array().unwrap();
        listed.push(keys.iter().map(|key| key["prefix"].as_str().unwrap().to_owned()).collect());
        let Some(next) = page["next"].as_str() else { break };
        line = format!("GET /keys?limit=2&after={next}");
    }
    let pages: Vec<Vec<String>> = created.chunks(2).map(<[String]>::to_vec).collect();
    assert_eq!(listed, pages);
}

/// Pages of one row each: those of damaged rows have no key, and the list goes on behind them.
#[tokio::test]
async fn the_list_goes_on_past_damaged_rows_and_names_them() {
    let client = Client::new().await;
    let mut created = Vec::new();
    for _ in 0..4 {
        created.push(client.create("ada").await.1);
        client.clock.advance(HOUR);
    }
    // A time of its own is a place among the others; a time that is none comes last.
    for (column, prefix) in [("expires_at", &created[3]), ("created_at", &created[1])] {
        let sql = format!(
            "UPDATE organization_api_keys SET {column} = 'tomorrow' WHERE prefix = '{prefix}'"
        );
        client.database.run(move |conn| conn.batch_execute(&sql)).await.unwrap();
    }
    let (mut keys, mut unreadable) = (Vec::new(), Vec::new());
    let mut line = "GET /keys?limit=1".to_owned();
    for _ in 0..=created.len() {
        let page = client.member("ada", &line, Value::Null).await.body;
        let shown = page["keys"].as_array().unwrap();
        keys.extend(shown.iter().map(|key| key["prefix"].as_str().unwrap().to_owned()));
        let damaged = page["unreadable"].as_array().unwrap();
        unreadable.extend(damaged.iter().map(|prefix| prefix.as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        line = format!("GET /keys?limit=1&after={next}");
    }
    assert_eq!(keys, [&*created[2], &*created[0]]);
    assert_eq!(unreadable, [&*created[3], &*created[1]]);

    // Which can be ended all the same.
    let line = format!("DELETE /keys/{}", created[3]);
    assert_eq!(client.member("ada", &line, Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_deactivated_organization_is_locked_out_with_the_next_request() {
    let client = Client::new().await;
    let (acme, _) = client.create("ada").await;
    let (globex, _) = client.create("grace").await;
    assert_eq!(client.reports(&acme).await.status, 200);

    client.set_active("acme", false).await;
    assert_eq!(client.reports(&acme).await.status, 401);
    assert_eq!(client.member("ada", "GET /keys", Value::Null).await.status, 403);
    assert_eq!(client.reports(&globex).await.status, 200);

    client.set_active("acme", true).await;
    assert_eq!(client.reports(&acme).await.status, 200);
    assert_eq!(client.member("ada", "GET /keys", Value::Null).await.status, 200);
}
