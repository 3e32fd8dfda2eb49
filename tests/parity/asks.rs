//! The requests: every way to carry a key, combined with every way to get it wrong.

use crate::ask::{Ask, Carrier};

/// Every route of the standard application, and paths that there are not.
const PATHS: [&str; 14] = [
    "/public",
    "/protected",
    "/reports",
    "/admin/secrets",
    "/either",
    "/both",
    "/optional",
    "/other",
    "/internal",
    "/unconfigured",
    "/nowhere",
    "/reports/nowhere",
    "/admin",
    "/",
];

const GUARDED: [&str; 6] =
    ["/protected", "/reports", "/admin/secrets", "/either", "/both", "/optional"];

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

const STATES: [&str; 10] = [
    "good",
    "no_scopes",
    "admin",
    "revoked",
    "disabled",
    "expired",
    "wrong",
    "revoked_wrong",
    "unknown",
    "unavailable",
];

/// Credentials that are no keys, or keys that suffered on the way.
const MALFORMED: [&str; 17] = [
    "",
    ".",
    "_",
    "x",
    "null",
    "{good}x",
    "x{good}",
    "{good}.",
    "{upper}",
    "{short}",
    "{hash}",
    "\"{good}\"",
    "{good},{good}",
    "{good};",
    "é",
    r"{good}\xff",
    "%00",
];

/// What may stand between a field's name and its end, for a key that stands in a header.
const SPACES: [(&str, &str); 8] = [
    ("", ""),
    (" ", ""),
    ("\t", ""),
    ("", " "),
    ("", "\t"),
    (" \t ", " \t "),
    ("  ", "  "),
    ("", ","),
];

/// Returns the requests for a handle with these ways to carry a key. The first is its main one;
/// `spellings` are others for the same, right or not.
pub(crate) fn all(carriers: &[Carrier], spellings: &[Carrier]) -> Vec<Ask> {
    let main = carriers[0];
    [
        states(carriers),
        malformed(carriers),
        spelled(spellings),
        spaced(carriers),
        several(carriers),
        methods(main),
        odd_paths(main),
        odd_heads(),
    ]
    .concat()
}

/// A key in every state, on every guarded path.
pub(crate) fn states(carriers: &[Carrier]) -> Vec<Ask> {
    let mut asks = Vec::new();
    for &carrier in carriers {
        for state in STATES {
            asks.extend(GUARDED.map(|path| Ask::get(path).by(carrier, &format!("{{{state}}}"))));
        }
    }
    asks
}

fn malformed(carriers: &[Carrier]) -> Vec<Ask> {
    let long = [300, 9_000].map(|length| "a".repeat(length));
    let credentials = MALFORMED.into_iter().chain(long.iter().map(String::as_str));
    credentials
        .flat_map(|text| carriers.iter().map(move |&carrier| (carrier, text)))
        // A byte that is not UTF-8 is not valid in a path: the heads that are not valid have a list.
        .filter(|(carrier, text)| matches!(carrier, Carrier::Header(..)) || text.is_ascii())
        .filter(|(carrier, text)| !(matches!(carrier, Carrier::Query(_)) && text.contains(r"\xff")))
        .flat_map(|(carrier, text)| {
            ["/protected", "/reports", "/optional"].map(|path| Ask::get(path).by(carrier, text))
        })
        .collect()
}

fn spelled(spellings: &[Carrier]) -> Vec<Ask> {
    let mut asks = Vec::new();
    for &spelling in spellings {
        for key in ["{good}", "{wrong}", ""] {
            asks.extend(["/protected", "/reports"].map(|path| Ask::get(path).by(spelling, key)));
        }
    }
    asks
}

