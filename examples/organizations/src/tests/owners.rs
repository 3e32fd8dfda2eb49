//! Whose keys a member sees and touches.

use serde_json::{Value, json};

use super::client::Client;

#[tokio::test]
async fn a_member_of_another_organization_sees_and_touches_nothing() {
    let client = Client::new().await;
    let (key, prefix) = client.create("ada").await;
    let listed = client.member("grace", "GET /keys", Value::Null).await;
    assert_eq!(listed.body, json!({ "keys": [], "unreadable": [], "next": null }));

    for line in [
        format!("GET /keys/{prefix}"),
        format!("DELETE /keys/{prefix}"),
        format!("POST /keys/{prefix}/rotate"),
    ] {
        let foreign = client.member("grace", &line, json!({})).await;
        let absent = client.member("grace", &line.replace(&prefix, "AAAAAAAA"), json!({})).await;
        assert_eq!(foreign.status, 404, "{line}");
        assert_eq!((foreign.status, &foreign.body), (absent.status, &absent.body), "{line}");
    }
    assert_eq!(client.reports(&key).await.status, 200);
    let still = client.member("ada", &format!("GET /keys/{prefix}"), Value::Null).await;
    assert_eq!(still.body["key"]["revoked_at"], Value::Null);
    assert_eq!(still.body["key"]["expires_at"], Value::Null);
}

#[tokio::test]
async fn the_place_of_another_organizations_page_leads_to_no_key_of_it() {
    let client = Client::new().await;
    let (_, own) = client.create("grace").await;
    for _ in 0..2 {
        client.create("ada").await;
    }
    let page = client.member("ada", "GET /keys?limit=1", Value::Null).await.body;
    let line = format!("GET /keys?after={}", page["next"].as_str().unwrap());
    let listed = client.member("grace", &line, Value::Null).await.body;
    let keys = listed["keys"].as_array().unwrap();
    assert!(keys.len() == 1 && keys[0]["prefix"] == own.as_str(), "{listed}");
}

#[tokio::test]
async fn a_key_reads_the_reports_of_its_own_organization() {
    let client = Client::new().await;
    let (key, _) = client.create("grace").await;
    let reports = client.reports(&key).await.body;
    assert_eq!(reports["reports"], json!(["The first quarter of globex"]));
}

#[tokio::test]
async fn an_owner_in_the_body_is_refused() {
    let client = Client::new().await;
    let (_, prefix) = client.create("ada").await;
    let form = json!({ "name": "ci", "organization_id": 2 });
    assert_eq!(client.member("ada", "POST /keys", form).await.status, 400);
    let line = format!("POST /keys/{prefix}/rotate");
    let form = json!({ "organization_id": 2 });
    assert_eq!(client.member("ada", &line, form).await.status, 400);
    let line = "GET /keys?organization_id=2";
    assert_eq!(client.member("ada", line, Value::Null).await.status, 400);
    assert_eq!(client.member("grace", "GET /keys", Value::Null).await.body["keys"], json!([]));
}

#[tokio::test]
async fn who_is_no_member_is_asked_to_log_in() {
    let client = Client::new().await;
    let (key, _) = client.create("ada").await;
    let api_key = format!("Api-Key {key}");
    for header in [("x-demo-member", "mallory"), ("authorization", api_key.as_str())] {
        for line in ["GET /keys", "POST /keys", "DELETE /keys/AAAAAAAA"] {
            let answer = client.send(header, line, r#"{"name":"ci"}"#.to_owned()).await;
            assert_eq!(answer.status, 401, "{header:?} {line}");
            assert_eq!(answer.header("www-authenticate"), "Demo-Member");
        }
    }
}
