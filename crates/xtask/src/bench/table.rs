//! A table of figures, as text and as Markdown, and the medians in it.

/// What a table is printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Markdown,
}

impl Form {
    pub(crate) fn of(is_markdown: bool) -> Self {
        if is_markdown { Self::Markdown } else { Self::Text }
    }
}

/// Cells are text. The first columns, as many as `words` says, hold words; the others hold numbers.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) words: usize,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) notes: Vec<String>,
}

impl Table {
    pub(crate) fn render(&self, form: Form) -> String {
        match form {
            Form::Text => self.text(),
            Form::Markdown => self.markdown(),
        }
    }

    fn text(&self) -> String {
        let lines = || [&self.columns].into_iter().chain(&self.rows);
        let width = |at: usize| lines().map(|cells| cells[at].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.columns.len()).map(width).collect();
        let mut text = format!("{}\n\n", self.title);
        for cells in lines() {
            let cells = cells.iter().zip(&widths).enumerate();
            let padded = cells.map(|(at, (cell, width))| match at < self.words {
                true => format!("{cell:<width$}"),
                false => format!("{cell:>width$}"),
            });
            text += padded.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        text + "\n" + &self.notes.join("\n") + "\n"
    }

    fn markdown(&self) -> String {
        let notes: String = self.notes.iter().map(|note| format!("- {note}\n")).collect();
        format!("### {}\n\n{}\n{notes}", self.title, self.markdown_rows())
    }

    /// The table alone, without its title and its notes.
    pub(crate) fn markdown_rows(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = |at| if at < self.words { "---" } else { "---:" };
        let rules: Vec<_> = (0..self.columns.len()).map(|at| rule(at).to_owned()).collect();
        let rows: String = self.rows.iter().map(|cells| line(cells)).collect();
        format!("{}{}{rows}", line(&self.columns), line(&rules))
    }
}

/// Returns the middle value, or the mean of the two in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
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

    fn table() -> Table {
        Table {
            title: "Fruit".to_owned(),
            words: 1,
            columns: vec!["name".to_owned(), "µg".to_owned()],
            rows: vec![
                vec!["plum".to_owned(), "7".to_owned()],
                vec!["fig".to_owned(), "12".to_owned()],
            ],
            notes: vec!["Weighed.".to_owned()],
        }
    }

    #[test]
    fn an_outlier_does_not_move_the_median() {
        assert!((median(&[100.0, 3.0, 2.0]) - 3.0).abs() < f64::EPSILON);
        assert!((median(&[100.0, 4.0, 2.0, 0.0]) - 3.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn aligns_words_to_the_left_and_numbers_to_the_right() {
        let text = table().render(Form::Text);
        assert_eq!(text, "Fruit\n\nname  µg\nplum   7\nfig   12\n\nWeighed.\n");
    }

    #[test]
    fn prints_the_same_cells_as_markdown() {
        let text = table().render(Form::Markdown);
        assert_eq!(
            text,
            "### Fruit\n\n| name | µg |\n| --- | ---: |\n| plum | 7 |\n| fig | 12 |\n\n- Weighed.\n"
        );
    }
}
