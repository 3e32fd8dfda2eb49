//! What members do with the keys of their organization.
//!
//! Each handler gets the keys from [`Member`], which knows the organization from the session. No path and
//! no body names an owner, and keys of others are as absent.

use std::time::Duration;

use apikey_core::{
    CreatedKey, DEFAULT_GRACE, KeyQuery, KeyRecord, KeyStatus, ManageError, NewKey, OwnedKeys,
};
use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::input::{Asked, Body, Prefix};
use crate::model::{NewOrganizationApiKey, OrganizationApiKey, ReportsRead};
use crate::place::Place;
use crate::refusal::Refusal;
use crate::session::Member;

/// What members see of a key: its columns, without the hash, and its state.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    record: &'a KeyRecord,
    status: KeyStatus,
}

impl<'a> Shown<'a> {
    fn of(keys: &OwnedKeys<OrganizationApiKey>, key: &'a OrganizationApiKey) -> Self {
        Self { record: &key.record, status: keys.status_of(key) }
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyForm {
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    expires_in_days: Option<u16>,
}

/// `POST /keys`
pub(crate) async fn create(
    member: Member,
    Body(form): Body<NewKeyForm>,
) -> Result<impl IntoResponse, Refusal> {
    // A scope that this service may know one day must not lie in wait in a key of today.
    if form.scopes.iter().any(|scope| scope != ReportsRead::NAME) {
        return Err(Refusal::bad_request("the scopes to choose from: reports:read"));
    }
    let extra = NewOrganizationApiKey { organization_id: *member.keys().owner() };
    let mut new = NewKey::new(form.name).scopes(form.scopes).with(extra);
    if let Some(days) = form.expires_in_days {
        new = new.expires_in(DAY * u32::from(days));
    }
    Ok(shown_once(member.keys(), &member.keys().create(new).await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageForm {
    /// The `next` of the page before.
    after: Option<Place>,
    #[serde(default = "PageForm::limit")]
    limit: u32,
}

impl PageForm {
    fn limit() -> u32 {
        50
    }
}

/// `GET /keys`, newest first
pub(crate) async fn list(
    member: Member,
    Asked(form): Asked<PageForm>,
) -> Result<Json<Value>, Refusal> {
    let query = KeyQuery::new().limit(form.limit).after(form.after.map(Place::cursor));
    let page = member.keys().list(&query).await?;
    let keys: Vec<_> = page.keys.iter().map(|key| Shown::of(member.keys(), key)).collect();
    // Rows that somebody damaged. Their keys are refused; members may still revoke them, by these prefixes.
    let unreadable: Vec<_> = page.unreadable.iter().map(|row| &row.prefix).collect();
    let next = page.next.map(Place::from);
    Ok(Json(json!({ "keys": keys, "unreadable": unreadable, "next": next })))
}

/// `GET /keys/{prefix}`
pub(crate) async fn show(member: Member, Prefix(prefix): Prefix) -> Result<Json<Value>, Refusal> {
    let key = member.keys().get(&prefix).await?.ok_or_else(Refusal::no_such_key)?;
    Ok(Json(json!({ "key": Shown::of(member.keys(), &key) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateForm {
    /// How long the old key goes on working; a day, unless told otherwise.
    grace_hours: Option<u16>,
}

/// `POST /keys/{prefix}/rotate`
pub(crate) async fn rotate(
    member: Member,
    Prefix(prefix): Prefix,
    Body(form): Body<RotateForm>,
) -> Result<impl IntoResponse, Refusal> {
    let grace = form.grace_hours.map_or(DEFAULT_GRACE, |hours| HOUR * u32::from(hours));
    Ok(shown_once(member.keys(), &member.keys().rotate(&prefix, grace).await?))
}

/// `DELETE /keys/{prefix}`: revokes. The key stays in the list, as a record.
pub(crate) async fn revoke(member: Member, Prefix(prefix): Prefix) -> Result<Json<Value>, Refusal> {
    match member.keys().revoke(&prefix).await {
        // It is done. The row is damaged, so there is no more to show of it.
        Err(ManageError::EndedUnread(_)) => {
            Ok(Json(json!({ "key": { "prefix": prefix, "status": "unreadable" } })))
        }
        key => Ok(Json(json!({ "key": Shown::of(member.keys(), &key?) }))),
    }
}

/// The only answer that holds the text of a key: nobody on the way may keep it.
fn shown_once(
    keys: &OwnedKeys<OrganizationApiKey>,
    created: &CreatedKey<OrganizationApiKey>,
) -> impl IntoResponse + use<> {
    let head = [
        (CACHE_CONTROL, "no-store".to_owned()),
        (LOCATION, format!("/keys/{}", created.key.prefix)),
    ];
    let shown = Shown::of(keys, &created.key);
    let body = json!({ "key": shown, "plaintext": created.plaintext.expose() });
    (StatusCode::CREATED, head, Json(body))
}
