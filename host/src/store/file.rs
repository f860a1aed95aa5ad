//! Files that nobody but their owner may read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use uuid::Uuid;

/// Makes a directory where there is none.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    builder.mode(0o700);
    builder.recursive(true).create(path)
}

/// Makes a file, which must not exist. It has its name when it is whole and on disk, not before; nothing is left of one
/// that could not be filled.
pub(crate) fn make<E>(
    path: &Path,
    failed: impl Fn(io::Error) -> E,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(failed(io::ErrorKind::AlreadyExists.into()));
    }
    let path = &std::path::absolute(path).map_err(&failed)?;
    let temporary = path.with_added_extension(format!("{}.part", Uuid::now_v7().simple()));
    let create = || options().create_new(true).open(&temporary).map(drop);
    let sync = || File::open(&temporary)?.sync_all();
    let made = create()
        .map_err(&failed)
        .and_then(|()| fill(&temporary))
        .and_then(|()| {
            sync()
                .and_then(|()| place(&temporary, path))
                .map_err(&failed)
        });
    if made.is_err() {
        // The error says what matters.
        let _ = fs::remove_file(&temporary);
    }
    made
}

/// Opens a file, or makes it. One that others could read is closed to them.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = options().create(true).truncate(false).open(path)?;
    if open_to_others(&file)?.is_some() {
        #[cfg(unix)]
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// The mode of a file that others than its owner may read or write.
pub(crate) fn open_to_others(file: &File) -> io::Result<Option<u32>> {
    #[cfg(unix)]
    let mode = file.metadata()?.permissions().mode() & 0o777;
    #[cfg(not(unix))]
    let mode = {
        let _ = file;
        0
    };
    Ok((mode & 0o077 != 0).then_some(mode))
}

/// Gives a finished file its name, which must not exist.
fn place(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Ok(()) => fs::remove_file(temporary)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // Not every file system has links. What another process makes between these two lines is lost.
        Err(_) if fs::symlink_metadata(path).is_ok() => {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Err(_) => fs::rename(temporary, path)?,
    }
    sync_parent(path)
}

/// Makes sure that the name of a file is on disk.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    options.mode(0o600);
    options
}
