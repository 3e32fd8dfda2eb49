//! The bars of the hot path: ratios, which can be compared between machines.

/// What a figure is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Bar {
    /// Says whether a figure keeps to the bar.
    pub(crate) fn verdict(self, what: &str, figure: f64) -> String {
        let (holds, words, limit) = match self {
            Self::AtMost(limit) => (figure <= limit, "at most", limit),
            Self::AtLeast(limit) => (figure >= limit, "at least", limit),
        };
        let verdict = if holds { "holds" } else { "does NOT hold" };
        format!("Bar: {what}, {words} {limit}: it is {figure}, so it {verdict}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_figure_that_keeps_to_the_bar_from_one_that_does_not() {
        assert_eq!(Bar::AtMost(5.0).verdict("x", 5.0), "Bar: x, at most 5: it is 5, so it holds.");
        assert!(Bar::AtMost(5.0).verdict("x", 5.1).ends_with("does NOT hold."));
        assert!(Bar::AtLeast(0.9).verdict("x", 0.9).ends_with("so it holds."));
        assert!(Bar::AtLeast(0.9).verdict("x", 0.89).ends_with("does NOT hold."));
    }
}
