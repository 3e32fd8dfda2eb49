//! The rooms of a crate: its modules directly below `src/`, and which of them import which.
//!
//! Sources are read as tokens, so that comments and texts are no imports, and the insides of macros are. What
//! stands under `#[cfg(test)]` is left out: tests may use everything.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Modules that are doors and no rooms: a path through one leads to the room that defines the name.
const DOORS: [&str; 2] = ["lib", "__private"];

/// Where files of other names belong: what stands for a database whose feature is off, and what macros need.
const ELSEWHERE: [(&str, &str); 2] = [("without/", ""), ("private.rs", "__private.rs")];

/// Which room imports which, and where.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    arrows: BTreeMap<String, BTreeMap<String, Line>>,
}

/// A line of a source.
type Line = String;

impl Rooms {
    /// Reads the sources of a crate.
    pub(crate) fn of(krate: &Path) -> io::Result<Self> {
        let src = krate.join("src");
        let mut paths = Vec::new();
        find(&src, &mut paths)?;
        paths.sort();
        let crate_name = krate.file_name().unwrap_or_default().to_string_lossy();
        let mut files = Vec::new();
        for path in &paths {
            let name = path.strip_prefix(&src).unwrap_or(path).to_string_lossy().replace('\\', "/");
            let shown = format!("{crate_name}/src/{name}");
            files.push((name, shown, fs::read_to_string(path)?));
        }
        Self::read(files)
    }

    /// Reads files: the path below `src/`, the path to be shown, the text.
    pub(crate) fn read(
        files: impl IntoIterator<Item = (String, String, String)>,
    ) -> io::Result<Self> {
        let files: Vec<_> = files
            .into_iter()
            .map(|(name, shown, text)| File::new(&name, shown, &text))
            .collect::<io::Result<_>>()?;
        let rooms: BTreeSet<&str> =
            files.iter().map(File::room).filter(|room| !DOORS.contains(room)).collect();
        let tests: BTreeSet<_> = files.iter().flat_map(|file| file.tests.iter().cloned()).collect();
        let doors = Doors::through(&files, &rooms);
        let mut found = Self::default();
        for file in files.iter().filter(|file| rooms.contains(file.room())) {
            if tests.iter().any(|test| file.module.starts_with(test)) {
                continue;
            }
            for (path, line) in &file.paths {
                for room in doors.rooms_of(path, &rooms) {
                    found.arrow(file.room(), room, format!("{}:{line}", file.shown));
                }
            }
        }
        Ok(found)
    }

    fn arrow(&mut self, from: &str, to: &str, line: Line) {
        if from != to {
            let arrows = self.arrows.entry(from.to_owned()).or_default();
            arrows.entry(to.to_owned()).or_insert(line);
        }
    }

    /// Returns a shortest circle, as the lines that tie it.
    pub(crate) fn circle(&self) -> Option<String> {
        let circles = self.arrows.keys().filter_map(|room| self.way_back_to(room));
        let circle = circles.min_by_key(Vec::len)?;
        let line = |pair: &[&str]| {
            let (from, to) = (pair[0], pair[1]);
            format!("  {from} -> {to}: {}", self.arrows[from][to])
        };
        Some(circle.windows(2).map(line).collect::<Vec<_>>().join("\n"))
    }

    /// Finds a shortest way from a room to itself.
    fn way_back_to<'a>(&'a self, room: &'a str) -> Option<Vec<&'a str>> {
        let mut ways = VecDeque::from([vec![room]]);
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop_front() {
            for next in self.arrows.get(way[way.len() - 1]).into_iter().flat_map(BTreeMap::keys) {
                let way = || way.iter().copied().chain([next.as_str()]).collect();
                if next == room {
                    return Some(way());
                }
                if seen.insert(next) {
                    ways.push_back(way());
                }
            }
        }
        None
    }
}

