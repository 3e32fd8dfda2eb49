//! What a lookup, a page of a list and a touch of 500 keys cost with few and with many keys.
//!
//! On SQLite, and on the servers that `APIKEY_TEST_POSTGRES_URL` and `APIKEY_TEST_MYSQL_URL` name. What does
//! not grow with the table has a ratio near 1.

#![expect(clippy::unwrap_used, reason = "a step that fails ends the measurement")]
#![expect(clippy::print_stdout, reason = "the result of a measurement is for whoever started it")]

use std::env;
use std::process;
use std::time::{Duration, Instant};

use apikey_core::{Clock, KeyQuery, KeyRecord, KeyStore, SystemClock, Timestamp};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::{Connection, SqliteConnection};
use apikey_diesel::diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, SimpleAsyncConnection,
};

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
const ROUNDS: u32 = 200;
const TOUCHED: u32 = 500;

/// The numbers from 0 to 999 999 as `i`, in a form that all three databases know.
fn numbers() -> String {
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL \
                  SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL \
                  SELECT 8 UNION ALL SELECT 9)";
    let joined: Vec<_> = (0..6).map(|place| format!("{digits} AS t{place}")).collect();
    let sum: Vec<_> = (0..6).map(|place| format!("t{place}.d * {}", 10_u32.pow(place))).collect();
    format!("(SELECT {} AS i FROM {}) AS numbers", sum.join(" + "), joined.join(" CROSS JOIN "))
}

/// Fills the table; `text` and `time` make the prefix and a time of a number `i`.
fn fill(rows: u32, text: &str, time: &str) -> String {
    format!(
        "INSERT INTO api_keys (prefix, hashed_key, name, created_at) \
         SELECT {text}, 'sha256$1$00', 'measured', {time} FROM {} WHERE i < {rows} ORDER BY i",
        numbers()
    )
}

async fn run_postgres(url: &str, sql: &str) {
    AsyncPgConnection::establish(url).await.unwrap().batch_execute(sql).await.unwrap();
}

async fn run_mysql(url: &str, sql: &str) {
    AsyncMysqlConnection::establish(url).await.unwrap().batch_execute(sql).await.unwrap();
}

/// Medians of the three operations.
async fn measure(url: &str, rows: u32) -> [Duration; 3] {
    let store = DieselStore::connect(url).await.unwrap();
    let page = store.list(&KeyQuery::<KeyRecord>::new().limit(TOUCHED), now()).await.unwrap();
    let ids: Vec<i64> = page.keys.iter().map(|key| key.id).collect();
    let mut times = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        let prefix = format!("k{:07}", u64::from(round) * 7_919 % u64::from(rows));
        let start = Instant::now();
        store.find_by_prefix(&prefix).await.unwrap().unwrap();
        times[0].push(start.elapsed());
        let start = Instant::now();
        store.list(&KeyQuery::new(), now()).await.unwrap();
        times[1].push(start.elapsed());
        if round % 10 == 0 {
            let start = Instant::now();
            store.touch(&ids, now()).await.unwrap();
            times[2].push(start.elapsed());
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

fn now() -> Timestamp {
    SystemClock::default().now()
}

async fn sqlite(rows: u32) -> [Duration; 3] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db").display().to_string();
    let url = format!("sqlite://{path}");
    DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
    let time = "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1600000000 + i, 'unixepoch')";
    let mut conn = SqliteConnection::establish(&path).unwrap();
    conn.batch_execute(&fill(rows, "printf('k%07d', i)", time)).unwrap();
    measure(&url, rows).await
}

async fn postgres(admin: &str, rows: u32) -> [Duration; 3] {
    let (name, url) = database(admin);
    run_postgres(admin, &format!("CREATE DATABASE {name}")).await;
    DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
    let time = "timestamp '2020-09-13' + i * interval '1 second'";
    run_postgres(&url, &fill(rows, "'k' || lpad(i::text, 7, '0')", time)).await;
    run_postgres(&url, "VACUUM ANALYZE api_keys").await;
    let times = measure(&url, rows).await;
    run_postgres(admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    times
}

async fn mysql(admin: &str, rows: u32) -> [Duration; 3] {
    let (name, url) = database(admin);
    run_mysql(admin, &format!("CREATE DATABASE {name}")).await;
    DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
    let time = "TIMESTAMPADD(SECOND, i, '2020-09-13')";
    run_mysql(&url, &fill(rows, "CONCAT('k', LPAD(i, 7, '0'))", time)).await;
    run_mysql(&url, "ANALYZE TABLE api_keys").await;
    let times = measure(&url, rows).await;
    run_mysql(admin, &format!("DROP DATABASE {name}")).await;
    times
}

/// A name for a new database on a server, and its URL.
fn database(admin: &str) -> (String, String) {
    let name = format!("apikey_bench_{}", process::id());
    let url = format!("{}/{name}", admin.rsplit_once('/').unwrap().0);
    (name, url)
}

fn print(database: &str, few: [Duration; 3], many: [Duration; 3]) {
    for (index, operation) in ["lookup", "list page", "touch of 500"].into_iter().enumerate() {
        let ratio = many[index].as_secs_f64() / few[index].as_secs_f64();
        println!(
            "{database:<12}{operation:<14}{:>10} µs{:>10} µs{ratio:>8.2}",
            few[index].as_micros(),
            many[index].as_micros()
        );
    }
}

#[tokio::main]
async fn main() {
    println!("{:<26}{:>10}   {:>10}   {:>8}", "median", "1 k rows", "1 M rows", "ratio");
    print("SQLite", sqlite(FEW).await, sqlite(MANY).await);
    match env::var("APIKEY_TEST_POSTGRES_URL") {
        Ok(url) => print("PostgreSQL", postgres(&url, FEW).await, postgres(&url, MANY).await),
        Err(_) => println!("PostgreSQL: APIKEY_TEST_POSTGRES_URL is not set"),
    }
    match env::var("APIKEY_TEST_MYSQL_URL") {
        Ok(url) => print("MySQL", mysql(&url, FEW).await, mysql(&url, MANY).await),
        Err(_) => println!("MySQL: APIKEY_TEST_MYSQL_URL is not set"),
    }
}
