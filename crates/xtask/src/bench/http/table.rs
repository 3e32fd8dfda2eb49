//! The table: medians, and the ratio that they make.

/// What was measured of one framework, in requests per second.
#[derive(Debug)]
pub(crate) struct Row {
    framework: &'static str,
    pub(crate) public: Vec<f64>,
    pub(crate) protected: Vec<f64>,
}

impl Row {
    pub(crate) fn new(framework: &'static str) -> Self {
        Self { framework, public: Vec::new(), protected: Vec::new() }
    }
}

/// Renders one line per framework.
pub(crate) fn render(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<10} {:>6} {:>14} {:>17} {:>6}\n",
        "framework", "rounds", "/public (1/s)", "/protected (1/s)", "ratio"
    );
    for row in rows {
        let (public, protected) = (median(&row.public), median(&row.protected));
        text += &format!(
            "{:<10} {:>6} {public:>14.0} {protected:>17.0} {:>6.2}\n",
            row.framework,
            row.public.len(),
            protected / public
        );
    }
    text + "\nMedians of alternating rounds. The ratio is what to compare: 1.00 means that the guard costs \
            nothing;\nthe requests per second are those of this machine, shared with wrk.\n"
}

/// Returns the middle value, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.get((sorted.len().max(1) - 1) / 2), sorted.get(sorted.len() / 2)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_does_not_move_the_median() {
        assert!((median(&[100.0, 3.0, 2.0]) - 3.0).abs() < f64::EPSILON);
        assert!((median(&[100.0, 4.0, 2.0, 0.0]) - 3.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn prints_protected_as_a_share_of_public() {
        let row =
            Row { framework: "axum", public: vec![200.0, 190.0, 1.0], protected: vec![95.0; 3] };
        let text = render(&[row]);
        let line = text.lines().nth(1).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words, ["axum", "3", "190", "95", "0.50"]);
        assert!(text.contains("The ratio is what to compare"));
    }
}
