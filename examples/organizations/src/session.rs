//! Who is logged in. A stand-in: anybody can send this header, so put the login of your application here.

use apikey_core::OwnedKeys;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use diesel::prelude::*;

use crate::model::OrganizationApiKey;
use crate::refusal::Refusal;
use crate::routes::Service;
use crate::schema::{organizations, users};

/// Names a member, in place of a session.
const HEADER: &str = "x-demo-member";

/// A member of an active organization who is logged in. Nothing but a request makes one, so that the
/// owner of what a handler touches comes from the session alone.
pub(crate) struct Member {
    keys: OwnedKeys<OrganizationApiKey>,
}

impl Member {
    /// The keys of the member's own organization. There is no way from here to those of others.
    pub(crate) fn keys(&self) -> &OwnedKeys<OrganizationApiKey> {
        &self.keys
    }
}

impl FromRequestParts<Service> for Member {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Refusal> {
        let header = parts.headers.get(HEADER).and_then(|value| value.to_str().ok());
        let name = header.ok_or_else(Refusal::log_in)?.to_owned();
        let find = move |conn: &mut SqliteConnection| {
            users::table
                .inner_join(organizations::table)
                .filter(users::name.eq(name))
                .select((organizations::id, organizations::active))
                .first::<(i32, bool)>(conn)
                .optional()
        };
        match service.database.run(find).await? {
            Some((organization, true)) => Ok(Self { keys: service.keys.owned_by(organization) }),
            Some((_, false)) => Err(Refusal::forbidden("your organization is not active")),
            None => Err(Refusal::log_in()),
        }
    }
}
