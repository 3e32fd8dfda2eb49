//! The table of requests and answers, `vectors/requests.json`, group by group.

use apikey_core::{KeyFormat, KeyLocation};
use serde_json::Value;

use super::Harness;
use super::answer::{NONE_WAS_SENT, leaks, refusal};
use super::client::{RawRequest, RawResponse};
use super::stage::{Stage, Texts, prefix_of};

const REQUESTS: &str = include_str!("../../vectors/requests.json");

/// Requests with and without an `Authorization` header get the answers of the table.
pub async fn answers_requests_with_authorization<H: Harness>() {
    answers_group::<H>(&["authorization:Api-Key"]).await;
}

/// So do requests where a header of its own is a second location.
pub async fn answers_requests_with_two_headers<H: Harness>() {
    answers_group::<H>(&["authorization:Api-Key", "header:X-Api-Key"]).await;
}

/// So do requests with bearer tokens, of which only those with our brand are keys.
pub async fn answers_requests_with_bearer_tokens<H: Harness>() {
    answers_group::<H>(&["bearer"]).await;
}

/// So do requests with the key in the query.
pub async fn answers_requests_with_a_query<H: Harness>() {
    answers_group::<H>(&["authorization:Api-Key", "query:api_key"]).await;
}

async fn answers_group<H: Harness>(locations: &[&str]) {
    let group = groups().into_iter().find(|group| group.locations == locations);
    let group = group.unwrap_or_else(|| panic!("the table has no group {locations:?}"));
    let stage = Stage::with(group.key_locations(), group.format()).await;
    let server = stage.serve::<H>().await;
    let mut faults = Vec::new();
    for case in &group.cases {
        let response = server.send(&case.request(&stage.texts)).await;
        for fault in case.faults(&response, &stage.texts, group.challenge()) {
            faults.push(format!("{}: {fault}", case.name));
        }
    }
    assert!(!group.cases.is_empty(), "the group {locations:?} has cases");
    assert!(faults.is_empty(), "of the table for {locations:?}:\n{}", faults.join("\n"));
}

/// The cases of one setting.
pub(crate) struct Group {
    locations: Vec<String>,
    formats: Vec<String>,
    pub(crate) cases: Vec<Case>,
}

/// One request and its answer.
pub(crate) struct Case {
    pub(crate) name: String,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    status: u16,
    pub(crate) slug: Option<String>,
    scope: String,
}

/// Reads the table.
pub(crate) fn groups() -> Vec<Group> {
    let table: Value = serde_json::from_str(REQUESTS).expect("the table is JSON");
    let strings = |value: &Value| list(value).iter().map(text).collect();
    list(&table["groups"])
        .iter()
        .map(|group| Group {
            locations: strings(&group["locations"]),
            formats: strings(&group["formats"]),
            cases: list(&group["cases"]).iter().map(Case::read).collect(),
        })
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).expect("it is a list")
}

fn text(value: &Value) -> String {
    value.as_str().expect("it is a text").to_owned()
}

impl Group {
    pub(crate) fn key_locations(&self) -> Vec<KeyLocation> {
        let location = |name: &String| match name.split_once(':') {
            Some(("authorization", scheme)) => KeyLocation::authorization(scheme),
            Some(("header", name)) => KeyLocation::header(name),
            Some(("query", name)) => KeyLocation::query(name),
            _ if name == "bearer" => KeyLocation::bearer(),
            _ => panic!("the suite does not know the location {name}"),
        };
        self.locations.iter().map(location).collect()
    }

    pub(crate) fn format(&self) -> KeyFormat {
        let [format] = self.formats.as_slice() else {
            panic!("a group has one format");
        };
        match format.split_once(':') {
            Some(("branded", brand)) => KeyFormat::branded(brand).expect("it is a brand"),
            _ if format == "default" => KeyFormat::default(),
            _ => panic!("the suite does not know the format {format}"),
        }
    }

    pub(crate) fn challenge(&self) -> &'static str {
        if self.locations == ["bearer"] {
            r#"Bearer realm="api""#
        } else {
            super::answer::DEFAULT_CHALLENGE
        }
    }
}

