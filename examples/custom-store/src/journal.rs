//! The file: one change to a line, appended and synced before it counts.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use apikey_core::BoxError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::row::Row;

/// A change. What has to happen together stands in one line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Put(Vec<Row>),
    Delete(Vec<i64>),
}

/// Why a file cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be read or written.
    #[error("the file of keys cannot be opened")]
    Io(#[from] io::Error),
    /// Another process has it open: two would overwrite each other's lines.
    #[error("the file of keys is open in another process")]
    Locked,
    /// A line is none of ours.
    #[error("line {line} of the file of keys cannot be read")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        #[source]
        source: BoxError,
    },
}

/// The open file, locked until it is dropped.
pub(crate) struct Journal {
    file: File,
    /// Where the last line ends that counts.
    end: u64,
}

impl Journal {
    /// Opens a file, which is created if need be, and hands each change to `apply`.
    pub(crate) fn open(
        path: &Path,
        mut apply: impl FnMut(Change) -> Result<(), BoxError>,
    ) -> Result<Self, OpenError> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::Locked,
            TryLockError::Error(error) => error.into(),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut end = 0;
        for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            // A line without its end was being written when the process died. Nobody was told of it.
            if !line.ends_with(b"\n") {
                break;
            }
            let change = serde_json::from_slice(line).map_err(Into::into);
            let applied = change.and_then(&mut apply);
            applied.map_err(|source| OpenError::Line { line: number, source })?;
            end += line.len() as u64;
        }
        Ok(Self { file, end })
    }

    /// Appends a change. If that fails, it has not happened: the next one overwrites what there is of it.
    pub(crate) fn append(&mut self, change: &Change) -> io::Result<()> {
        let mut line = serde_json::to_vec(change)?;
        line.push(b'\n');
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.end += line.len() as u64;
        Ok(())
    }
}
