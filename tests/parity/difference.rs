//! What the frameworks force to differ, with the reasons.

use How::{Alone, Statuses};

use crate::ask::Ask;

/// One difference.
pub(crate) struct Difference {
    pub(crate) requests: fn(&Ask) -> bool,
    pub(crate) how: How,
    pub(crate) reason: &'static str,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum How {
    /// The statuses are these, in the order of `FRAMEWORKS`; the other parts follow from them.
    Statuses([u16; 3]),
    /// The statuses are equal, and the framework of this number alone has this value in this part.
    Alone(usize, &'static str, &'static str),
}

const AXUM: usize = 0;

const BELOW: &str = "Axum: a nested router does not include the path with a trailing slash";
const ENCODED: &str = "Axum compares paths as they were sent, the others decode them first";
const EMPTY: &str = "Actix counts an empty segment at the end, the others do not";
const EMPTY_FIRST: &str = "Rocket ignores empty segments";
const SLASH: &str = "Rocket ignores a slash at the end";
const MOUNT: &str = "Rocket: what `require` guards is a mount, which is a subtree";
const PATTERN: &str = "Axum asks the routes around before the fallback of a nested router, so that a pattern among \
                       them is open; on Rocket it answers behind the guard; on Actix the subtree answers alone";
const BESIDE: &str =
    "Rocket: `require` guards every path below, also of a route that is mounted elsewhere";
const METHOD: &str = "Rocket's HTTP layer refuses methods that it does not know";
const ORIGIN: &str = "Rocket's HTTP layer refuses a target without a slash";
const NO_TEXT: &str = "Rocket drops a header line that is not UTF-8 before any guard runs, so that the request has no \
                       key; the others see it, and an optional key is then a bad one";
const LONG: &str = "Actix has no 414";

pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        requests: |ask| {
            let guarded =
                ["/reports", "/admin/secrets", "/internal", "/other", "/archive", "/archive/one"];
            guarded.iter().any(|path| ask.is(path)) && !["GET", "HEAD"].contains(&ask.method)
        },
        how: Alone(AXUM, "allow", "GET,HEAD"),
        reason: "Axum's method router adds `Allow` to whatever answers where no method matched",
    },
    row(|ask| ask.is("/optional") && ask.has_a_line_that_is_no_text(), [401, 401, 200], NO_TEXT),
    row(|ask| ask.path == "/reports/", [404, 401, 401], BELOW),
    row(|ask| ask.is("/reports/"), [404, 404, 200], BELOW),
    row(|ask| ask.path == "/%72eports", [404, 401, 401], ENCODED),
    row(|ask| ask.is("/%72eports"), [404, 200, 200], ENCODED),
    row(|ask| ask.is("/reports//"), [200, 404, 200], EMPTY),
    row(|ask| ask.is("//reports"), [404, 404, 200], EMPTY_FIRST),
    row(|ask| ask.is("//reports"), [404, 404, 401], EMPTY_FIRST),
    row(|ask| ask.is("/public/") || ask.is("/protected/"), [404, 404, 200], SLASH),
    row(|ask| ask.is("/protected/"), [404, 404, 401], SLASH),
    row(|ask| ask.is("/public/") || ask.is("/protected/"), [404, 404, 405], SLASH),
    row(|ask| ask.is_under("/admin/secrets"), [404, 404, 401], MOUNT),
    row(|ask| ask.is_under("/admin/secrets"), [404, 404, 403], MOUNT),
    row(|ask| ask.is("/archive/nowhere"), [200, 404, 200], PATTERN),
    row(|ask| ask.is("/archive/nowhere"), [200, 401, 401], PATTERN),
    row(|ask| ask.is("/archive/nowhere"), [200, 403, 403], PATTERN),
    row(|ask| ask.is("/archive/nowhere"), [405, 404, 405], PATTERN),
    row(|ask| ask.is("/archive/nowhere"), [405, 401, 401], PATTERN),
    row(|ask| ask.is("/archive/nowhere"), [405, 403, 403], PATTERN),
    row(|ask| ask.is("/archive/beside"), [200, 200, 401], BESIDE),
    row(|ask| ask.is("/archive/beside"), [200, 200, 403], BESIDE),
    row(|ask| ask.is("/archive/beside"), [405, 405, 401], BESIDE),
    row(|ask| ask.is("/archive/beside"), [405, 405, 403], BESIDE),
    row(|ask| ["BREW", "get"].contains(&ask.method), [405, 405, 400], METHOD),
    row(|ask| ask.method == "BREW", [401, 401, 400], METHOD),
    row(|ask| ask.is("protected"), [404, 404, 400], ORIGIN),
    row(|ask| ask.path.len() > 65_534, [414, 400, 414], LONG),
];

const fn row(requests: fn(&Ask) -> bool, statuses: [u16; 3], reason: &'static str) -> Difference {
    Difference { requests, how: Statuses(statuses), reason }
}
