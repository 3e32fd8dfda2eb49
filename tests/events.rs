//! The table of events in `docs/operations.md`: what the core logs, by level, message and fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The fields of each event, by level and message.
type Events = BTreeMap<(String, String), BTreeSet<String>>;

fn read(path: &str) -> String {
    fs::read_to_string(format!("{ROOT}/{path}")).unwrap()
}

/// Reads them from the calls `tracing::level!(field, .., "message")`.
fn logged(code: &str) -> Events {
    let mut events = Events::new();
    let (code, _) = code.split_once("#[cfg(test)]").unwrap_or((code, ""));
    for call in code.split("tracing::").skip(1) {
        let Some((level, rest)) = call.split_once("!(") else { continue };
        let (fields, rest) = rest.split_once('"').unwrap();
        let (message, _) = rest.split_once('"').unwrap();
        // A text goes on behind a backslash at the end of a line.
        let message: String = message.split("\\\n").map(str::trim_start).collect();
        let fields =
            fields.split(',').map(|field| field.split('=').next().unwrap_or_default().trim());
        let fields = fields.filter(|field| !field.is_empty()).map(str::to_owned);
        events.entry((level.to_owned(), message)).or_default().extend(fields);
    }
    events
}

/// Reads them from the rows of the table; what stands behind ` = ` is the value of a field.
fn tabled(page: &str) -> Events {
    let mut events = Events::new();
    let (_, table) = page.split_once("| Level | Message | Fields |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let mut fields = BTreeSet::new();
        let mut parts = cells[2].split('`');
        let mut before = parts.next().unwrap_or_default();
        while let (Some(field), after) = (parts.next(), parts.next().unwrap_or_default()) {
            if !before.ends_with("= ") {
                fields.insert(field.to_owned());
            }
            before = after;
        }
        let event = (cells[0].trim_matches('`').to_owned(), cells[1].to_owned());
        events.entry(event).or_default().extend(fields);
    }
    events
}

/// Whether a row is about an event. It may leave out the end of a long message.
fn is_about(row: &(String, String), event: &(String, String)) -> bool {
    let is_same = match row.1.strip_suffix(" …") {
        Some(beginning) => event.1.starts_with(beginning),
        None => event.1 == row.1,
    };
    row.0 == event.0 && is_same
}

#[test]
fn the_page_names_what_is_logged() {
    let logged = logged(&read("crates/apikey-core/src/event.rs"));
    let tabled = tabled(&read("docs/operations.md"));
    assert!(logged.len() > 8, "the events were not found");
    for (event, fields) in &logged {
        let rows = tabled.iter().filter(|(row, _)| is_about(row, event));
        let named: BTreeSet<_> = rows.flat_map(|(_, fields)| fields.clone()).collect();
        let unnamed: Vec<_> = fields.difference(&named).collect();
        assert!(unnamed.is_empty(), "docs/operations.md does not name {unnamed:?} of {event:?}");
    }
    for row in tabled.keys() {
        let is_logged = logged.keys().any(|event| is_about(row, event));
        assert!(is_logged, "docs/operations.md: nobody logs {row:?}");
    }
}

#[test]
fn reads_calls_and_rows() {
    let event = ("warn".to_owned(), "a change".to_owned());
    let fields = BTreeSet::from(["error".to_owned(), "prefix".to_owned()]);
    let expected = Events::from([(event, fields)]);
    let code = "fn it() {\n    tracing::warn!(\n        prefix,\n        error = %error,\n        \"a \\\n         change\"\n    );\n}\n";
    assert_eq!(logged(code), expected);
    let page = "| Level | Message | Fields |\n|---|---|---|\n| `warn` | a change | `prefix` = `x`, `error`; more |\n\n| `no` | row | |\n";
    assert_eq!(tabled(page), expected);
}
