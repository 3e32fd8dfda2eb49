//! What the compiler says, without what differs between machines and between two states of the libraries.

use std::path::Path;

/// Returns the answer as it stands in a `.stderr` file.
pub(crate) fn normalized(said: &str, root: &Path, package: &str) -> String {
    let root = format!("{}/", root.display());
    let blocks = said.split("\n\n").map(|block| {
        let lines = block.lines().filter(|line| !is_small_talk(line));
        let mut elsewhere = false;
        let lines: Vec<_> = lines.map(|line| place(line, &root, package, &mut elsewhere)).collect();
        without_margin(&lines)
    });
    let blocks: Vec<_> = blocks.filter(|block| !block.is_empty()).collect();
    format!("{}\n", blocks.join("\n\n"))
}

/// Whether a line says nothing about the mistake.
fn is_small_talk(line: &str) -> bool {
    line.starts_with("error: aborting due to ")
        || line.starts_with("Some errors have detailed explanations:")
        || line.starts_with("For more information about ")
}

/// Names files from the package, or from `$WORKSPACE`. The numbers of lines in the sources of the libraries change
/// with these.
fn place(line: &str, root: &str, package: &str, elsewhere: &mut bool) -> String {
    let start = line.trim_start();
    let indent = &line[..line.len() - start.len()];
    let Some(place) = start.strip_prefix("--> ").or_else(|| start.strip_prefix("::: ")) else {
        // A quotation lasts as long as its lines have a margin.
        *elsewhere &= start.starts_with(|c: char| c.is_ascii_digit() || "|.".contains(c));
        return if *elsewhere { without_number(line) } else { line.trim_end().to_owned() };
    };
    let arrow = &start[..4];
    let place = place.strip_prefix(root).unwrap_or(place);
    let own = place.strip_prefix(package);
    *elsewhere = !own.is_some_and(|own| own.starts_with("tests/"));
    let place = own.map_or_else(|| format!("$WORKSPACE/{place}"), str::to_owned);
    let shown = if *elsewhere { place.split(':').next().unwrap_or(&place) } else { &place };
    format!("{indent}{arrow}{shown}")
}

/// `10 | T: Send` is `   | T: Send`.
fn without_number(line: &str) -> String {
    let numbered =
        line.len() - line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).len();
    format!("{}{}", " ".repeat(numbered), &line[numbered..]).trim_end().to_owned()
}

/// The margin is as wide as the longest number, also where that number is not shown.
fn without_margin(lines: &[String]) -> String {
    let margin = lines.iter().find_map(|line| line.find("--> ")).unwrap_or(0);
    let digits = |line: &String| {
        let (number, _) = line.trim_start().split_once(' ')?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then_some(number.len())
    };
    let needed = lines.iter().filter_map(digits).max().unwrap_or(margin);
    let spare = " ".repeat(margin.saturating_sub(needed));
    let cut = |line: &String| match line.strip_prefix("...") {
        Some(rest) => format!("...{}", rest.strip_prefix(&spare).unwrap_or(rest)),
        None => line.strip_prefix(&spare).unwrap_or(line).to_owned(),
    };
    lines.iter().map(cut).collect::<Vec<_>>().join("\n")
}
