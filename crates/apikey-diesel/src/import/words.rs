//! How each database says what is asked of somebody else's table.

/// A database's words.
#[derive(Debug)]
pub(crate) struct Words {
    /// Stands on both sides of a name.
    pub(crate) quote: char,
    /// Stands for the only parameter.
    pub(crate) parameter: &'static str,
    /// What stands before and after a column to read it as text.
    pub(crate) text: [&'static str; 2],
    /// A time as text, with `{column}` for the column that holds it.
    pub(crate) time: &'static str,
    /// The query for the names of the tables that look like tables of keys.
    pub(crate) key_tables: &'static str,
}

impl Words {
    /// Quotes the name of a table, and of its schema, which hold no quotes.
    pub(crate) fn quoted(&self, name: &str) -> String {
        let Self { quote, .. } = self;
        let words: Vec<_> = name.split('.').map(|word| format!("{quote}{word}{quote}")).collect();
        words.join(".")
    }

    pub(crate) fn text(&self, column: &str) -> String {
        self.text.join(column)
    }

    pub(crate) fn time(&self, column: &str) -> String {
        self.time.replace("{column}", column)
    }
}
