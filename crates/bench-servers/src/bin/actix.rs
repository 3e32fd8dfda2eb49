//! The measured server on Actix Web.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use actix_web::web::{self, Data, Json};
use actix_web::{App, HttpServer};
use apikey_actix::{ApiKey, KeyRecord};
use bench_servers::{body, set_up};
use serde_json::Value;

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let stage = set_up().await?;
    actix_web::rt::spawn(stage.keys.maintain());
    let (keys, record) = (Data::new(stage.keys.clone()), Data::from(Arc::clone(&stage.record)));
    let app = move || {
        App::new()
            .app_data(keys.clone())
            .app_data(record.clone())
            .route("/public", web::get().to(public))
            .route("/protected", web::get().to(protected))
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let server = HttpServer::new(app).disable_signals().listen(listener)?.run();
    tokio::select! {
        result = server => result?,
        end = stage.announce(port) => end?,
    }
    stage.tear_down().await
}

async fn public(record: Data<KeyRecord>) -> Json<Value> {
    Json(body(&record))
}

async fn protected(key: ApiKey) -> Json<Value> {
    Json(body(&key))
}
