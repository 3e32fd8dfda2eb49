//! What a request gets that is not served: a status, and a problem of RFC 9457, as refused keys get.

use std::error::Error;

use apikey_core::{ManageError, StoreError};
use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::database::DatabaseError;

#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    detail: String,
}

impl Refusal {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn log_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "log in: name a member in the header X-Demo-Member")
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// Does not repeat the prefix: somebody may have put a whole key there.
    pub(crate) fn no_such_key() -> Self {
        Self::new(StatusCode::NOT_FOUND, "your organization has no key with this prefix")
    }

    pub(crate) fn no_such_page() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing here")
    }

    pub(crate) fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "this is asked for by another method")
    }

    /// Fails closed; the reason is for the log alone.
    fn unavailable(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error, "a request could not be served");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "try again in a moment")
    }

    fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error, "a request could not be served");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "something is wrong here")
    }
}

impl From<ManageError> for Refusal {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Name | ManageError::Scope(_) | ManageError::Expiry => {
                Self::bad_request(error.to_string())
            }
            ManageError::NotFound { .. } => Self::no_such_key(),
            // The texts say what to do instead; `AlreadyRotated` names the successor.
            ManageError::LimitReached { .. }
            | ManageError::NotActive { .. }
            | ManageError::AlreadyRotated { .. }
            | ManageError::Expired
            | ManageError::Conflict
            | ManageError::Rejected(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            ManageError::Store(StoreError::Unavailable(_))
            | ManageError::Hash(_)
            | ManageError::Generate(_) => Self::unavailable(&error),
            // What members cannot bring about here, as fixed texts and foreign owners, is a mistake of ours.
            _ => Self::internal(&error),
        }
    }
}

impl From<DatabaseError> for Refusal {
    fn from(error: DatabaseError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<JsonRejection> for Refusal {
    fn from(rejection: JsonRejection) -> Self {
        match rejection.status() {
            // Well-formed, but not what is asked for.
            StatusCode::UNPROCESSABLE_ENTITY => Self::bad_request(rejection.body_text()),
            status => Self::new(status, rejection.body_text()),
        }
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, detail } = self;
        let title = status.canonical_reason();
        let body = json!({ "title": title, "status": status.as_u16(), "detail": detail });
        let head = [(CONTENT_TYPE, "application/problem+json"), (CACHE_CONTROL, "no-store")];
        let extra = match status {
            StatusCode::UNAUTHORIZED => Some([(WWW_AUTHENTICATE, "Demo-Member")]),
            StatusCode::SERVICE_UNAVAILABLE => Some([(RETRY_AFTER, "1")]),
            _ => None,
        };
        match extra {
            Some(extra) => (status, head, extra, Json(body)).into_response(),
            None => (status, head, Json(body)).into_response(),
        }
    }
}
