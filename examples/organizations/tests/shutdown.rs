//! The service ends when a container is stopped, whatever its clients do, and writes the last uses before.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};

/// The process; it is killed when this is dropped.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(database: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_organizations"))
            .env("DATABASE", database)
            .env("PORT", "0") // any that is free
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = printed.next().unwrap().unwrap();
        let address = first.strip_prefix("Listening on http://").unwrap().to_owned();
        // What it prints later has to go somewhere.
        std::thread::spawn(move || printed.for_each(drop));
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    /// Sends a request, and returns the answer.
    fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = self.connect();
        let length = body.len();
        write!(
            stream,
            "{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(QueryableByName)]
struct LastUse {
    #[diesel(sql_type = Nullable<Text>)]
    last_used_at: Option<String>,
}

#[test]
fn a_request_that_never_ends_holds_up_neither_the_end_nor_the_last_uses() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("organizations.db");
    let mut service = Service::start(&database);
    let head = "POST /keys HTTP/1.1\r\nX-Demo-Member: ada\r\nContent-Type: application/json";
    let created = service.ask(head, r#"{"name":"ci","scopes":["reports:read"]}"#);
    let plaintext =
        created.split(r#""plaintext":""#).nth(1).and_then(|rest| rest.split('"').next());
    let authorization =
        format!("GET /reports HTTP/1.1\r\nAuthorization: Api-Key {}", plaintext.unwrap());
    assert!(service.ask(&authorization, "").starts_with("HTTP/1.1 200"));

    // Its body never comes. The answer to another request tells that it has been taken up.
    let mut endless = service.connect();
    write!(endless, "{head}\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{").unwrap();
    assert!(service.ask("GET /healthz HTTP/1.1", "").starts_with("HTTP/1.1 200"));

    let kill = format!("kill -TERM {}", service.child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    // It ends by itself, before anybody would kill it.
    assert!(service.child.wait().unwrap().success());

    let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    let uses = diesel::sql_query("SELECT last_used_at FROM organization_api_keys");
    let uses: Vec<LastUse> = uses.load(&mut connection).unwrap();
    assert!(uses.len() == 1 && uses[0].last_used_at.is_some());
}
