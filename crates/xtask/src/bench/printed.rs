//! Benchmarks that print tables themselves: run as they are, or their tables as Markdown.

use std::process::Stdio;

use anyhow::{Context, ensure};

use super::table::{Form, Table};
use crate::workspace;

/// Runs a benchmark of `apikey-core` that wants Argon2id, with arguments of its own.
pub(crate) fn run(name: &str, arguments: &[&str], form: Form) -> anyhow::Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(["bench", "--package", "apikey-core", "--features", "argon2", "--bench", name]);
    cargo.arg("--").args(arguments);
    if form == Form::Markdown {
        cargo.stdout(Stdio::piped());
    }
    let output =
        cargo.stderr(Stdio::inherit()).spawn().and_then(std::process::Child::wait_with_output);
    let output = output.context("cannot start cargo")?;
    ensure!(output.status.success(), "the measurement failed, {}", output.status);
    // Text was printed row by row, as it was measured.
    print!("{}", markdown(&String::from_utf8_lossy(&output.stdout)));
    Ok(())
}

/// Turns tables into Markdown. Blocks are separated by empty lines; a table's cells by two spaces or more.
fn markdown(text: &str) -> String {
    let blocks = text.trim().split("\n\n").filter(|block| !block.trim().is_empty());
    blocks.map(|block| format!("{}\n", block_as_markdown(block))).collect()
}

fn block_as_markdown(block: &str) -> String {
    let mut lines = block.lines().map(cells);
    let columns = lines.next().unwrap_or_default();
    let rows: Vec<_> = lines.collect();
    if columns.len() < 2 || rows.iter().any(|row| row.len() != columns.len()) {
        return format!("{}\n", block.trim());
    }
    let is_word = |cell: &String| cell.parse::<f64>().is_err();
    let words = rows.first().map_or(1, |row| row.iter().take_while(|cell| is_word(cell)).count());
    Table { title: String::new(), words, columns, rows, notes: Vec::new() }.markdown_rows()
}

fn cells(line: &str) -> Vec<String> {
    let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
    cells.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_tables_into_markdown_and_leaves_sentences() {
        let text = "flood of          cache   ratio\nunknown prefixes  off     0.97\n\n\nAll is well.\nSo far.\n";
        assert_eq!(
            markdown(text),
            "| flood of | cache | ratio |\n| --- | --- | ---: |\n| unknown prefixes | off | 0.97 |\n\n\
             All is well.\nSo far.\n\n"
        );
    }

    #[test]
    fn leaves_a_block_whose_rows_do_not_fit_the_head() {
        assert_eq!(markdown("a  b\nc\n"), "a  b\nc\n\n");
        assert_eq!(markdown(""), "");
    }
}
