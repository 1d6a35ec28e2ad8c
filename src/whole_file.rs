//! Files that appear whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

/// A file being written under a temporary name beside its target.
///
/// [`commit`](Self::commit) renames it; dropped before that, it leaves nothing behind.
pub(crate) struct WholeFile {
    // Dropped (closed) before the temporary name is removed.
    writer: BufWriter<File>,
    temporary: TempPath,
    target: PathBuf,
}

impl WholeFile {
    /// Begins a file that will be called `target`.
    ///
    /// # Errors
    /// When the folder is absent or not writable, or when `target` is there and is no plain file.
    pub fn create(target: &Path) -> io::Result<Self> {
        if let Ok(there) = std::fs::metadata(target)
            && !there.is_file()
        {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the name is taken by something that is no file"));
        }
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".instanton-").suffix(".part");
        #[cfg(unix)]
        {
            // The usual permissions, narrowed by the umask; temporary files are private otherwise.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let (file, temporary) = builder.tempfile_in(folder)?.into_parts();
        Ok(Self { writer: BufWriter::with_capacity(1 << 16, file), temporary, target: target.to_owned() })
    }

    /// Writes a file of these bytes, whole or not at all.
    ///
    /// # Errors
    /// What the system says; what was at `target` is then untouched.
    pub fn write_all_of(target: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = Self::create(target)?;
        file.write_all(bytes)?;
        file.commit()
    }

    /// The part to which a container writer of another crate writes, and the rest, to be
    /// reunited by [`commit_parts`](Self::commit_parts).
    pub fn into_parts(self) -> (BufWriter<File>, (TempPath, PathBuf)) {
        (self.writer, (self.temporary, self.target))
    }

    /// Puts what [`into_parts`](Self::into_parts) took apart under its final name.
    ///
    /// # Errors
    /// When the last bytes cannot be written or the rename is refused.
    pub fn commit_parts(writer: BufWriter<File>, rest: (TempPath, PathBuf)) -> io::Result<()> {
        let (temporary, target) = rest;
        Self { writer, temporary, target }.commit()
    }

    /// Writes out what is buffered and gives the file its name.
    ///
    /// # Errors
    /// When the last bytes cannot be written or the rename is refused.
    pub fn commit(self) -> io::Result<()> {
        let file = self.writer.into_inner().map_err(|error| error.into_error())?;
        // Without this a power cut after the rename could leave a file of zeros.
        file.sync_all()?;
        drop(file);
        self.temporary.persist(&self.target).map_err(|error| error.error)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
