//! The search for the one credential of a request, or for why there is none.

use std::cell::Cell;
use std::fmt::Write;

use super::{AUTHORIZATION, BASIC, BEARER, Claim, KeyLocation, Place, RequestHead, basic};
use crate::key::PresentedKey;
use crate::key::format::Formats;

/// What a request carries.
pub(crate) enum Credentials {
    None(Absence),
    /// One credential, at the location of this number.
    One(usize),
    Several {
        one_is_empty: bool,
    },
}

/// What a request carries instead of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    Nothing,
    /// An `Authorization` with another scheme than that of any location.
    OtherScheme,
    /// A bearer token that does not begin with a brand.
    OtherToken,
    /// An `Authorization`, which no location reads.
    OtherHeader,
    /// A line where a key belongs that is not UTF-8.
    Unreadable,
}

/// What is seen at a location.
enum Seen<'a> {
    Credential(&'a [u8]),
    /// Beside an `Authorization` line with a credential, one that is not ours.
    Foreign,
    /// A credential that is not UTF-8, which counts as not sent.
    Unreadable,
}

/// Looks at all locations, so that a second credential is never overlooked, and copies the first
/// credential into `key`.
pub(crate) fn find(
    locations: &[KeyLocation],
    formats: &Formats,
    head: &dyn RequestHead,
    key: &mut PresentedKey,
) -> Credentials {
    let (mut first, mut several, mut empty, mut unreadable) = (None, false, false, false);
    for (number, location) in locations.iter().enumerate() {
        each_seen(location, head, formats, &mut |seen| {
            match seen {
                Seen::Unreadable => {
                    unreadable = true;
                    return;
                }
                Seen::Foreign => {}
                Seen::Credential(credential) => {
                    empty |= credential.is_empty();
                    if first.is_none() {
                        key.set(credential);
                    }
                }
            }
            several |= first.is_some();
            first.get_or_insert(number);
        });
    }
    match first {
        None if unreadable => Credentials::None(Absence::Unreadable),
        None => Credentials::None(absence(locations, head)),
        Some(_) if several => Credentials::Several { one_is_empty: empty },
        Some(number) => Credentials::One(number),
    }
}

/// Names the places of the credentials, of which there are several: for the log.
pub(crate) fn places(
    locations: &[KeyLocation],
    formats: &Formats,
    head: &dyn RequestHead,
) -> String {
    const MOST: usize = 4;
    let (mut places, mut count) = (String::new(), 0);
    for location in locations {
        each_seen(location, head, formats, &mut |seen| {
            let note = match seen {
                Seen::Credential([]) => " (empty)",
                Seen::Credential(_) => "",
                Seen::Foreign => " (another scheme)",
                Seen::Unreadable => return,
            };
            count += 1;
            if count <= MOST {
                let separator = if places.is_empty() { "" } else { "; " };
                // Writing to a string does not fail.
                let _ = write!(places, "{separator}{:?}{note}", location.0);
            }
        });
    }
    if count > MOST {
        places.push_str("; \u{2026}");
    }
    places
}

/// Looks at what is there instead of a key.
fn absence(locations: &[KeyLocation], head: &dyn RequestHead) -> Absence {
    let mut absence = Absence::Nothing;
    each_line(head, AUTHORIZATION, &mut |line| {
        if absence == Absence::Nothing && line.is_some_and(|line| !line.is_empty()) {
            absence = Absence::of(locations, line.unwrap_or_default());
        }
    });
    absence
}

impl Absence {
    /// Judges an `Authorization` line that is not ours.
    fn of(locations: &[KeyLocation], line: &[u8]) -> Self {
        let mut schemes = locations.iter().filter_map(KeyLocation::scheme).peekable();
        if schemes.peek().is_none() {
            Self::OtherHeader
        } else if schemes.any(|scheme| after_scheme(line, scheme).is_some()) {
            Self::OtherToken
        } else {
            Self::OtherScheme
        }
    }

