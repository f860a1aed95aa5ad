//! The components that channels run: the bundled one, and files that were handed in, kept by their hash.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::store::file;
use crate::{Engine, LoadError, Plugin};

/// The word for the bundled component.
const BUNDLED: &str = "bundled";

/// Where a channel's component comes from.
#[derive(Clone, Debug)]
pub enum Component {
    /// The one that the host carries.
    Bundled,
    /// This one, which the host keeps a copy of.
    Bytes(Vec<u8>),
}

/// The components of a host.
pub(crate) struct Plugins {
    engine: Engine,
    directory: PathBuf,
    bundled: Option<&'static [u8]>,
    loaded: Mutex<HashMap<String, Plugin>>,
}

impl Plugins {
    pub(crate) fn new(engine: Engine, directory: &Path, bundled: Option<&'static [u8]>) -> Self {
        Self {
            engine,
            directory: directory.join("plugins"),
            bundled,
            loaded: Mutex::default(),
        }
    }

    /// Takes a component in: checked, and kept where it is not the bundled one. Returns its key. Blocks.
    pub(crate) fn take(&self, component: &Component) -> Result<(String, Plugin), LoadError> {
        let Component::Bytes(bytes) = component else {
            return Ok((BUNDLED.to_owned(), self.load(BUNDLED)?));
        };
        let key = hex::encode(Sha256::digest(bytes));
        let plugin = self.engine.load(name(&key), bytes)?;
        let path = self.path(&key);
        let temporary = path.with_extension("new");
        let kept = std::fs::create_dir_all(&self.directory)
            .and_then(|()| std::fs::write(&temporary, bytes))
            .and_then(|()| std::fs::File::open(&temporary)?.sync_all())
            .and_then(|()| std::fs::rename(&temporary, &path))
            .and_then(|()| file::sync_parent(&path));
        kept.map_err(|source| LoadError::Read { path, source })?;
        self.remember(&key, &plugin);
        Ok((key, plugin))
    }

    /// The component of a key. Blocks.
    pub(crate) fn load(&self, key: &str) -> Result<Plugin, LoadError> {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plugin) = loaded.get(key) {
            return Ok(plugin.clone());
        }
        drop(loaded);
        let plugin = if key == BUNDLED {
            let bundled = self.bundled.ok_or(LoadError::NotBundled)?;
            self.engine.load(BUNDLED, bundled)?
        } else {
            self.engine
                .load(name(key), &self.engine.read(&self.path(key))?)?
        };
        self.remember(key, &plugin);
        Ok(plugin)
    }

    fn remember(&self, key: &str, plugin: &Plugin) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.insert(key.to_owned(), plugin.clone());
    }

    fn path(&self, key: &str) -> PathBuf {
        self.directory.join(format!("{key}.wasm"))
    }
}

/// What logs call a component: the beginning of its hash.
fn name(key: &str) -> &str {
    key.get(..12).unwrap_or(key)
}
