//! What the store's operations cost with few and with many keys.
//!
//! On SQLite, and on the servers that `APIKEY_TEST_POSTGRES_URL` and `APIKEY_TEST_MYSQL_URL` name. Both tables are
//! measured in turn, so that whatever else the machine does falls on both. What does not grow with the table has
//! a ratio near 1; a search for the beginning of a name reads the whole table, and is there for comparison.

#![expect(clippy::unwrap_used, reason = "a step that fails ends the measurement")]
#![expect(clippy::print_stdout, reason = "the result of a measurement is for whoever started it")]

use std::env;
use std::process;
use std::time::{Duration, Instant};

use apikey_core::{
    Clock, Cursor, KeyQuery, KeyRecord, KeyStatus, KeyStore, SystemClock, Timestamp,
};
use apikey_diesel::DieselStore;
use apikey_diesel::diesel::connection::SimpleConnection;
use apikey_diesel::diesel::{Connection, SqliteConnection};
use apikey_diesel::diesel_async::{
    AsyncConnection, AsyncMysqlConnection, AsyncPgConnection, SimpleAsyncConnection,
};

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
const TOUCHED: u32 = 500;

/// An operation, how often it is measured, and what it is held to.
const OPERATIONS: [(&str, u32, Bar); 7] = [
    ("lookup", 1000, Bar::Ratio(1.7)),
    ("first page of 100", 200, Bar::Many(Duration::from_millis(2))),
    ("page in the middle", 200, Bar::Many(Duration::from_millis(2))),
    ("page of revoked", 20, Bar::None),
    ("touch of 500", 20, Bar::None),
    // Two, for there is as much to delete in the table with few keys.
    ("purge of 100", 2, Bar::Many(Duration::from_millis(50))),
    ("search by name", 3, Bar::None),
];

enum Bar {
    /// At most so many times as long with many keys as with few.
    Ratio(f64),
    /// At most so long with many keys.
    Many(Duration),
    None,
}

/// The numbers from 0 to 999 999 as `i`, in a form that all three databases know.
fn numbers() -> String {
    let digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL \
                  SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL \
                  SELECT 8 UNION ALL SELECT 9)";
    let joined: Vec<_> = (0..6).map(|place| format!("{digits} AS t{place}")).collect();
    let sum: Vec<_> = (0..6).map(|place| format!("t{place}.d * {}", 10_u32.pow(place))).collect();
    format!("(SELECT {} AS i FROM {}) AS numbers", sum.join(" + "), joined.join(" CROSS JOIN "))
}

/// How many keys are revoked, whatever the number of the others; the newest are none of them.
const REVOKED: u32 = 200;

/// Fills the table; `text` and `time` make the prefix and a time of a number `i`.
fn fill(rows: u32, text: &str, time: &str) -> String {
    format!(
        "INSERT INTO api_keys (prefix, hashed_key, name, created_at, revoked_at) \
         SELECT {text}, 'sha256$1$00', 'measured', {time}, \
         CASE WHEN i % ({rows} / {REVOKED}) = 1 THEN {time} END FROM {} WHERE i < {rows} ORDER BY i",
        numbers()
    )
}

async fn run_postgres(url: &str, sql: &str) {
    AsyncPgConnection::establish(url).await.unwrap().batch_execute(sql).await.unwrap();
}

async fn run_mysql(url: &str, sql: &str) {
    AsyncMysqlConnection::establish(url).await.unwrap().batch_execute(sql).await.unwrap();
}

/// A table of so many keys, and what is looked for in it.
struct Table {
    store: DieselStore,
    rows: u32,
    newest: Vec<i64>,
    middle: Cursor<i64>,
}

impl Table {
    async fn open(url: &str, rows: u32) -> Self {
        let store = DieselStore::connect(url).await.unwrap();
        let page = store.list(&KeyQuery::<KeyRecord>::new().limit(TOUCHED), now()).await.unwrap();
        let newest = page.keys.iter().map(|key| key.id).collect();
        let middle = store.get(&prefix(rows / 2), None).await.unwrap().unwrap();
        let middle = Cursor::new(middle.created_at, middle.id);
        Self { store, rows, newest, middle }
    }

    async fn run(&self, operation: &str, round: u32) {
        match operation {
            "lookup" => {
                let number = u64::from(round) * 7_919 % u64::from(self.rows);
                let prefix = prefix(u32::try_from(number).unwrap());
                self.store.find_by_prefix(&prefix).await.unwrap().unwrap();
            }
            "first page of 100" => assert_eq!(self.list(KeyQuery::new()).await, 100),
            "page in the middle" => {
                let query = KeyQuery::new().after(Some(self.middle.clone()));
                assert_eq!(self.list(query).await, 100);
            }
            "page of revoked" => {
                let query = KeyQuery::new().status(KeyStatus::Revoked);
                assert_eq!(self.list(query).await, 100);
            }
            "purge of 100" => {
                assert_eq!(self.store.delete_expired(now(), 100).await.unwrap(), 100);
            }
            "touch of 500" => self.store.touch(&self.newest, now()).await.unwrap(),
            _ => assert_eq!(self.list(KeyQuery::new().search("nobody")).await, 0),
        }
    }

