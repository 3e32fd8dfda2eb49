//! What is noticed before the first request, and what happens to a guard that is used by hand.
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::env;
use std::process::Command;

use apikey_rocket::{
    AnyKey, ApiKey, ApiKeyRejection, ApiKeys, KeyRecord, OptionalApiKey, fairing, require,
};
use rocket::error::ErrorKind;
use rocket::local::blocking::Client;
use rocket::outcome::Outcome;
use rocket::request::{self, FromRequest, Request};
use rocket::{Build, Error, Rocket, Route, get, routes};

#[get("/")]
fn key(_key: ApiKey) {}

#[get("/")]
fn maybe(_key: OptionalApiKey) {}

#[get("/")]
fn result(_key: Result<ApiKey, ApiKeyRejection>) {}

fn refused(app: Rocket<Build>) -> Error {
    Client::tracked(app).err().unwrap()
}

/// Without the fairing Rocket refuses to launch, and names this type.
fn needs_the_fairing(routes: &[Route], culprit: &str) {
    let keys = ApiKeys::in_memory();
    let app = || rocket::build().mount("/", routes);
    let error = refused(app());
    let ErrorKind::SentinelAborts(sentinels) = error.kind() else {
        unreachable!("{error}");
    };
    assert!(sentinels[0].type_name.contains(culprit), "{sentinels:?}");
    Client::tracked(app().attach(fairing(keys.clone()))).unwrap();
    Client::tracked(app().attach(fairing(keys).without_catchers())).unwrap();
}

#[test]
fn a_key_needs_the_fairing() {
    needs_the_fairing(&routes![key], "apikey_rocket::extract::ApiKey");
}

#[test]
fn an_optional_key_needs_the_fairing() {
    needs_the_fairing(&routes![maybe], "apikey_rocket::extract::OptionalApiKey");
}

#[test]
fn a_result_needs_the_fairing() {
    needs_the_fairing(&routes![result], "apikey_rocket::extract::ApiKey");
}

#[test]
fn a_mount_needs_the_fairing() {
    let routes = require(&ApiKeys::in_memory(), AnyKey, routes![]);
    needs_the_fairing(&routes, "apikey_rocket::require::NeedsFairing");
}

/// Users of Rocket read Rocket's log: it is what the tests around print when they run alone.
#[test]
fn the_log_of_rocket_names_the_missing_line() {
    for test in [
        "a_key_needs_the_fairing",
        "an_optional_key_needs_the_fairing",
        "a_result_needs_the_fairing",
        "a_mount_needs_the_fairing",
        "a_guard_used_by_hand_without_the_fairing_says_that_it_is_not_configured",
    ] {
        let mut alone = Command::new(env::current_exe().unwrap());
        alone.args(["--exact", test, "--nocapture"]).env("ROCKET_LOG_LEVEL", "normal");
        let output = alone.output().unwrap();
        let log = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && log.contains("1 passed"), "{test}: {log}");
        let says_so = log.contains("Error: API keys are not configured");
        assert!(says_so && log.contains(".attach(apikey_rocket::fairing(keys))"), "{test}: {log}");
    }
}

#[test]
fn a_handle_that_is_managed_by_hand_is_refused() {
    let keys = ApiKeys::in_memory();
    let error = refused(rocket::build().mount("/", routes![key]).manage(keys.clone()));
    assert!(matches!(error.kind(), ErrorKind::SentinelAborts(_)), "{error}");
    let error = refused(rocket::build().manage(keys.clone()).attach(fairing(keys)));
    assert!(matches!(error.kind(), ErrorKind::FailedFairings(_)), "{error}");
}

#[test]
fn a_second_fairing_of_one_model_is_refused() {
    let app = rocket::build().attach(fairing(ApiKeys::in_memory()));
    let error = refused(app.attach(fairing(ApiKeys::in_memory())));
    assert!(matches!(error.kind(), ErrorKind::FailedFairings(_)), "{error}");
}

#[test]
fn a_guard_used_by_hand_without_the_fairing_says_that_it_is_not_configured() {
    struct ByHand;

    #[rocket::async_trait]
    impl<'r> FromRequest<'r> for ByHand {
        type Error = ApiKeyRejection;

        async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, Self::Error> {
            ApiKey::<KeyRecord>::from_request(request).await.map(|_| Self)
        }
    }

    #[get("/")]
    fn bare(_key: ByHand) {}

    #[get("/told")]
    fn told(key: Result<ByHand, ApiKeyRejection>) -> Option<ApiKeyRejection> {
        key.err()
    }

    let client = Client::tracked(rocket::build().mount("/", routes![bare, told])).unwrap();
    assert_eq!(client.get("/").dispatch().status().code, 500);
    let told = client.get("/told").dispatch();
    assert_eq!(told.status().code, 500);
    assert!(told.into_string().unwrap().contains("not-configured"));
}

#[test]
fn a_refusal_is_an_error_and_never_a_forward() {
    let app = rocket::build().attach(fairing(ApiKeys::in_memory()));
    let client = Client::tracked(app).unwrap();
    let request = client.get("/");
    let outcome = rocket::execute(ApiKey::<KeyRecord>::from_request(request.inner()));
    let Outcome::Error((status, rejection)) = outcome else {
        unreachable!("no key was sent");
    };
    assert_eq!(status.code, rejection.error().status());
    assert!(rejection.error().is_missing());
}
