//! The routes: members manage keys, keys read reports.

use apikey_core::ApiKeys;
use axum::extract::{FromRef, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::database::Database;
use crate::members;
use crate::model::{Key, OrganizationApiKey, ReportsRead};
use crate::refusal::Refusal;
use crate::schema::reports;

#[derive(Clone, FromRef)]
pub(crate) struct Service {
    pub(crate) keys: ApiKeys<OrganizationApiKey>,
    pub(crate) database: Database,
}

pub(crate) fn app(service: Service) -> Router {
    Router::new()
        // Open: what probes the service has no key.
        .route("/healthz", get(async || Json(json!({ "status": "ok" }))))
        .route("/keys", get(members::list).post(members::create))
        .route("/keys/{prefix}", get(members::show).delete(members::revoke))
        .route("/keys/{prefix}/rotate", post(members::rotate))
        .route("/reports", get(read_reports))
        .fallback(async || Refusal::no_such_page())
        .method_not_allowed_fallback(async || Refusal::wrong_method())
        .with_state(service)
}

/// The reports of the organization that the key belongs to.
async fn read_reports(
    key: Key<ReportsRead>,
    State(database): State<Database>,
) -> Result<Json<Value>, Refusal> {
    let organization = key.organization_id;
    let read = move |conn: &mut SqliteConnection| {
        reports::table
            .filter(reports::organization_id.eq(organization))
            .order(reports::id)
            .select(reports::title)
            .load::<String>(conn)
    };
    let reports = database.run(read).await?;
    Ok(Json(json!({ "organization_id": organization, "read_by": key.name, "reports": reports })))
}
