//! `apikey list`

use apikey_core::{ApiKeys, MAX_PAGE};
use clap::Args;

use crate::args::Filter;
use crate::exit_code::{Failure, Outcome};
use crate::output::{Output, Printable};

/// List keys, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey list --status active
  apikey list --search report --limit 10
  apikey list --all --output json | jq '.[] | select(.last_used_at == null)'

A table of less than 120 columns leaves out when keys were created and last used, and shortens names \
and scopes; `apikey show` has everything. All times are UTC.

A row that cannot be read is named on standard error, with its repair, and does not change the exit code; in \
JSON it is an object with the status `unreadable`.

With `--output plain`, a line holds, separated by tabs: prefix, status, name, scopes, \
created_at, expires_at, last_used_at.")]
pub(crate) struct List {
    #[command(flatten)]
    filter: Filter,
    /// The most keys that are listed
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = limit)]
    limit: u64,
    /// All keys, however many there are
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

impl List {
    /// Prints page by page, so that the length of the list does not matter.
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        owner: Option<M::Owner>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        let mut left = if self.all { u64::MAX } else { self.limit };
        let mut query = self.filter.query(owner);
        let mut list = output.list();
        loop {
            query = query.limit(u32::try_from(left).unwrap_or(MAX_PAGE));
            let page = keys.list(&query).await?;
            list.look(keys, &page.keys).await?;
            list.page(&page.keys)?;
            list.unreadable(&page.unreadable)?;
            left = left.saturating_sub((page.keys.len() + page.unreadable.len()) as u64);
            query = query.after(page.next);
            if query.after.is_none() || left == 0 {
                break;
            }
        }
        let is_empty = list.is_empty();
        list.end()?;
        if is_empty {
            Output::note("no such keys");
        } else if query.after.is_some() {
            Output::note("there are more keys: --limit N shows N of them, --all shows all");
        }
        Ok(Outcome::Done)
    }
}

fn limit(text: &str) -> Result<u64, &'static str> {
    let limit = text.parse().ok().filter(|limit| *limit > 0);
    limit.ok_or("a whole number, 1 or more")
}
