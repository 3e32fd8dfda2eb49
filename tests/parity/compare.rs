//! The comparison of three answers, part by part.

use std::fmt::Write;

use apikey_conformance::adapter::client::RawResponse;

use crate::ask::Ask;
use crate::difference::{DIFFERENCES, Difference, How};
use crate::stage::FRAMEWORKS;

/// The parts that have to be equal. `Content-Type` is that of refusals: the others are the application's.
const PARTS: [&str; 7] = [
    "www-authenticate",
    "content-type",
    "content-length",
    "cache-control",
    "retry-after",
    "allow",
    "body",
];

/// A request and its three answers.
pub(crate) struct Comparison {
    ask: Ask,
    answers: [RawResponse; 3],
}

impl Comparison {
    pub(crate) fn new(ask: Ask, answers: [RawResponse; 3]) -> Self {
        Self { ask, answers }
    }

    /// Shows what differs and has no row in the table.
    pub(crate) fn unexplained(&self) -> Option<String> {
        let faults: Vec<_> =
            self.differences().into_iter().filter(|part| self.row(part).is_none()).collect();
        (!faults.is_empty()).then(|| self.show(&faults))
    }

    fn show(&self, parts: &[&str]) -> String {
        let mut text = self.ask.to_string();
        for part in parts {
            for (framework, value) in FRAMEWORKS.into_iter().zip(self.values(part)) {
                write!(text, "\n    {part}: {framework:6} {value:?}").unwrap();
            }
        }
        text
    }

    /// Returns the parts that differ; the status alone if it does, since the others follow from it.
    fn differences(&self) -> Vec<&'static str> {
        let differs = |part: &&str| {
            let [axum, actix, rocket] = self.values(part);
            axum != actix || actix != rocket
        };
        if differs(&"status") {
            return vec!["status"];
        }
        PARTS.into_iter().filter(differs).collect()
    }

    /// Returns the row that explains the difference in this part.
    fn row(&self, part: &str) -> Option<&'static Difference> {
        let values = self.values(part);
        DIFFERENCES.iter().find(|row| {
            (row.requests)(&self.ask)
                && match row.how {
                    How::Statuses(statuses) => {
                        part == "status" && statuses == self.answers.each_ref().map(|a| a.status)
                    }
                    How::Alone(framework, of, value) => {
                        let others: Vec<_> = (0..3).filter(|other| *other != framework).collect();
                        of == part
                            && values[framework] == value
                            && values[others[0]] == values[others[1]]
                    }
                }
        })
    }

    fn values(&self, part: &str) -> [String; 3] {
        self.answers.each_ref().map(|answer| match part {
            "status" => answer.status.to_string(),
            "body" => answer.text(),
            "content-type" => {
                answer.all(part).into_iter().filter(|value| value.contains("problem")).collect()
            }
            // A length of nothing may be left out of an answer to HEAD.
            "content-length" => {
                answer.all(part).into_iter().filter(|value| *value != "0").collect()
            }
            _ => answer.all(part).join(" || "),
        })
    }
}

/// Returns the rows of the table that no request needed.
pub(crate) fn unneeded(comparisons: &[Comparison]) -> Vec<String> {
    let needed: Vec<_> = comparisons
        .iter()
        .flat_map(|comparison| {
            comparison.differences().into_iter().map(move |part| (comparison, part))
        })
        .filter_map(|(comparison, part)| comparison.row(part))
        .collect();
    DIFFERENCES
        .iter()
        .filter(|row| !needed.iter().any(|other| std::ptr::eq(*other, *row)))
        .map(|row| format!("{:?}: {}", row.how, row.reason))
        .collect()
}
