//! Which names a key may be given: those that people read as they are.

use super::{MAX_NAME_LENGTH, ManageError};
use crate::key::format::Formats;

/// The most combining marks in a row: more than any language writes, and fewer than reach another line.
pub(super) const MAX_MARKS: usize = 6;

/// Checks a new name. Stored ones are not judged.
pub(super) fn check_name(name: &str, formats: &Formats) -> Result<(), ManageError> {
    let is_good = name.chars().count() <= MAX_NAME_LENGTH
        && !name.chars().any(|c| c.is_control() || is_invisible(c))
        && name.chars().any(|c| !c.is_whitespace())
        && is_attached(name)
        && !formats.find_key_in(name);
    if is_good { Ok(()) } else { Err(ManageError::Name) }
}

/// Whether marks and joiners stand where they change how a visible character looks, and nowhere else.
fn is_attached(name: &str) -> bool {
    let (mut marks, mut before) = (0, None::<char>);
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let follows_visible = before.is_some_and(|c| !c.is_whitespace() && !is_joiner(c));
        if is_joiner(character) {
            // Between letters of scripts that join, or parts of an emoji; not within ASCII.
            let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !c.is_whitespace());
            if !follows_visible || !joins(before) || !joins(characters.peek().copied()) {
                return false;
            }
        } else if is_mark(character) {
            marks += 1;
            if !follows_visible || marks > MAX_MARKS {
                return false;
            }
        } else {
            marks = 0;
        }
        before = Some(character);
    }
    true
}

/// What joins two characters, or keeps them apart.
fn is_joiner(character: char) -> bool {
    matches!(character, '\u{200c}' | '\u{200d}')
}

/// Whether a character is drawn upon the one before. The standard library knows, and tells it so alone: a mark is
/// escaped at the start of a text, and nowhere else.
fn is_mark(character: char) -> bool {
    let mut text = [b'a', 0, 0, 0, 0];
    let Some(rest) = text.get_mut(1..) else { return false };
    let length = 1 + character.encode_utf8(rest).len();
    let within = text.get(..length).and_then(|text| std::str::from_utf8(text).ok());
    !character.is_ascii()
        && character.escape_debug().count() > 1
        && within.is_some_and(|text| text.escape_debug().count() == 2)
}

/// What shows as nothing, or changes or moves what stands beside it: Unicode's formats and ignorables (soft hyphens,
/// marks and isolates of direction, fillers, tags, choices of a variant), separators of lines, the blank that is no
/// white space. Not joiners, nor what makes an emoji of a character: those are looked at where they stand. The command
/// shows all of these by number.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0d}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_marks() {
        for mark in ['\u{301}', '\u{20dd}', '\u{5b0}', '\u{64e}', '\u{94d}', '\u{e34}', '\u{fe0f}']
        {
            assert!(is_mark(mark), "{mark:?}");
        }
        for other in
            ['a', '"', '\'', '\\', ' ', '\u{a0}', '\u{e9}', '\u{5e9}', '\u{6771}', '\u{e000}']
        {
            assert!(!is_mark(other), "{other:?}");
        }
    }
}
