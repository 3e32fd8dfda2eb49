//! The table of refusals, and the comparison of a response with it.

use super::client::RawResponse;
use super::stage::Texts;

/// One row: everything that a client hears.
pub(crate) struct Refusal {
    pub(crate) slug: &'static str,
    status: u16,
    title: &'static str,
    detail: &'static str,
    /// What may stand in its place, where more is known of the request.
    details: &'static [&'static str],
    /// What `WWW-Authenticate` adds to the challenge; `None`: there is no such header.
    challenge: Option<&'static str>,
    /// The words for it in the log.
    pub(crate) reasons: &'static [&'static str],
}

/// What is said where nothing was sent, and there alone.
pub(crate) const NONE_WAS_SENT: &str = "No API key was sent with the request.";

const REFUSALS: [Refusal; 8] = [
    Refusal {
        slug: "missing-api-key",
        status: 401,
        title: "API key required",
        detail: NONE_WAS_SENT,
        details: &[
            "The Authorization header holds no API key: its scheme is not Api-Key.",
            "The Authorization header holds no API key: its scheme is not Bearer.",
            "The Authorization header holds no API key: its bearer token does not begin like one of this service.",
        ],
        challenge: Some(""),
        // A line that is not UTF-8 is not read, or not even seen.
        reasons: &["missing", "unreadable"],
    },
    Refusal {
        slug: "invalid-api-key",
        status: 401,
        title: "Invalid API key",
        detail: "The API key is malformed, unknown or no longer valid.",
        details: &[],
        challenge: Some(r#", error="invalid_token""#),
        reasons: &[
            "too_long",
            "malformed",
            "checksum",
            "unknown_prefix",
            "wrong_secret",
            "revoked",
            "disabled",
            "owner_not_usable",
            "bad_stored_hash",
            "unreadable_row",
        ],
    },
    Refusal {
        slug: "expired-api-key",
        status: 401,
        title: "Expired API key",
        detail: "The API key has expired.",
        details: &[],
        challenge: Some(r#", error="invalid_token""#),
        reasons: &["expired"],
    },
    Refusal {
        slug: "multiple-api-keys",
        status: 400,
        title: "More than one API key",
        detail: "More than one API key was sent with the request; send exactly one.",
        details: &[
            "More than one API key was sent with the request, and one of them is empty; send exactly one.",
        ],
        challenge: Some(r#", error="invalid_request""#),
        reasons: &["multiple"],
    },
    Refusal {
        slug: "insufficient-scope",
        status: 403,
        title: "Insufficient scope",
        detail: "The API key lacks a scope that this request needs: {scope}.",
        details: &[],
        challenge: Some(r#", error="insufficient_scope", scope="{scope}""#),
        reasons: &["insufficient_scope"],
    },
    Refusal {
        slug: "forbidden",
        status: 403,
        title: "Forbidden",
        detail: "The API key is not allowed to do this.",
        details: &[],
        challenge: None,
        reasons: &["forbidden"],
    },
    Refusal {
        slug: "unavailable",
        status: 503,
        title: "API keys cannot be verified now",
        detail: "The API key could not be verified; try again later.",
        details: &[],
        challenge: None,
        reasons: &["store_unavailable", "hash_queue_full", "hasher_not_configured"],
    },
    Refusal {
        slug: "not-configured",
        status: 500,
        title: "API keys are not configured",
        detail: "The service cannot verify API keys here.",
        details: &[],
        challenge: None,
        reasons: &["not_configured"],
    },
];

/// Returns the row with this slug.
pub(crate) fn refusal(slug: &str) -> &'static Refusal {
    let row = REFUSALS.iter().find(|row| row.slug == slug);
    row.unwrap_or_else(|| panic!("the table has no row {slug}"))
}

impl Refusal {
    /// Returns in what the response differs from this row.
    ///
    /// `challenge` is how the handle's locations are named, `scope` the scope that is lacking.
    pub(crate) fn faults(
        &self,
        response: &RawResponse,
        challenge: &str,
        scope: &str,
        is_head: bool,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let mut expect = |what: &str, is: String, expected: String| {
            if is != expected {
                faults.push(format!("{what} is {is}, and should be {expected}"));
            }
        };
        let line = |name: &str| format!("{:?}", response.all(name));
        let one = |value: &str| format!("{:?}", [value]);
        let none = || "[]".to_owned();
        expect("the status", response.status.to_string(), self.status.to_string());
        expect("content-type", line("content-type"), one("application/problem+json"));
        expect("cache-control", line("cache-control"), one("no-store"));
        let authenticate = self.challenge.map(|adds| format!("{challenge}{adds}"));
        let authenticate = authenticate.map(|value| one(&value.replace("{scope}", scope)));
        let authenticate = authenticate.unwrap_or_else(none);
        expect("www-authenticate", line("www-authenticate"), authenticate);
        let retry_after = if self.status == 503 { one("1") } else { none() };
        expect("retry-after", line("retry-after"), retry_after);
        let body = |detail| if is_head { String::new() } else { self.body(detail, scope) };
        let is = response.text();
        if !self.details.iter().any(|detail| is == body(detail)) {
            expect("the body", is, body(self.detail));
        }
        faults
    }

    fn body(&self, detail: &str, scope: &str) -> String {
        let Self { slug, status, title, .. } = self;
        let detail = detail.replace("{scope}", scope);
        format!(
            r#"{{"type":"urn:apikey:problem:{slug}","title":"{title}","status":{status},"detail":"{detail}"}}"#
        )
    }
}

/// Fails unless the response is this refusal, for a handle with the default location.
#[track_caller]
pub(crate) fn assert_refused(response: &RawResponse, slug: &str, promise: &str) {
    let faults = refusal(slug).faults(response, DEFAULT_CHALLENGE, "", false);
    assert!(faults.is_empty(), "{promise}:\n{}", faults.join("\n"));
}

/// How `WWW-Authenticate` names the default location.
pub(crate) const DEFAULT_CHALLENGE: &str = r#"Api-Key realm="api""#;

/// Says which secret is among the bytes, by the name of its text: it is not printed itself.
pub(crate) fn leaks(bytes: &[u8], texts: &Texts) -> Option<String> {
    let holds = |secret: &str| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    let leak = texts.secrets().find(|(_, secret)| holds(secret));
    leak.map(|(name, _)| format!("it holds the secret of {{{name}}}"))
}