    /// Returns a word for the log.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::OtherScheme => "other_scheme",
            Self::OtherToken => "other_token",
            Self::OtherHeader => "other_header",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Calls `see` with each credential at a location.
fn each_seen(
    location: &KeyLocation,
    head: &dyn RequestHead,
    formats: &Formats,
    see: &mut dyn FnMut(Seen<'_>),
) {
    match &location.0 {
        Place::Authorization { scheme } => {
            each_authorization(head, see, |line| after_scheme(line, scheme));
        }
        Place::Basic { user } => {
            let see_decoded = &mut |seen: Seen<'_>| match seen {
                Seen::Credential(encoded) => {
                    basic::decode(encoded, user.as_deref(), &mut |key| see(Seen::Credential(key)));
                }
                other => see(other),
            };
            each_authorization(head, see_decoded, |line| after_scheme(line, BASIC));
        }
        Place::Bearer { claim: Claim::All } => {
            each_authorization(head, see, |line| after_scheme(line, BEARER));
        }
        Place::Bearer { .. } => each_authorization(head, see, |line| {
            after_scheme(line, BEARER).filter(|token| has_brand(token, formats))
        }),
        Place::Header { name } => each_line(head, name, &mut |line| {
            see(line.map_or(Seen::Unreadable, Seen::Credential));
        }),
        Place::Query { name } => {
            let query = head.query().unwrap_or_default();
            form_urlencoded::parse(query.as_bytes())
                .filter(|(parameter, _)| parameter == name.as_str())
                .for_each(|(_, value)| see(Seen::Credential(value.as_bytes())));
        }
        Place::Own { find } => {
            let head = ValidLines { head, dropped: Cell::new(false) };
            find(&head, &mut |key| see(Seen::Credential(key)));
            if head.dropped.get() {
                see(Seen::Unreadable);
            }
        }
    }
}

/// A head without the header lines that are not UTF-8, which count as not sent.
struct ValidLines<'a> {
    head: &'a dyn RequestHead,
    /// Whether such a line stood in a header that was asked for: nobody knows whether it held a key.
    dropped: Cell<bool>,
}

impl RequestHead for ValidLines<'_> {
    fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        each_line(self.head, name, &mut |line| match line {
            Some(line) => each(line),
            None => self.dropped.set(true),
        });
    }

    fn query(&self) -> Option<&str> {
        self.head.query()
    }
}

/// Calls `each` with every line of a header, trimmed; with `None` for one that is not UTF-8.
fn each_line(head: &dyn RequestHead, name: &str, each: &mut dyn FnMut(Option<&[u8]>)) {
    head.header_lines(name, &mut |line| {
        each(std::str::from_utf8(line).is_ok().then(|| line.trim_ascii()));
    });
}

/// Reports the credentials among the `Authorization` lines; beside one of ours, a foreign line counts
/// as a second credential. A line that is not UTF-8 counts as neither.
fn each_authorization<F>(head: &dyn RequestHead, see: &mut dyn FnMut(Seen<'_>), ours: F)
where
    F: for<'a> Fn(&'a [u8]) -> Option<&'a [u8]>,
{
    let (mut own, mut foreign) = (0, 0);
    head.header_lines(AUTHORIZATION, &mut |line| {
        let is_text = std::str::from_utf8(line).is_ok();
        match ours(line.trim_ascii()) {
            Some(_) if !is_text => see(Seen::Unreadable),
            Some(credential) => {
                own += 1;
                see(Seen::Credential(credential));
            }
            None => foreign += usize::from(is_text),
        }
    });
    if own > 0 && foreign > 0 {
        see(Seen::Foreign);
    }
}

/// Returns what follows the scheme and its spaces; empty if nothing does.
fn after_scheme<'a>(line: &'a [u8], scheme: &str) -> Option<&'a [u8]> {
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    let (own, rest) = line.split_at(end);
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    own.eq_ignore_ascii_case(scheme.as_bytes()).then(|| &rest[spaces..])
}

/// Whether the text begins with the brand of an accepted format.
pub(super) fn has_brand(token: &[u8], formats: &Formats) -> bool {
    formats.brands().flatten().any(|brand| {
        token.strip_prefix(brand.as_bytes()).is_some_and(|rest| rest.starts_with(b"_"))
    })
}
