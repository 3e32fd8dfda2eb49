//! A guarded subtree that is not alone: an open route beside it, whose path is below, and an open pattern
//! that matches paths below, too.

use actix_web::web::{self, ServiceConfig};
use apikey_core::ApiKeys;
use apikey_core::scope;
use axum::Router;
use rocket::{Build, Rocket, get, routes};

use crate::ask::{Ask, Carrier};
use crate::stage::{Servers, Stage};
use crate::{actix, axum as on_axum, rocket as on_rocket};

/// Serves `/archive` and `/archive/one` guarded, `/archive/beside` and `/{section}/{page}` open.
pub(crate) async fn serve(stage: &Stage) -> Servers {
    let [axum, actix, rocket] = [(); 3].map(|()| stage.keys());
    Servers([
        on_axum::serve(of_axum(axum)).await,
        actix::serve(move |config| of_actix(config, &actix)).await,
        on_rocket::serve(|app| of_rocket(app, rocket)).await,
    ])
}

pub(crate) fn asks(carrier: Carrier) -> Vec<Ask> {
    let paths = [
        "/archive",
        "/archive/one",
        "/archive/nowhere",
        "/archive/no/where",
        "/archive/beside",
        "/archive/beside/below",
        "/section/page",
        "/archives/page",
    ];
    let mut asks = Vec::new();
    for path in paths {
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            let ask = Ask::new(method, path);
            let keys = ["{good}", "{no_scopes}", "{wrong}"];
            asks.extend(keys.map(|key| ask.clone().by(carrier, key)));
            asks.push(ask);
        }
    }
    asks
}

fn of_axum(keys: ApiKeys) -> Router {
    use axum::routing::get;

    let archive = Router::new()
        .route("/", get(|| async { "archive" }))
        .route("/one", get(|| async { "one" }));
    Router::new()
        .route("/archive/beside", get(|| async { "beside" }))
        .nest("/archive", apikey_axum::guarded(archive, &keys, scope("reports:read")))
        .route("/{section}/{page}", get(|| async { "a page" }))
        .with_state(keys)
}

fn of_actix(config: &mut ServiceConfig, keys: &ApiKeys) {
    use actix::get;

    let archive = web::scope("/archive")
        .service(get("", async || "archive"))
        .service(get("/one", async || "one"));
    config
        .service(get("/archive/beside", async || "beside"))
        .service(archive.wrap(apikey_actix::require(keys, scope("reports:read"))))
        .service(get("/{section}/{page}", async || "a page"));
}

fn of_rocket(app: Rocket<Build>, keys: ApiKeys) -> Rocket<Build> {
    #[get("/")]
    fn archive() -> &'static str {
        "archive"
    }

    #[get("/one")]
    fn one() -> &'static str {
        "one"
    }

    #[get("/archive/beside")]
    fn beside() -> &'static str {
        "beside"
    }

    #[get("/<_>/<_>")]
    fn page() -> &'static str {
        "a page"
    }

    let guarded = on_rocket::only_get(routes![archive, one]);
    app.mount("/archive", apikey_rocket::require(&keys, scope("reports:read"), guarded))
        .mount("/", on_rocket::only_get(routes![beside, page]))
        .attach(apikey_rocket::fairing(keys))
}
