//! How one has set the screen, remembered for the working directory.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::diffrows::Arrangement;
use workshop_base::private_dir::{OURS, PrivateDir};

/// Remembered from one run to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ScreenSettings {
    /// Account ids, ARNs, endpoints and tokens are hidden.
    pub redact: bool,
    /// The clock and the planned times are shown: for who presents, not for who learns at their own pace.
    pub clock: bool,
    /// For those who look on: the page and one panel, no outline, no clock, no keys, and identities hidden.
    pub audience: bool,
    /// One panel fills the screen.
    pub zoom: bool,
    pub diff: Arrangement,
    /// The mouse is the workshop's; without it the terminal selects text, as it does everywhere.
    pub mouse: bool,
}

/// In the workshop's own directory.
const FILE: &str = "screen.json";

impl ScreenSettings {
    /// Returns what was kept in this working directory; what one has for all of them, when there is nothing, or nothing
    /// that makes sense.
    pub fn read(workdir: &Path, otherwise: ScreenSettings) -> ScreenSettings {
        let kept = PrivateDir::existing(workdir, OURS).and_then(|own| own.map_or(Ok(None), |own| own.read(FILE)));
        let kept = kept.ok().flatten();
        kept.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or(otherwise)
    }

    /// Keeps them, where the workshop has a directory of its own.
    ///
    /// # Errors
    /// When it cannot be written, or a link stands in its place.
    pub fn write(&self, workdir: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        match PrivateDir::existing(workdir, OURS)? {
            Some(own) => own.replace(FILE, &text),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_there_the_next_time_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".workshop")).unwrap();
        let elsewhere = dir.path().join("mine.txt");
        std::fs::write(&elsewhere, "mine").unwrap();
        std::os::unix::fs::symlink(&elsewhere, dir.path().join(OURS).join(FILE)).unwrap();
        assert_eq!(
            ScreenSettings::read(dir.path(), ScreenSettings::default()),
            ScreenSettings::default(),
            "no sense in it"
        );
        let set = ScreenSettings { redact: true, diff: Arrangement::SideBySide, ..ScreenSettings::default() };
        // Replaced or refused: what it leads to stays as it is.
        let _ = set.write(dir.path());
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "mine");
        let _ = std::fs::remove_file(dir.path().join(OURS).join(FILE));
        set.write(dir.path()).unwrap();
        assert_eq!(ScreenSettings::read(dir.path(), ScreenSettings::default()), set);
    }
}
