//! The file of sessions' tokens that `mud seed` writes: for its owner alone, and there only when there is something in
//! it. Until it is whole it stands beside its place, so that a run that fails leaves an earlier file as it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Reading and writing for the owner, nothing for others: whoever has a token is signed in.
const OWNER_ONLY: u32 = 0o600;

/// Tokens on their way into a file. Dropped before it is kept, it leaves nothing.
#[derive(Debug)]
pub(crate) struct TokensFile {
    place: PathBuf,
    unfinished: PathBuf,
    out: BufWriter<File>,
}

impl TokensFile {
    /// Begins a file that shall stand at `place`.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub(crate) fn begin(place: PathBuf) -> io::Result<Self> {
        let unfinished = place.with_added_extension("unfinished");
        // Left by a run that was killed. Made anew, the file has the rights given here and no others.
        let _ = fs::remove_file(&unfinished);
        let file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&unfinished)?;
        Ok(Self { place, unfinished, out: BufWriter::new(file) })
    }

    /// Adds tokens, one a line.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub(crate) fn add(&mut self, tokens: &[String]) -> io::Result<()> {
        tokens.iter().try_for_each(|token| writeln!(self.out, "{token}"))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub(crate) fn keep(mut self) -> io::Result<()> {
        self.out.flush()?;
        fs::rename(&self.unfinished, &self.place)
    }
}

impl Drop for TokensFile {
    fn drop(&mut self) {
        // Not there any more once it is in its place.
        let _ = fs::remove_file(&self.unfinished);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_kept_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("tokens.txt");
        let mut file = TokensFile::begin(place.clone()).unwrap();
        file.add(&["one".into(), "two".into()]).unwrap();
        file.keep().unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "one\ntwo\n");
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, OWNER_ONLY);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_not_kept_leaves_an_earlier_file_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("tokens");
        fs::write(&place, "old\n").unwrap();
        let mut file = TokensFile::begin(place.clone()).unwrap();
        file.add(&["new".into()]).unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&place).unwrap(), "old\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