    async fn list(&self, query: KeyQuery<KeyRecord>) -> usize {
        self.store.list(&query, now()).await.unwrap().keys.len()
    }
}

fn prefix(number: u32) -> String {
    format!("k{number:07}")
}

fn now() -> Timestamp {
    SystemClock::default().now()
}

/// Measures all operations on both tables in turn, and prints the medians.
async fn measure(database: &str, few: &Table, many: &Table) {
    for (operation, rounds, bar) in OPERATIONS {
        let mut times = [const { Vec::new() }; 2];
        for round in 0..rounds {
            for (table, times) in [few, many].into_iter().zip(&mut times) {
                let start = Instant::now();
                table.run(operation, round).await;
                times.push(start.elapsed());
            }
        }
        let [few, many] = times.map(|mut times| {
            times.sort_unstable();
            times[times.len() / 2]
        });
        print(database, operation, few, many, &bar);
    }
}

fn print(database: &str, operation: &str, few: Duration, many: Duration, bar: &Bar) {
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    let (bar, is_kept) = match bar {
        Bar::Ratio(most) => (format!("ratio at most {most}"), ratio <= *most),
        Bar::Many(most) => (format!("at most {} µs", most.as_micros()), many <= *most),
        Bar::None => (String::new(), true),
    };
    let verdict = if is_kept { "" } else { ": missed" };
    let (few, many) = (few.as_micros(), many.as_micros());
    println!("{database:<12}{operation:<20}{few:>8} µs{many:>9} µs{ratio:>9.2}   {bar}{verdict}");
}

async fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = Vec::new();
    for rows in [FEW, MANY] {
        println!("==> SQLite: {rows} keys");
        let path = folder.path().join(format!("{rows}.db")).display().to_string();
        let url = format!("sqlite://{path}");
        DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
        let time = "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 1600000000 + i, 'unixepoch')";
        let mut conn = SqliteConnection::establish(&path).unwrap();
        conn.batch_execute(&fill(rows, "printf('k%07d', i)", time)).unwrap();
        tables.push(Table::open(&url, rows).await);
    }
    measure("SQLite", &tables[0], &tables[1]).await;
}

async fn postgres(admin: &str) {
    let mut tables = Vec::new();
    for rows in [FEW, MANY] {
        println!("==> PostgreSQL: {rows} keys");
        let (name, url) = database(admin, rows);
        run_postgres(admin, &format!("CREATE DATABASE {name}")).await;
        DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
        let time = "timestamp '2020-09-13' + i * interval '1 second'";
        run_postgres(&url, &fill(rows, "'k' || lpad(i::text, 7, '0')", time)).await;
        run_postgres(&url, "VACUUM ANALYZE api_keys").await;
        tables.push(Table::open(&url, rows).await);
    }
    measure("PostgreSQL", &tables[0], &tables[1]).await;
    for rows in [FEW, MANY] {
        let (name, _) = database(admin, rows);
        run_postgres(admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }
}

async fn mysql(admin: &str) {
    let mut tables = Vec::new();
    for rows in [FEW, MANY] {
        println!("==> MySQL: {rows} keys");
        let (name, url) = database(admin, rows);
        run_mysql(admin, &format!("CREATE DATABASE {name}")).await;
        DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
        let time = "TIMESTAMPADD(SECOND, i, '2020-09-13')";
        run_mysql(&url, &fill(rows, "CONCAT('k', LPAD(i, 7, '0'))", time)).await;
        run_mysql(&url, "ANALYZE TABLE api_keys").await;
        tables.push(Table::open(&url, rows).await);
    }
    measure("MySQL", &tables[0], &tables[1]).await;
    for rows in [FEW, MANY] {
        run_mysql(admin, &format!("DROP DATABASE {}", database(admin, rows).0)).await;
    }
}

/// A name for a new database on a server, and its URL.
fn database(admin: &str, rows: u32) -> (String, String) {
    let name = format!("apikey_bench_{}_{rows}", process::id());
    let url = format!("{}/{name}", admin.rsplit_once('/').unwrap().0);
    (name, url)
}

#[tokio::main]
async fn main() {
    println!("{:<32}{:>11}{:>12}{:>9}   bar", "median", "1 k keys", "1 M keys", "ratio");
    sqlite().await;
    match env::var("APIKEY_TEST_POSTGRES_URL") {
        Ok(url) => postgres(&url).await,
        Err(_) => println!("PostgreSQL: APIKEY_TEST_POSTGRES_URL is not set"),
    }
    match env::var("APIKEY_TEST_MYSQL_URL") {
        Ok(url) => mysql(&url).await,
        Err(_) => println!("MySQL: APIKEY_TEST_MYSQL_URL is not set"),
    }
}
