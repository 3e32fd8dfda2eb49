//! How long the compiler took for each test binary, as `cargo test --timings` says.

use std::{collections::BTreeMap, fs, time::Duration};

use anyhow::Context;
use serde_json::Value;

use super::binary::Binary;
use crate::workspace;

/// What stands before the figures in cargo's page.
const FIGURES: &str = "const UNIT_DATA = ";

/// Reads cargo's latest report. It is a page for people: where its form has changed, there is no figure.
pub(super) fn durations(binaries: &[Binary]) -> anyhow::Result<BTreeMap<String, Duration>> {
    let page = workspace::target()?.join("cargo-timings/cargo-timing.html");
    let page = fs::read_to_string(page).context("cannot read cargo's timings")?;
    Ok(of_page(&page, binaries))
}

fn of_page(page: &str, binaries: &[Binary]) -> BTreeMap<String, Duration> {
    let figures = page.split_once(FIGURES).map_or("", |(_, rest)| rest);
    let first = serde_json::Deserializer::from_str(figures).into_iter::<Value>().next();
    let units = first.and_then(Result::ok).unwrap_or_default();
    let mut durations = BTreeMap::new();
    for unit in units.as_array().into_iter().flatten() {
        let (name, target) = (unit["name"].as_str(), unit["target"].as_str().unwrap_or_default());
        let of = binaries.iter().find(|binary| {
            name == Some(&binary.package)
                && target.trim_start().starts_with(&format!("{} ", binary.target))
                && target.ends_with("(test)")
        });
        if let (Some(binary), Some(seconds)) = (of, unit["duration"].as_f64()) {
            durations.insert(binary.name(), Duration::from_secs_f64(seconds.max(0.0)));
        }
    }
    durations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_seconds_of_each_binary() {
        let binaries =
            [Binary::named("apikey-cli", "apikey"), Binary::named("apikey-core", "memo")];
        let page = "<script>const UNIT_DATA = [\
            {\"name\": \"apikey-cli\", \"target\": \" apikey \\\"bin\\\"\", \"duration\": 6.0},\
            {\"name\": \"apikey-cli\", \"target\": \" apikey \\\"test\\\" (test)\", \"duration\": 8.1}\
            ];\nconst CONCURRENCY_DATA = 1;";
        let durations = of_page(page, &binaries);
        assert_eq!(durations.len(), 1);
        assert_eq!(durations["apikey-cli --test apikey"], Duration::from_secs_f64(8.1));
        assert!(of_page("another form", &binaries).is_empty());
    }
}
