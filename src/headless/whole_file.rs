//! The file of a report that is written as a whole, at the end of its run.

use std::fs::File;
use std::io::{self, Seek as _, Write};

/// Writes a file anew with each flush. Until the first it holds what says that the run has not come to its end: a run that is
/// killed leaves no empty report, and none of the run before.
pub struct WholeFile {
    file: File,
    text: Vec<u8>,
}

impl WholeFile {
    /// Begins with what the file holds until then.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(file: File, until_then: &str) -> io::Result<WholeFile> {
        let mut whole = WholeFile { file, text: until_then.into() };
        whole.flush()?;
        whole.text.clear();
        Ok(whole)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.file.set_len(0)?;
        self.file.write_all(&self.text)?;
        self.file.flush()
    }
}