impl Case {
    fn read(case: &Value) -> Self {
        let or = |name: &str, default: &str| case[name].as_str().unwrap_or(default).to_owned();
        let header = |pair: &Value| (text(&pair[0]), text(&pair[1]));
        Self {
            name: text(&case["name"]),
            method: or("method", "GET"),
            path: or("path", "/protected"),
            headers: list(&case["headers"]).iter().map(header).collect(),
            status: case["status"].as_u64().and_then(|n| u16::try_from(n).ok()).expect("a status"),
            slug: case["type"].as_str().map(str::to_owned),
            scope: or("scope", ""),
        }
    }

    pub(crate) fn request(&self, texts: &Texts) -> RawRequest {
        let path = String::from_utf8(fill(&self.path, texts)).expect("a path is text");
        let mut request = RawRequest::new(&self.method, &path);
        for (name, value) in &self.headers {
            request = request.header(name, fill(value, texts));
        }
        request
    }

    /// Returns in what a response differs from the table.
    pub(crate) fn faults(
        &self,
        response: &RawResponse,
        texts: &Texts,
        challenge: &str,
    ) -> Vec<String> {
        let is_head = self.method == "HEAD";
        let mut faults = match &self.slug {
            Some(slug) => refusal(slug).faults(response, challenge, &self.scope, is_head),
            None => Vec::new(),
        };
        if response.status != self.status {
            faults.insert(
                0,
                format!("the answer is {}, and should be {}", response.status, self.status),
            );
        }
        faults.extend(leaks(&response.raw, texts));
        faults.extend(self.body_fault(response, texts));
        faults.extend(self.absence_fault(response));
        faults
    }

    /// "None was sent" is said only where none was. A line that is not UTF-8 counts as not sent.
    fn absence_fault(&self, response: &RawResponse) -> Option<String> {
        let sent = |(name, value): &(String, String)| {
            name.eq_ignore_ascii_case("authorization")
                && !value.is_empty()
                && !value.contains(r"\xff")
        };
        let says_none = response.text().contains(NONE_WAS_SENT);
        let is_missing = self.slug.as_deref() == Some("missing-api-key");
        let was_sent = self.headers.iter().any(sent);
        (is_missing && says_none == was_sent)
            .then(|| format!("whether something was sent is told wrongly: {}", response.text()))
    }

    /// Judges the bodies that are no problems.
    fn body_fault(&self, response: &RawResponse, texts: &Texts) -> Option<String> {
        let key = texts.get("key").unwrap_or_default();
        let path = self.path.split('?').next().unwrap_or_default();
        let expected = match (self.status, path) {
            _ if self.method == "HEAD" => String::new(),
            (200, "/protected" | "/reports") => {
                let prefix = prefix_of(key);
                format!(r#"{{"name":"good","prefix":"{prefix}","scopes":["reports:read"]}}"#)
            }
            (404 | 405, _) => String::new(),
            _ => return None,
        };
        let is = response.text();
        (is != expected).then(|| format!("the body is {is}, and should be {expected}"))
    }
}

/// Fills in keys for `{names}`, `{a*N}` and `\xff`.
fn fill(template: &str, texts: &Texts) -> Vec<u8> {
    let mut filled = Vec::new();
    let mut rest = template;
    while let Some(character) = rest.chars().next() {
        let name = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        if let Some((name, after)) = name {
            filled.extend(filling(name, texts).into_bytes());
            rest = after;
        } else if let Some(after) = rest.strip_prefix(r"\xff") {
            filled.push(0xff);
            rest = after;
        } else {
            let (character, after) = rest.split_at(character.len_utf8());
            filled.extend(character.bytes());
            rest = after;
        }
    }
    filled
}

fn filling(name: &str, texts: &Texts) -> String {
    if let Some((letter, times)) = name.split_once('*') {
        return letter.repeat(times.parse().expect("a number of letters"));
    }
    texts.get(name).unwrap_or_else(|| panic!("the suite does not know {{{name}}}")).to_owned()
}
