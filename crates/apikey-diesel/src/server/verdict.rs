//! What a failure on a server says of the connection on which it happened, and what follows from it.

/// What a failure means. Each server says so in one place, its `judge`; what follows is the same for all, and stands
/// here:
///
/// | | The connection | Those that are idle | A read | A change |
/// |---|---|---|---|---|
/// | `Settled` | stays | stay | is not repeated | is not repeated |
/// | `Undone` | stays; after a read it is closed | stay; closed | is repeated once, on a fresh connection | is taken again on this connection, a few times |
/// | `Stale` | is closed | are closed | is repeated once, on a fresh connection | likewise, unless its commit was sent |
/// | `Unclear` | as `Stale`, unless the server, asked for its table and its rules, has the reason | | | |
///
/// Diesel keeps few codes, and the texts are in any language. So what has no kind is `Unclear`: a text in English only
/// spares a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The server has answered, and would say so again.
    Settled,
    /// The server undid it for the sake of something else.
    Undone,
    /// The connection is dead, or what was prepared on it, or it leads to a server that takes no changes any more. What
    /// became of this one became of the others.
    Stale,
    /// Nobody knows.
    Unclear,
}

/// How far an operation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing is done, or nothing that a server keeps.
    Nothing,
    /// A transaction has begun, which ends with its connection.
    Begun,
    /// Its commit was sent: it may be done.
    Committed,
}

impl Verdict {
    /// Whether the connection is of no more use, after an operation that came so far: what can be taken again on it has
    /// been.
    pub(super) fn closes(self, progress: Progress) -> bool {
        match self {
            Self::Settled => false,
            Self::Undone => progress == Progress::Nothing,
            Self::Stale | Self::Unclear => true,
        }
    }
}

impl Progress {
    /// Whether the operation may be taken from its beginning.
    pub(super) fn can_repeat(self) -> bool {
        self != Self::Committed
    }
}
