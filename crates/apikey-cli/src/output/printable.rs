//! What others wrote, made safe to look at: one rule for every format and for errors.
//!
//! Names are written by other programs and people, URLs and arguments by the environment, errors by databases.
//! Such a text may steer the terminal (escape sequences, their one-character forms C1 included), turn the order
//! of a line around (bidirectional controls) or hide what it says (characters of no width). An operator who
//! reads the wrong line revokes the wrong key, so these characters are shown by their numbers.

use std::fmt::Write;

/// The most accents that one letter may carry: fewer than cover the lines above and below.
const MOST_ACCENTS: usize = 6;

/// What is not seen, beside control characters: Unicode's formats and ignorables, its separators of lines and
/// paragraphs, and the blank that is no white space. Sorted. Names of new keys have none of them, but what joins
/// characters or makes emoji of them.
const UNSEEN: [(u32, u32); 26] = [
    (0x00ad, 0x00ad),
    (0x034f, 0x034f),
    (0x0600, 0x0605),
    (0x061c, 0x061c),
    (0x06dd, 0x06dd),
    (0x070f, 0x070f),
    (0x0890, 0x0891),
    (0x08e2, 0x08e2),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x1_10bd, 0x1_10bd),
    (0x1_10cd, 0x1_10cd),
    (0x1_3430, 0x1_343f),
    (0x1_bca0, 0x1_bca3),
    (0x1_d173, 0x1_d17a),
    (0xe_0000, 0xe_0fff),
];

/// Blocks of accents that stand above, below or around the letter before.
const ACCENTS: [(u32, u32); 5] =
    [(0x0300, 0x036f), (0x1ab0, 0x1aff), (0x1dc0, 0x1dff), (0x20d0, 0x20ff), (0xfe20, 0xfe2f)];

/// Writes text for a terminal and for one line: what does not show itself is written as `\n`, `\r`, `\t` or
/// by its number, as in `\u{202e}`.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // An accent at the start would go to whatever stands before.
    let (mut accents, mut before) = (MOST_ACCENTS, None);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let is_accent = !is_unseen(c) && is_within(&ACCENTS, c);
        let is_safe = if is_accent {
            accents < MOST_ACCENTS
        } else {
            !is_unseen(c) || joins(before, c, characters.peek().copied())
        };
        if is_safe {
            shown.push(c);
        } else {
            escape(&mut shown, c);
        }
        accents = if is_accent { accents + 1 } else { 0 };
        before = Some(c);
    }
    shown
}

/// Whether a character of no width changes how those beside it look, as within emoji and in scripts that join
/// letters: a joiner between two, or the choice of a variant after one.
fn joins(before: Option<char>, c: char, after: Option<char>) -> bool {
    let shows = |c: Option<char>| {
        let shows = |c: char| !c.is_ascii() && !c.is_whitespace() && !is_unseen(c);
        c.is_some_and(|c| shows(c) && !is_within(&ACCENTS, c))
    };
    match c {
        // A variant that was chosen may be joined to another.
        '\u{200c}' | '\u{200d}' => (shows(before) || before == Some('\u{fe0f}')) && shows(after),
        '\u{fe0e}' | '\u{fe0f}' => shows(before),
        _ => false,
    }
}

/// Writes JSON so that it is safe to look at: what does not show itself is escaped as JSON escapes it, so that
/// who reads it gets the same text. Outside of strings there is nothing of the kind but line breaks.
pub(super) fn printable_json(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unseen(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

fn is_unseen(c: char) -> bool {
    c.is_control() || is_within(&UNSEEN, c)
}

fn is_within(ranges: &[(u32, u32)], c: char) -> bool {
    let code = u32::from(c);
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&code))
}

fn escape(shown: &mut String, c: char) {
    match c {
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        '\t' => shown.push_str("\\t"),
        _ => shown.extend(c.escape_unicode()),
    }
}

#[cfg(test)]
mod tests {
    use apikey_core::{ApiKeys, ManageError};
    use futures::executor::block_on;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ranges_are_sorted_and_apart() {
        for ranges in [&UNSEEN[..], &ACCENTS] {
            assert!(ranges.iter().all(|(first, last)| first <= last));
            assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ranges:x?}");
        }
    }

    /// What the library lets into names of new keys is read as it is, but for the choice of a variant.
    #[test]
    fn no_new_key_has_a_name_that_is_shown_by_number() {
        let keys = ApiKeys::in_memory();
        for code in UNSEEN.iter().flat_map(|(first, last)| *first..=*last) {
            let c = char::from_u32(code).unwrap();
            let within: &[_] = match c {
                '\u{200c}' | '\u{200d}' => &["ci", ""],
                '\u{fe0e}' | '\u{fe0f}' => &[""],
                _ => &["ci", "", "é"],
            };
            for text in within {
                let created = block_on(keys.create(format!("{text}{c}{text}")));
                assert!(matches!(created, Err(ManageError::Name)), "{c:?} within {text:?}");
            }
        }
    }

    #[test]
    fn leaves_what_people_write_as_it_is() {
        for text in [
            "",
            "ci",
            "größe 日本語",
            "a\\b",
            "שלום",
            "مرحبا",
            "ไทย",
            "नमस्ते",
            "e\u{301}",
            "🦀",
            "a\u{a0}b",
            "👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "می\u{200c}خواهم",
        ] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn names_what_is_not_seen() {
        for (text, shown) in [
            ("a\nb\rc\td", "a\\nb\\rc\\td"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("ci\u{202e}gnp.txt", "ci\\u{202e}gnp.txt"),
            ("\u{301}a", "\\u{301}a"),
            ("ci\u{200d}ci", "ci\\u{200d}ci"),
            ("é\u{200b}é\u{200d}", "é\\u{200b}é\\u{200d}"),
            ("é\u{200d}\u{202e}", "é\\u{200d}\\u{202e}"),
            ("ci\u{fe0f}", "ci\\u{fe0f}"),
        ] {
            assert_eq!(printable(text), shown);
        }
        assert_eq!(printable(&"\u{301}".repeat(50)), "\\u{301}".repeat(50));
    }

    /// Whether all that does not show itself is what may stand between characters that do.
    fn is_safe(text: &str) -> bool {
        let joins = ['\u{200c}', '\u{200d}', '\u{fe0e}', '\u{fe0f}'];
        !text.starts_with(joins) && !text.chars().any(|c| is_unseen(c) && !joins.contains(&c))
    }

    proptest! {
        #[test]
        fn nothing_that_is_not_seen_comes_through(text in any::<String>()) {
            prop_assert!(is_safe(&printable(&text)));
        }

        #[test]
        fn text_of_what_is_not_seen_comes_through_by_number(
            codes in prop::collection::vec(prop::sample::select(&UNSEEN[..]), 0..20),
        ) {
            let text: String = codes.iter().filter_map(|(first, _)| char::from_u32(*first)).collect();
            let shown = printable(&format!("ci{text}"));
            prop_assert!(shown.is_ascii());
            prop_assert_eq!(shown.matches("\\u{").count(), text.chars().count());
        }

        #[test]
        fn printing_again_changes_nothing(text in any::<String>()) {
            let once = printable(&text);
            prop_assert_eq!(printable(&once), once);
        }

        #[test]
        fn json_says_the_same(text in any::<String>(), more in prop::sample::select(&UNSEEN[..])) {
            let text = format!("{text}{}", char::from_u32(more.1).unwrap_or_default());
            let json = printable_json(&serde_json::to_string(&text)?);
            prop_assert!(!json.chars().any(is_unseen));
            prop_assert_eq!(serde_json::from_str::<String>(&json)?, text);
        }
    }
}
