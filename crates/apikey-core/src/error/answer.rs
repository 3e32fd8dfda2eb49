//! The texts of the answers: a row for each case, and what a detail may say instead.

/// One row of the table.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) slug: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: &'static str,
    pub(super) challenge: Challenge,
}

/// What `WWW-Authenticate` says.
#[derive(Clone, Copy)]
pub(super) enum Challenge {
    /// There is no such header.
    None,
    /// How to authenticate.
    Plain,
    /// That, and an error code of RFC 6750, section 3.1.
    Error(&'static str),
}

pub(super) const MISSING: Answer = Answer {
    status: 401,
    slug: "missing-api-key",
    title: "API key required",
    detail: "No API key was sent with the request.",
    challenge: Challenge::Plain,
};
pub(super) const INVALID: Answer = Answer {
    status: 401,
    slug: "invalid-api-key",
    title: "Invalid API key",
    detail: "The API key is malformed, unknown or no longer valid.",
    challenge: Challenge::Error("invalid_token"),
};
pub(super) const EXPIRED: Answer = Answer {
    status: 401,
    slug: "expired-api-key",
    title: "Expired API key",
    detail: "The API key has expired.",
    challenge: Challenge::Error("invalid_token"),
};
pub(super) const MULTIPLE: Answer = Answer {
    status: 400,
    slug: "multiple-api-keys",
    title: "More than one API key",
    detail: "More than one API key was sent with the request; send exactly one.",
    challenge: Challenge::Error("invalid_request"),
};
pub(super) const INSUFFICIENT_SCOPE: Answer = Answer {
    status: 403,
    slug: "insufficient-scope",
    title: "Insufficient scope",
    detail: "The API key lacks a scope that this request needs: ",
    challenge: Challenge::Error("insufficient_scope"),
};
pub(super) const FORBIDDEN: Answer = Answer {
    status: 403,
    slug: "forbidden",
    title: "Forbidden",
    detail: "The API key is not allowed to do this.",
    challenge: Challenge::None,
};
pub(super) const UNAVAILABLE: Answer = Answer {
    status: 503,
    slug: "unavailable",
    title: "API keys cannot be verified now",
    detail: "The API key could not be verified; try again later.",
    challenge: Challenge::None,
};
pub(super) const NOT_CONFIGURED: Answer = Answer {
    status: 500,
    slug: "not-configured",
    title: "API keys are not configured",
    detail: "The service cannot verify API keys here.",
    challenge: Challenge::None,
};

// What the detail says where more is known of the request.

/// The schemes and a full stop follow.
pub(super) const OTHER_SCHEME: &str =
    "The Authorization header holds no API key: its scheme is not ";
pub(super) const OTHER_TOKEN: &str = "The Authorization header holds no API key: its bearer token \
                                      does not begin like one of this service.";
pub(super) const OTHER_HEADER: &str = "No API key was sent where this service looks for one; it \
                                       does not look at the Authorization header.";
pub(super) const EMPTY_BESIDE: &str = "More than one API key was sent with the request, and one of \
                                       them is empty; send exactly one.";
