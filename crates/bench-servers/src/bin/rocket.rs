//! The measured server on Rocket.
#![expect(clippy::needless_pass_by_value, reason = "Rocket hands guards over by value")]

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context;
use apikey_rocket::{ApiKey, KeyRecord, fairing};
use bench_servers::{body, set_up};
use rocket::config::{Config, LogLevel};
use rocket::fairing::AdHoc;
use rocket::serde::json::{Json, Value};
use rocket::{State, get, routes};
use tokio::sync::oneshot;

#[rocket::main]
async fn main() -> anyhow::Result<()> {
    let stage = set_up().await?;
    tokio::spawn(stage.keys.maintain());
    let config = Config {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        log_level: LogLevel::Off,
        ..Config::default()
    };
    let (sender, port) = oneshot::channel();
    let server = rocket::custom(config)
        .mount("/", routes![public, protected])
        .manage(Arc::clone(&stage.record))
        .attach(fairing(stage.keys.clone()))
        .attach(report_port(sender));
    let announced = async { stage.announce(port.await.context("it does not listen")?).await };
    tokio::select! {
        result = server.launch() => drop(result?),
        end = announced => end?,
    }
    stage.tear_down().await
}

/// Sends the port once it is open.
fn report_port(sender: oneshot::Sender<u16>) -> AdHoc {
    AdHoc::on_liftoff("port", move |rocket| {
        let port = rocket.config().port;
        Box::pin(async move {
            let _ = sender.send(port);
        })
    })
}

#[get("/public")]
fn public(record: &State<Arc<KeyRecord>>) -> Json<Value> {
    Json(body(record))
}

#[get("/protected")]
fn protected(key: ApiKey) -> Json<Value> {
    Json(body(&key))
}
