//! What is wrong with the set-up: the table, and the hashes in it.

use super::ManageError;
use super::manager::Manager;
use crate::hash::encoding::Encodings;
use crate::model::KeyModel;
use crate::store::Finding;
use crate::store::query::{KeyQuery, MAX_PAGE, Page, UnreadableRow};

/// How many damaged rows are named: they tell what has happened.
const MOST_NAMED: usize = 20;

impl<M: KeyModel> Manager<'_, M> {
    pub(super) async fn check(&self) -> Result<Vec<Finding>, ManageError> {
        let mut findings = self.inner().store.check().await?;
        for found in [self.check_hashes().await, self.check_rows().await] {
            match found {
                // What is wrong with the table is known already.
                Err(_) if !findings.is_empty() => {}
                found => findings.extend(found?),
            }
        }
        Ok(findings)
    }

    /// Looks for rows that cannot be read, on all pages.
    async fn check_rows(&self) -> Result<Vec<Finding>, ManageError> {
        let mut query = KeyQuery::new().limit(MAX_PAGE);
        let mut findings = Vec::new();
        let mut others: u64 = 0;
        loop {
            let page = match self.list(&query).await {
                Ok(page) => page,
                // A store that reads all rows of a page or none cannot say which it is.
                Err(ManageError::Unreadable(row)) => {
                    findings.push(unreadable(row));
                    break;
                }
                Err(error) => return Err(error),
            };
            if query.after.is_none()
                && let Some(finding) = all_alike(&page)
            {
                return Ok(vec![finding]);
            }
            for row in page.unreadable {
                if findings.len() < MOST_NAMED {
                    findings.push(unreadable(row));
                } else {
                    others += 1;
                }
            }
            query = query.after(page.next);
            if query.after.is_none() {
                break;
            }
        }
        if others > 0 {
            let problem = format!("{others} more rows cannot be read");
            findings.push(Finding::new(problem, "repair those named, and check again"));
        }
        Ok(findings)
    }

    /// Looks for hashes that no hasher of the handle reads, and tells what others would read from what nobody
    /// does, as verification does.
    async fn check_hashes(&self) -> Result<Vec<Finding>, ManageError> {
        let configured = self.inner().hashers.all().flat_map(|hasher| hasher.encodings());
        let others = configured.fold(KeyQuery::new(), KeyQuery::not_encoding);
        let all = self.count(&others).await?;
        if all == 0 {
            return Ok(Vec::new());
        }
        let known = Encodings::known_to(&self.inner().hashers);
        let unreadable = known.all().iter().fold(KeyQuery::new(), KeyQuery::not_encoding);
        let unreadable = self.count(&unreadable).await?.min(all);
        let mut findings = Vec::new();
        if all > unreadable {
            findings.push(Finding::new(
                format!(
                    "{} stored keys were hashed by a hasher or pepper that is not configured",
                    all - unreadable
                ),
                "accept it with `Hashers::accept` or `HmacSha256::accept`; until then these keys get 503",
            ));
        }
        if unreadable > 0 {
            findings.push(Finding::new(
                format!("{unreadable} stored keys have a hash that is damaged, or of an unknown algorithm"),
                "restore the column `hashed_key`, or accept a hasher of your own with `Hashers::accept`; until \
                 then these keys get 401, and each use of one is an error in the log",
            ));
        }
        Ok(findings)
    }
}

/// Looks whether no row of a page can be read, each by the same column: it is the table then, or what writes to it.
fn all_alike<M: KeyModel>(page: &Page<M>) -> Option<Finding> {
    let [first, others @ ..] = &page.unreadable[..] else { return None };
    // The problem begins with the name of the column.
    let column = |row: &UnreadableRow| row.problem.split(':').next().map(str::to_owned);
    let is_alike = page.keys.is_empty()
        && !others.is_empty()
        && others.iter().all(|row| column(row) == column(first));
    is_alike.then(|| {
        Finding::new(
            format!(
                "none of the first {} rows can be read, and all keys get 401: {}",
                page.unreadable.len(),
                first.problem
            ),
            "look how the column is declared and what writes to it, rather than at single rows: the values are not \
             as this library writes them",
        )
    })
}

fn unreadable(row: UnreadableRow) -> Finding {
    let problem = format!("a row cannot be read, and its key gets 401: {row}");
    Finding::new(problem, row.fix)
}