fn spaced(carriers: &[Carrier]) -> Vec<Ask> {
    let mut asks = Vec::new();
    for &carrier in carriers {
        let Carrier::Header(name, scheme) = carrier else {
            continue;
        };
        for (before, after) in SPACES {
            asks.push(
                Ask::get("/protected").header(name, format!("{before}{scheme}{{good}}{after}")),
            );
            asks.push(
                Ask::get("/reports").header(name, format!("{scheme}{before}{{good}}{after}")),
            );
        }
        asks.push(Ask::get("/protected").header(name, scheme.trim_end()));
        asks.push(Ask::get("/protected").header(name, format!("{}{{good}}", scheme.trim_end())));
        asks.push(Ask::get("/protected").header(name, format!("{scheme}{{good}} {{good}}")));
    }
    asks
}

/// Two credentials in one request, in every pair of places, and one beside what is not ours.
fn several(carriers: &[Carrier]) -> Vec<Ask> {
    let mut asks = Vec::new();
    for &one in carriers {
        for &other in carriers {
            for (a, b) in [
                ("{good}", "{good}"),
                ("{good}", "{second}"),
                ("{good}", "{wrong}"),
                ("{good}", ""),
            ] {
                asks.extend(GUARDED.map(|path| Ask::get(path).by(one, a).by(other, b)));
                asks.push(Ask::get("/reports").by(one, b).by(other, a));
            }
        }
        for foreign in ["Basic dXNlcjpwYXNz", "Bearer eyJhbGciOi.J9.e30", "", "{good}"] {
            asks.extend(
                GUARDED
                    .map(|path| Ask::get(path).by(one, "{good}").header("Authorization", foreign)),
            );
            asks.push(Ask::get("/protected").header("Authorization", foreign));
        }
    }
    asks
}

fn methods(carrier: Carrier) -> Vec<Ask> {
    let mut asks = Vec::new();
    for method in METHODS {
        for path in PATHS {
            let without = Ask::new(method, path);
            let keys =
                ["{good}", "{admin}", "{internal}", "{wrong}", "{both_handles}", "{unavailable}"];
            let with = keys.map(|key| without.clone().by(carrier, key));
            for ask in with.into_iter().chain([without]) {
                if ["/either", "/both", "/nowhere"].contains(&path) {
                    asks.push(ask.clone().header("Cookie", "session=demo"));
                    asks.push(ask.clone().header("Cookie", "session=other; a=b"));
                }
                asks.push(ask);
            }
        }
    }
    asks
}

/// Paths that resemble those of the application.
fn odd_paths(carrier: Carrier) -> Vec<Ask> {
    let paths = [
        "/reports/",
        "/reports//",
        "//reports",
        "/./reports",
        "/reports/../public",
        "/%72eports",
        "/reports%2Fnowhere",
        "/reportsandmore",
        "/Reports",
        "/reports?",
        "/reports?a=b&&c",
        "/protected/",
        "/public/",
        "/admin/secrets/",
        "/admin/secrets/nowhere",
        "http://localhost/protected",
        "http://localhost/reports",
    ];
    paths
        .into_iter()
        .flat_map(|path| {
            [Ask::get(path), Ask::get(path).by(carrier, "{good}"), Ask::new("OPTIONS", path)]
        })
        .collect()
}

/// Heads that the HTTP implementation answers itself, before any route.
fn odd_heads() -> Vec<Ask> {
    let many = |count: usize| {
        (0..count)
            .fold(Ask::get("/protected"), |ask, number| ask.header(&format!("x-{number}"), "1"))
    };
    vec![
        Ask::get("/pro tected"),
        Ask::get("protected"),
        Ask::get(format!("/{}", "a".repeat(70_000))),
        Ask::new("GE(T", "/protected"),
        Ask::new("BREW", "/protected"),
        Ask::new("BREW", "/reports"),
        Ask::new("get", "/protected"),
        Ask::new("OPTIONS", "*"),
        Ask::get("/protected").header("bad name", "1"),
        Ask::get("/protected").header("x-control", "a\u{1}b"),
        Ask::get("/protected").header("Content-Length", "x"),
        many(50),
        many(150),
    ]
}
