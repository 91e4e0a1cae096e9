//! The whole state under a name: saved, and brought back.

use std::fs;
use std::io;
use std::path::Path;

use super::parts::Parts;
use crate::problem::{Problem, Result};
use crate::sandbox::control::trouble;
use crate::sandbox::state::Places;

impl Parts {
    pub(super) async fn save(&self, places: &Places, name: &str) -> Result<()> {
        self.quiet(name)?;
        let (to, beside) = (places.saved().join(name), places.saved().join(".making"));
        clear(&beside)?;
        fs::create_dir_all(&beside).map_err(|error| trouble(&beside, &error))?;
        self.cloud.save().map_err(Problem::environment)?;
        self.servers.save(&beside.join("postgres")).await?;
        copy(&places.cloud(), &beside.join("cloud")).map_err(|error| trouble(&beside, &error))?;
        clear(&to)?;
        fs::rename(&beside, &to).map_err(|error| trouble(&to, &error))
    }

    pub(super) async fn restore(&self, places: &Places, name: &str) -> Result<()> {
        self.quiet(name)?;
        let from = places.saved().join(name);
        if !from.is_dir() {
            return Err(Problem::usage(format!("nothing is saved as `{name}`"))
                .hint("`workshop sandbox status` lists what is saved"));
        }
        let (cloud, beside) = (places.cloud(), places.state.join("cloud.making"));
        clear(&beside)?;
        copy(&from.join("cloud"), &beside).map_err(|error| trouble(&beside, &error))?;
        self.servers.restore(&from.join("postgres")).await?;
        clear(&cloud)?;
        fs::rename(&beside, &cloud).map_err(|error| trouble(&cloud, &error))?;
        self.cloud.reload().await.map_err(Problem::environment)?;
        self.servers.prepare_spare();
        Ok(())
    }

    /// Only a state that stands still can be saved or replaced.
    fn quiet(&self, name: &str) -> Result<()> {
        if !name_is_fine(name) {
            return Err(Problem::usage(format!("`{name}` is no name for a saved state"))
                .hint("use letters, digits, dots, dashes and underscores"));
        }
        if self.cloud.busy() {
            return Err(Problem::environment("a stack operation is under way").hint("wait until it has ended"));
        }
        Ok(())
    }
}

pub(super) fn name_is_fine(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.chars().all(plain)
}

fn clear(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(trouble(dir, &error)),
        _ => Ok(()),
    }
}

/// A directory of plain files and directories.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_saved_states_are_file_names() {
        assert!(name_is_fine("chapter-3"));
        for wrong in ["", ".making", "../x", "a/b", "ä"] {
            assert!(!name_is_fine(wrong), "{wrong}");
        }
    }
}
