//! What an OpenAPI document says about keys: where they go, and how refusals look.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use utoipa::Modify;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Content, ContentBuilder, Object, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    Type,
};

use crate::credentials::{KeyLocation, Place};
use crate::error::{AnswerStyle, AuthError, DenyReason};
use crate::handle::ApiKeys;
use crate::model::KeyModel;

/// The name by which an operation asks for a key: `security(("ApiKey" = []))`, with the scopes that it
/// needs between the brackets.
pub const SCHEME: &str = "ApiKey";

const PROBLEM: &str = "ApiKeyProblem";

/// Describes a handle's keys in an OpenAPI document, as a [`Modify`] of `utoipa`.
///
/// - The handle's locations become security schemes, by which the Authorize button of a documentation
///   page works: the first is called [`SCHEME`], others `ApiKey2` and so on. A location made by
///   [`KeyLocation::from_fn`] cannot be described.
/// - Where an operation (or else the document) asks for [`SCHEME`], the other locations are named as
///   alternatives.
/// - Such operations get the refusals 400, 401 and 503 as responses, and 403 if they name scopes.
///
/// What the document has already stays: a response of the operation's own, a component of the same name.
///
/// # Examples
/// ```
/// use apikey_core::ApiKeys;
/// use apikey_core::openapi::{SCHEME, Security};
/// use utoipa::Modify;
/// use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
/// use utoipa::openapi::{OpenApiBuilder, PathsBuilder, SecurityRequirement};
///
/// // As `#[derive(OpenApi)]` makes it of `#[utoipa::path(get, path = "/reports", security(..))]`.
/// let get = OperationBuilder::new().security(SecurityRequirement::new(SCHEME, ["reports:read"]));
/// let paths = PathsBuilder::new().path("/reports", PathItem::new(HttpMethod::Get, get)).build();
/// let mut document = OpenApiBuilder::new().paths(paths).build();
///
/// Security::of(&ApiKeys::in_memory()).modify(&mut document);
///
/// let json = serde_json::to_value(&document)?;
/// assert_eq!(json["components"]["securitySchemes"]["ApiKey"]["name"], "Authorization");
/// assert_eq!(
///     json["paths"]["/reports"]["get"]["responses"]["403"]["$ref"],
///     "#/components/responses/ApiKey403"
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Security {
    locations: Vec<KeyLocation>,
    answers: Arc<AnswerStyle>,
}

impl Security {
    /// Takes the locations and the texts of the answers from a handle.
    #[must_use]
    pub fn of<M: KeyModel>(keys: &ApiKeys<M>) -> Self {
        let inner = &keys.inner;
        Self { locations: inner.locations.clone(), answers: Arc::clone(&inner.answers) }
    }

    /// Returns the schemes with their names.
    fn schemes(&self) -> Vec<(String, SecurityScheme)> {
        let describable = self.locations.iter().filter_map(scheme);
        let name = |number| match number {
            0 => SCHEME.to_owned(),
            _ => format!("{SCHEME}{}", number + 1),
        };
        describable.enumerate().map(|(number, scheme)| (name(number), scheme)).collect()
    }

    /// Describes one status, with a body for each reason.
    fn refusal(&self, reasons: &[DenyReason]) -> Response {
        let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM)));
        let mut response = ResponseBuilder::new();
        for (number, reason) in reasons.iter().enumerate() {
            let error = AuthError::new(*reason, Arc::clone(&self.answers));
            let error = match reason {
                DenyReason::InsufficientScope => error.with_scopes("reports:read"),
                _ => error,
            };
            let body: Value = serde_json::from_str(&error.body()).unwrap_or_default();
            let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
            if number == 0 {
                response = response.description(text("title"));
                for (name, value) in error.headers().filter(|(name, _)| *name != "content-type") {
                    let header = HeaderBuilder::new().schema(Some(string()));
                    response = response.header(name, header.example(Some(value.into())).build());
                }
            }
            let slug = text("type").rsplit(':').next().unwrap_or_default().to_owned();
            let example = ExampleBuilder::new().summary(text("title")).value(Some(body.clone()));
            content = content.examples_from_iter([(slug, example)]);
        }
        let content: Content = content.build();
        response.content("application/problem+json", content).build()
    }
}

