//! What is said about keys in an OpenAPI document.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use apikey_core::openapi::{SCHEME, Security};
use apikey_core::{ApiKeys, KeyFormat, KeyLocation, KeyRecord, MemoryStore};
use serde_json::{Value, json};
use utoipa::Modify;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem};
use utoipa::openapi::{
    OpenApi, OpenApiBuilder, PathsBuilder, ResponseBuilder, SecurityRequirement,
};

fn keys(locations: impl IntoIterator<Item = KeyLocation>) -> ApiKeys {
    let builder = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).locations(locations);
    builder.format(KeyFormat::branded("acme").unwrap()).build().unwrap()
}

fn operation(asks_for: Option<SecurityRequirement>) -> OperationBuilder {
    OperationBuilder::new()
        .response("200", ResponseBuilder::new().description("done"))
        .securities(asks_for.map(|one| [one]))
}

/// A document with one operation at `/`.
fn document(operation: OperationBuilder) -> OpenApi {
    let paths = PathsBuilder::new().path("/", PathItem::new(HttpMethod::Get, operation));
    OpenApiBuilder::new().paths(paths).build()
}

fn described(keys: &ApiKeys, mut document: OpenApi) -> Value {
    Security::of(keys).modify(&mut document);
    serde_json::to_value(&document).unwrap()
}

fn statuses(document: &Value) -> Vec<&str> {
    let responses = document["paths"]["/"]["get"]["responses"].as_object().unwrap();
    responses.keys().map(String::as_str).collect()
}

#[test]
fn each_location_is_a_security_scheme() {
    let own = KeyLocation::from_fn(|_, _| {});
    let locations = [
        own,
        KeyLocation::authorization("Api-Key"),
        KeyLocation::header("X-Api-Key"),
        KeyLocation::bearer(),
        KeyLocation::query("api_key"),
    ];
    let document = described(&keys(locations), document(operation(None)));
    let mut schemes = document["components"]["securitySchemes"].clone();
    let description = schemes["ApiKey"]["description"].take();
    assert!(description.as_str().unwrap().starts_with("Type `Api-Key <key>`"));
    for scheme in schemes.as_object_mut().unwrap().values_mut() {
        scheme["description"].take();
    }
    assert_eq!(
        schemes,
        json!({
            "ApiKey": { "type": "apiKey", "in": "header", "name": "Authorization", "description": null },
            "ApiKey2": { "type": "apiKey", "in": "header", "name": "x-api-key", "description": null },
            "ApiKey3": { "type": "http", "scheme": "bearer", "description": null },
            "ApiKey4": { "type": "apiKey", "in": "query", "name": "api_key", "description": null },
        })
    );
}

#[test]
fn a_user_and_a_password_are_the_scheme_basic() {
    for (location, word) in
        [(KeyLocation::basic(), "as the user"), (KeyLocation::basic().user("api"), "`api`")]
    {
        let document = described(&keys([location]), document(operation(None)));
        let scheme = &document["components"]["securitySchemes"]["ApiKey"];
        assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("basic")));
        assert!(scheme["description"].as_str().unwrap().contains(word), "{scheme}");
    }
}

#[test]
fn operations_that_ask_for_a_key_have_the_refusals() {
    let keys = ApiKeys::in_memory();
    let any_key = SecurityRequirement::new(SCHEME, [""; 0]);
    let scoped = SecurityRequirement::new(SCHEME, ["reports:read"]);
    let other = SecurityRequirement::new("session", [""; 0]);

    assert_eq!(statuses(&described(&keys, document(operation(None)))), ["200"]);
    assert_eq!(statuses(&described(&keys, document(operation(Some(other))))), ["200"]);
    let any_key = document(operation(Some(any_key)));
    assert_eq!(statuses(&described(&keys, any_key)), ["200", "400", "401", "503"]);
    let scoped = document(operation(Some(scoped)));
    assert_eq!(statuses(&described(&keys, scoped)), ["200", "400", "401", "403", "503"]);
}

#[test]
fn the_security_of_the_document_counts_where_an_operation_says_nothing() {
    let keys = ApiKeys::in_memory();
    let any_key = SecurityRequirement::new(SCHEME, [""; 0]);
    let mut silent = document(operation(None));
    silent.security = Some(vec![any_key.clone()]);
    assert_eq!(statuses(&described(&keys, silent)), ["200", "400", "401", "503"]);

    let mut open = document(operation(None).securities(Some([])));
    open.security = Some(vec![any_key]);
    assert_eq!(statuses(&described(&keys, open)), ["200"]);
}

#[test]
fn every_location_is_an_alternative_with_the_same_scopes() {
    let keys = keys([KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")]);
    let both = SecurityRequirement::new(SCHEME, ["reports:read"]).add("session", [""; 0]);
    let document = described(&keys, document(operation(Some(both))));
    assert_eq!(
        document["paths"]["/"]["get"]["security"],
        json!([
            { "ApiKey": ["reports:read"], "session": [] },
            { "ApiKey2": ["reports:read"], "session": [] },
        ])
    );
}

#[test]
fn refusals_are_described_as_they_are_sent() {
    let keys = ApiKeys::in_memory();
    let document = described(&keys, document(operation(None)));
    let responses = &document["components"]["responses"];
    let of = |status: &str| responses[format!("ApiKey{status}")].clone();
    let problem = |status: &str| of(status)["content"]["application/problem+json"].clone();

    assert_eq!(problem("400")["schema"]["$ref"], "#/components/schemas/ApiKeyProblem");
    let examples = problem("401")["examples"].clone();
    let missing = futures::executor::block_on(keys.authenticate(&NoKey)).unwrap_err();
    let body: Value = serde_json::from_str(&missing.body()).unwrap();
    assert_eq!(examples["missing-api-key"]["value"], body);
    let names: Vec<_> = examples.as_object().unwrap().keys().collect();
    assert_eq!(names, ["expired-api-key", "invalid-api-key", "missing-api-key"]);
    let challenge = &of("401")["headers"]["www-authenticate"]["example"];
    assert_eq!(challenge, r#"Api-Key realm="api""#);
    assert!(problem("403")["examples"]["forbidden"].is_object());
    assert_eq!(of("503")["headers"]["retry-after"]["example"], "1");

    let schema = &document["components"]["schemas"]["ApiKeyProblem"];
    assert_eq!(schema["required"], json!(["type", "title", "status", "detail"]));
    assert_eq!(schema["properties"]["status"]["type"], "integer");
}

#[test]
fn a_handle_that_hides_the_expiry_does_not_describe_it() {
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new()).hide_expired().build().unwrap();
    let document = described(&keys, document(operation(None)));
    let text = document["components"]["responses"]["ApiKey401"].to_string();
    assert!(text.contains("invalid-api-key") && !text.contains("expired-api-key"), "{text}");
}

#[test]
fn what_the_document_says_itself_stays() {
    let own = ResponseBuilder::new().description("my own");
    let asks = SecurityRequirement::new(SCHEME, [""; 0]);
    let operation = operation(Some(asks)).response("401", own);
    let document = described(&ApiKeys::in_memory(), document(operation));
    assert_eq!(document["paths"]["/"]["get"]["responses"]["401"]["description"], "my own");
}

struct NoKey;

impl apikey_core::RequestHead for NoKey {
    fn header_lines(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}

    fn query(&self) -> Option<&str> {
        None
    }
}
