//! What is refused, as JSON and with which status.

use apikey_core::MAX_NAME_LENGTH;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use super::client::Client;

#[tokio::test]
async fn bad_input_is_400() {
    let client = Client::new().await;
    for form in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": "n".repeat(MAX_NAME_LENGTH + 1) }),
        json!({ "name": "ci", "scopes": ["two words"] }),
        json!({ "name": "ci", "scopes": ["admin"] }),
        json!({ "name": "ci", "expires_in_days": 0 }),
        json!({ "name": "ci", "expires_in_days": -1 }),
    ] {
        let answer = client.member("ada", "POST /keys", form.clone()).await;
        assert_eq!((answer.status.as_u16(), &answer.body["status"]), (400, &json!(400)), "{form}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let ada = ("x-demo-member", "ada");
    assert_eq!(client.send(ada, "POST /keys", "{".to_owned()).await.status, 400);
    assert_eq!(client.send(ada, "GET /keys?limit=many", String::new()).await.status, 400);
    for after in ["", "k3Xp9QaB", "1.", ".1", "1.x", "99999999999999999999.1", "1.2.3"] {
        let line = format!("GET /keys?after={after}");
        let answer = client.send(ada, &line, String::new()).await;
        assert_eq!(answer.status, 400, "{after}");
        assert!(!answer.body.to_string().contains("k3Xp9QaB"), "{answer:?}");
    }
    assert_eq!(client.send(ada, "GET /keys/%FF", String::new()).await.status, 400);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_as_json() {
    let client = Client::new().await;
    assert_eq!(client.member("ada", "GET /nothing", Value::Null).await.status, 404);
    assert_eq!(client.member("ada", "PUT /keys", Value::Null).await.status, 405);
}

#[tokio::test]
async fn a_key_in_the_place_of_a_prefix_is_not_repeated() {
    let client = Client::new().await;
    let (key, _) = client.create("ada").await;
    let answer = client.member("ada", &format!("DELETE /keys/{key}"), Value::Null).await;
    assert_eq!(answer.status, 404);
    assert!(!answer.body.to_string().contains(&key));
}

#[tokio::test]
async fn a_revoked_key_is_not_rotated() {
    let client = Client::new().await;
    let (_, prefix) = client.create("ada").await;
    client.member("ada", &format!("DELETE /keys/{prefix}"), Value::Null).await;
    let answer = client.member("ada", &format!("POST /keys/{prefix}/rotate"), json!({})).await;
    assert_eq!(answer.status, 409);
}

#[tokio::test]
async fn a_key_is_not_rotated_twice() {
    let client = Client::new().await;
    let (_, prefix) = client.create("ada").await;
    let line = format!("POST /keys/{prefix}/rotate");
    let (_, successor) = client.member("ada", &line, json!({})).await.key();
    let again = client.member("ada", &line, json!({})).await;
    assert_eq!((again.status.as_u16(), &again.body["status"]), (409, &json!(409)));
    // It says what to rotate instead.
    assert!(again.body["detail"].as_str().unwrap().contains(&successor), "{again:?}");
}

#[tokio::test]
async fn an_organization_has_twenty_keys_at_most() {
    let client = Client::new().await;
    let (_, prefix) = client.create("ada").await;
    for _ in 1..20 {
        client.create("ada").await;
    }
    let form = json!({ "name": "one too many" });
    assert_eq!(client.member("ada", "POST /keys", form.clone()).await.status, 409);
    client.create("grace").await;
    client.member("ada", &format!("DELETE /keys/{prefix}"), Value::Null).await;
    assert_eq!(client.member("ada", "POST /keys", form).await.status, 201);
}

#[tokio::test]
async fn a_key_without_the_scope_reads_no_reports() {
    let client = Client::new().await;
    let (key, _) = client.member("ada", "POST /keys", json!({ "name": "ci" })).await.key();
    let answer = client.reports(&key).await;
    assert_eq!((answer.status.as_u16(), &answer.body["status"]), (403, &json!(403)));
}

#[tokio::test]
async fn a_failing_database_is_503_for_members_and_keys() {
    let client = Client::new().await;
    let (key, _) = client.create("ada").await;
    let rename = |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        client.database.run(move |conn| conn.batch_execute(&sql))
    };
    rename("organization_api_keys", "lost_keys").await.unwrap();
    let member = client.member("ada", "GET /keys", Value::Null).await;
    assert_eq!((member.status.as_u16(), member.header("retry-after")), (503, "1"));
    assert_eq!(client.reports(&key).await.status, 503);
    rename("lost_keys", "organization_api_keys").await.unwrap();
    assert_eq!(client.reports(&key).await.status, 200);

    rename("users", "lost_users").await.unwrap();
    assert_eq!(client.member("ada", "GET /keys", Value::Null).await.status, 503);
}