impl Modify for Security {
    fn modify(&self, openapi: &mut OpenApi) {
        let schemes = self.schemes();
        let names: Vec<_> = schemes.iter().map(|(name, _)| name.as_str()).collect();
        let default = openapi.security.clone().unwrap_or_default();
        for operation in openapi.paths.paths.values_mut().flat_map(operations) {
            let asked = operation.security.as_ref().unwrap_or(&default);
            add_refusals(asks(asked), operation);
            operation.security = operation.security.take().map(|asked| alternatives(asked, &names));
        }
        openapi.security = openapi.security.take().map(|asked| alternatives(asked, &names));

        let components = openapi.components.get_or_insert_default();
        for (name, scheme) in schemes {
            components.security_schemes.entry(name).or_insert_with(|| scheme.into());
        }
        components.schemas.entry(PROBLEM.to_owned()).or_insert_with(|| problem().into());
        for (status, reasons) in REFUSALS {
            let response = components.responses.entry(response_name(status));
            response.or_insert_with(|| self.refusal(reasons).into());
        }
    }
}

const REFUSALS: [(&str, &[DenyReason]); 4] = [
    ("400", &[DenyReason::Multiple]),
    ("401", &[DenyReason::Missing, DenyReason::WrongSecret, DenyReason::Expired]),
    (FORBIDDEN, &[DenyReason::InsufficientScope, DenyReason::Forbidden]),
    ("503", &[DenyReason::StoreUnavailable]),
];

const FORBIDDEN: &str = "403";

fn response_name(status: &str) -> String {
    format!("{SCHEME}{status}")
}

fn scheme(location: &KeyLocation) -> Option<SecurityScheme> {
    let field = |name: &str, description: String| {
        ApiKeyValue::with_description(name.to_owned(), description)
    };
    Some(match &location.0 {
        Place::Authorization { scheme } => {
            let description = format!("Type `{scheme} <key>`: the word, a space and the key.");
            SecurityScheme::ApiKey(ApiKey::Header(field("Authorization", description)))
        }
        Place::Basic { user } => {
            let description = match user {
                None => "Type the key as the user, and no password.".to_owned(),
                Some(user) => format!("Type `{user}` as the user, and the key as the password."),
            };
            http(HttpAuthScheme::Basic, &description)
        }
        Place::Bearer { .. } => http(HttpAuthScheme::Bearer, "Type the key alone."),
        Place::Header { name } => {
            SecurityScheme::ApiKey(ApiKey::Header(field(name, "Type the key alone.".to_owned())))
        }
        Place::Query { name } => {
            let description = "Type the key alone. URLs are written to logs: prefer a header.";
            SecurityScheme::ApiKey(ApiKey::Query(field(name, description.to_owned())))
        }
        Place::Own { .. } => return None,
    })
}

fn http(scheme: HttpAuthScheme, description: &str) -> SecurityScheme {
    let http = HttpBuilder::new().scheme(scheme).description(Some(description));
    SecurityScheme::Http(http.build())
}

fn problem() -> Object {
    let status = ObjectBuilder::new().schema_type(Type::Integer);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("Why a request was refused, as RFC 9457 has it."))
        .property("type", string())
        .required("type")
        .property("title", string())
        .required("title")
        .property("status", status)
        .required("status")
        .property("detail", string())
        .required("detail")
        .build()
}

fn string() -> Object {
    Object::with_type(Type::String)
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, query, .. } = path;
    [get, put, post, delete, options, head, patch, trace, query].into_iter().flatten()
}

/// What is asked for: the scopes by the names of the schemes.
type Asked = BTreeMap<String, Vec<String>>;

fn read(requirement: &SecurityRequirement) -> Asked {
    // There is no other way to look into one.
    serde_json::to_value(requirement).and_then(serde_json::from_value).unwrap_or_default()
}

/// Returns the scopes that any of the alternatives asks for, if one of them asks for a key.
fn asks(requirements: &[SecurityRequirement]) -> Option<Vec<String>> {
    let scopes: Vec<_> = requirements.iter().filter_map(|one| read(one).remove(SCHEME)).collect();
    (!scopes.is_empty()).then(|| scopes.concat())
}

/// Names the other schemes beside the first, wherever that is asked for.
fn alternatives(
    requirements: Vec<SecurityRequirement>,
    names: &[&str],
) -> Vec<SecurityRequirement> {
    let mut all: Vec<SecurityRequirement> = Vec::new();
    for requirement in requirements {
        let mut asked = read(&requirement);
        all.push(requirement);
        let Some(scopes) = asked.remove(SCHEME) else {
            continue;
        };
        for other in names.iter().skip(1) {
            let with_other = SecurityRequirement::new(*other, &scopes);
            let rest = asked.iter();
            all.push(rest.fold(with_other, |all, (name, scopes)| all.add(name, scopes)));
        }
    }
    all
}

fn add_refusals(scopes: Option<Vec<String>>, operation: &mut Operation) {
    let Some(scopes) = scopes else {
        return;
    };
    for (status, _) in REFUSALS {
        if status != FORBIDDEN || !scopes.is_empty() {
            let refusal = RefOr::Ref(Ref::from_response_name(response_name(status)));
            operation.responses.responses.entry(status.to_owned()).or_insert(refusal);
        }
    }
}
