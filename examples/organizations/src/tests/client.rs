//! Talks to a service on a database of its own.

use apikey_core::ManualClock;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::database::Database;
use crate::routes::{Service, app};
use crate::{model, organization};

pub(super) struct Client {
    app: Router,
    pub(super) clock: ManualClock,
    pub(super) database: Database,
    _folder: TempDir,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Client {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("organizations.db").display().to_string();
        let database = Database::open(&path).unwrap();
        database.run(organization::seed).await.unwrap();
        let clock = ManualClock::default();
        let keys = model::keys(&database).clock(clock.clone()).build().unwrap();
        let app = app(Service { keys, database: database.clone() });
        Self { app, clock, database, _folder: folder }
    }

    /// Sends a request as this member.
    pub(super) async fn member(&self, name: &str, line: &str, body: Value) -> Answer {
        self.send(("x-demo-member", name), line, body.to_string()).await
    }

    /// Creates a key that reads reports; returns its text and its prefix.
    pub(super) async fn create(&self, member: &str) -> (String, String) {
        let form = serde_json::json!({ "name": "ci", "scopes": ["reports:read"] });
        let created = self.member(member, "POST /keys", form).await;
        assert_eq!(created.status, 201, "{created:?}");
        created.key()
    }

    /// Asks for the reports with a key.
    pub(super) async fn reports(&self, key: &str) -> Answer {
        let credential = format!("Api-Key {key}");
        self.send(("authorization", &credential), "GET /reports", String::new()).await
    }

    pub(super) async fn set_active(&self, name: &'static str, active: bool) {
        let set = move |conn: &mut _| organization::set_active(conn, name, active);
        assert!(self.database.run(set).await.unwrap());
    }

    pub(super) async fn send(&self, header: (&str, &str), line: &str, body: String) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header.0, header.1)
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let (head, body) = self.app.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        // Every answer is JSON.
        let body = serde_json::from_slice(&body).unwrap();
        Answer { status: head.status, headers: head.headers, body }
    }
}

impl Answer {
    /// The text and the prefix of a new key.
    pub(super) fn key(&self) -> (String, String) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&self.body["plaintext"]), text(&self.body["key"]["prefix"]))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