fn find(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

/// What the names at the crate's root, and those behind its other doors, are defined by.
struct Doors {
    /// By the last name of the path.
    names: BTreeMap<String, BTreeSet<String>>,
}

impl Doors {
    fn through(files: &[File], rooms: &BTreeSet<&str>) -> Self {
        let mut doors = Self { names: BTreeMap::new() };
        for file in files.iter().filter(|file| DOORS.contains(&file.room())) {
            for (path, _) in &file.paths {
                if let [room, .., name] = path.as_slice()
                    && rooms.contains(room.as_str())
                {
                    doors.names.entry(name.clone()).or_default().insert(room.clone());
                }
            }
        }
        // A macro that is exported has its name at the root, wherever it stands.
        for file in files.iter().filter(|file| rooms.contains(file.room())) {
            for name in &file.macros {
                doors.names.entry(name.clone()).or_default().insert(file.room().to_owned());
            }
        }
        doors
    }

    /// Returns the rooms that a path from the root leads to. A name that several rooms define behind a door is told
    /// by the modules before it.
    fn rooms_of<'a>(&'a self, path: &'a [String], rooms: &BTreeSet<&str>) -> Vec<&'a str> {
        match path {
            [room, ..] if rooms.contains(room.as_str()) => vec![room],
            [door, rest @ ..] => {
                let path = if DOORS.contains(&door.as_str()) { rest } else { path };
                let Some((name, before)) = path.split_last() else { return Vec::new() };
                let found = self.names.get(name).into_iter().flatten();
                let found: Vec<_> = found.map(String::as_str).collect();
                let named =
                    before.iter().find_map(|module| found.iter().find(|room| room == &module));
                named.map_or(found.clone(), |room| vec![room])
            }
            [] => Vec::new(),
        }
    }
}

/// A file as far as it matters here.
struct File {
    /// Its modules from the root.
    module: Vec<String>,
    shown: String,
    /// The paths from the root that it names, with their lines.
    paths: Vec<(Vec<String>, usize)>,
    /// The macros that it exports.
    macros: Vec<String>,
    /// The modules that are compiled for tests alone.
    tests: Vec<Vec<String>>,
}

impl File {
    fn new(name: &str, shown: String, text: &str) -> io::Result<Self> {
        let mut name = name.to_owned();
        for (path, stands_for) in ELSEWHERE {
            if let Some(rest) = name.strip_prefix(path) {
                name = format!("{stands_for}{rest}");
            }
        }
        if name.ends_with("/private.rs") {
            "__private.rs".clone_into(&mut name);
        }
        let module = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        let mut file =
            Self { module, shown, paths: Vec::new(), macros: Vec::new(), tests: Vec::new() };
        let module = file.module.clone();
        let tokens = TokenStream::from_str(text);
        file.walk(
            &module,
            tokens.map_err(|error| io::Error::other(format!("{}: {error}", file.shown)))?,
        );
        Ok(file)
    }

    fn room(&self) -> &str {
        &self.module[0]
    }

    /// Reads what stands in a module.
    fn walk(&mut self, module: &[String], tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            let rest = &tokens[at..];
            if is_for_tests(rest) {
                at += 2 + self.skip(module, &rest[2..]);
            } else if let [
                TokenTree::Ident(word),
                TokenTree::Ident(name),
                TokenTree::Group(body),
                ..,
            ] = rest
                && word == "mod"
            {
                self.walk(&inside(module, &name.to_string()), body.stream());
                at += 3;
            } else if let Some(root) = root_of(module, rest) {
                self.collect(&root.path, &rest[root.tokens..]);
                at += root.tokens;
            } else {
                self.note_macro(rest);
                if let TokenTree::Group(group) = &rest[0] {
                    self.walk(module, group.stream());
                }
                at += 1;
            }
        }
    }

    /// Passes over the item behind `#[cfg(test)]`; a module in a file of its own is noted.
    fn skip(&mut self, module: &[String], rest: &[TokenTree]) -> usize {
        let ends = |token: &TokenTree| match token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        if let [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Punct(_), ..] = rest
            && word == "mod"
        {
            self.tests.push(inside(module, &name.to_string()));
        }
        rest.iter().position(ends).map_or(rest.len(), |end| end + 1)
    }

    /// Notes `macro_rules! name`, which is at the root of the crate if it is exported.
    fn note_macro(&mut self, rest: &[TokenTree]) {
        if let [TokenTree::Ident(word), TokenTree::Punct(_), TokenTree::Ident(name), ..] = rest
            && word == "macro_rules"
        {
            self.macros.push(name.to_string());
        }
    }

    /// Collects the paths that go on with `rest`, which follows a `::`.
    fn collect(&mut self, path: &[String], rest: &[TokenTree]) {
        match rest {
            [TokenTree::Ident(name), more @ ..] => {
                let path = inside(path, &name.to_string());
                if let Some(more) = after_colons(more) {
                    self.collect(&path, more);
                } else {
                    self.paths.push((path, name.span().start().line));
                }
            }
            [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace => {
                let tokens: Vec<_> = group.stream().into_iter().collect();
                let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
                for each in tokens.split(is_comma) {
                    self.collect(path, each);
                }
            }
            [TokenTree::Punct(star), ..] if star.as_char() == '*' => {
                self.paths.push((path.to_vec(), star.span().start().line));
            }
            _ => {}
        }
    }
}

fn inside(module: &[String], name: &str) -> Vec<String> {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// The beginning of a path: the module it begins at, and how many tokens say so.
struct Root {
    path: Vec<String>,
    tokens: usize,
}

/// Reads `crate::` and any number of `super::`.
fn root_of(module: &[String], rest: &[TokenTree]) -> Option<Root> {
    let [TokenTree::Ident(word), more @ ..] = rest else { return None };
    let mut after = after_colons(more)?;
    let mut path = match word.to_string().as_str() {
        "crate" => return Some(Root { path: Vec::new(), tokens: 3 }),
        "super" => module[..module.len().saturating_sub(1)].to_vec(),
        _ => return None,
    };
    while let [TokenTree::Ident(word), more @ ..] = after
        && word == "super"
    {
        path.pop();
        after = after_colons(more)?;
    }
    Some(Root { path, tokens: rest.len() - after.len() })
}

fn after_colons(rest: &[TokenTree]) -> Option<&[TokenTree]> {
    match rest {
        [TokenTree::Punct(first), TokenTree::Punct(second), after @ ..]
            if first.as_char() == ':' && second.as_char() == ':' =>
        {
            Some(after)
        }
        _ => None,
    }
}

/// Whether an item follows that is compiled for tests alone.
fn is_for_tests(rest: &[TokenTree]) -> bool {
    matches!(rest, [TokenTree::Punct(hash), TokenTree::Group(attribute), ..]
        if hash.as_char() == '#' && attribute.stream().to_string().replace(' ', "") == "cfg(test)")
}
