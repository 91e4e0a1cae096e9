//! How one has set the screen, remembered for the working directory.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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

/// The settings of a working directory, kept as they change.
#[derive(Debug)]
pub struct KeptSettings {
    /// Settings of the person for every workshop.
    everywhere: ScreenSettings,
    /// Settings that were asked for at the start are to be kept, once the workshop has a directory of its own.
    waits: bool,
}

impl KeptSettings {
    /// Reads the settings of a working directory; `redact` hides identities whatever they say, and is kept like a key's doing.
    pub fn open(workdir: &Path, everywhere: ScreenSettings, redact: bool) -> (ScreenSettings, KeptSettings) {
        let kept = ScreenSettings::read(workdir, everywhere);
        let settings = ScreenSettings { redact: kept.redact || redact, ..kept };
        (settings, KeptSettings { everywhere, waits: settings != kept })
    }

    /// Keeps what was asked for at the start, now that the workshop has its directory.
    pub fn opened(&mut self, workdir: &Path, settings: ScreenSettings) {
        if std::mem::take(&mut self.waits) {
            self.keep(workdir, settings);
        }
    }

    /// Keeps settings for the next time; what stands in the way of that is told in the log.
    pub fn keep(&self, workdir: &Path, settings: ScreenSettings) {
        if let Err(error) = settings.write(workdir, self.everywhere) {
            tracing::warn!("how the screen is set could not be kept: {error}");
        }
    }
}

/// In the workshop's own directory.
const FILE: &str = "screen.json";

impl ScreenSettings {
    /// Returns what one has for all working directories, but for what was kept in this one; the former alone where that makes
    /// no sense.
    pub fn read(workdir: &Path, otherwise: ScreenSettings) -> ScreenSettings {
        let of = |kept: Map<String, Value>| {
            let mut all = otherwise.fields()?;
            all.extend(kept);
            serde_json::from_value(Value::Object(all)).ok()
        };
        kept(workdir).and_then(of).unwrap_or(otherwise)
    }

    /// Keeps those that are others than one has for all working directories, and those that were set here before, where the
    /// workshop has a directory of its own: what was never set here follows the rest.
    ///
    /// # Errors
    /// When it cannot be written, or a link stands in its place.
    pub fn write(&self, workdir: &Path, otherwise: ScreenSettings) -> io::Result<()> {
        let (mut own, all) = (self.fields().unwrap_or_default(), otherwise.fields().unwrap_or_default());
        let before = kept(workdir).unwrap_or_default();
        own.retain(|name, value| before.contains_key(name) || all.get(name) != Some(value));
        let text = serde_json::to_vec(&own).map_err(io::Error::other)?;
        match PrivateDir::existing(workdir, OURS)? {
            Some(own) => own.replace(FILE, &text),
            None => Ok(()),
        }
    }

    /// Returns each setting by its name.
    fn fields(&self) -> Option<Map<String, Value>> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => Some(fields),
            _ => None,
        }
    }
}

/// Reads what was kept in a working directory, by the names of the settings.
fn kept(workdir: &Path) -> Option<Map<String, Value>> {
    let text = PrivateDir::existing(workdir, OURS).and_then(|own| own.map_or(Ok(None), |own| own.read(FILE)));
    serde_json::from_slice(&text.ok()??).ok()
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
        let _ = set.write(dir.path(), ScreenSettings::default());
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "mine");
        let _ = std::fs::remove_file(dir.path().join(OURS).join(FILE));
        set.write(dir.path(), ScreenSettings::default()).unwrap();
        assert_eq!(ScreenSettings::read(dir.path(), ScreenSettings::default()), set);
    }

    #[test]
    fn what_was_not_set_here_follows_what_one_has_for_all() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(OURS)).unwrap();
        let all = ScreenSettings { clock: true, ..ScreenSettings::default() };
        // A zoom is no word about identities, nor about the clock.
        ScreenSettings { zoom: true, ..all }.write(dir.path(), all).unwrap();
        let later = ScreenSettings { redact: true, ..ScreenSettings::default() };
        assert_eq!(ScreenSettings::read(dir.path(), later), ScreenSettings { zoom: true, ..later });
        // What was set here stays, whatever is set for the others.
        ScreenSettings { clock: false, ..all }.write(dir.path(), all).unwrap();
        assert!(!ScreenSettings::read(dir.path(), all).clock);
        // Also where those came to be the same meanwhile, and another key is pressed here.
        let (on, off) = (ScreenSettings { clock: true, ..all }, ScreenSettings { clock: false, ..all });
        on.write(dir.path(), off).unwrap();
        ScreenSettings { zoom: true, ..on }.write(dir.path(), on).unwrap();
        assert!(ScreenSettings::read(dir.path(), off).clock);
        off.write(dir.path(), all).unwrap();
        // What is asked for at the start is remembered like a key's doing.
        let (settings, mut kept) = KeptSettings::open(dir.path(), all, true);
        assert!(settings.redact && !ScreenSettings::read(dir.path(), all).redact);
        kept.opened(dir.path(), settings);
        assert!(ScreenSettings::read(dir.path(), all).redact);
        // An older file holds all of them.
        let old = br#"{"redact":true,"clock":false,"audience":false,"zoom":false,"diff":"unified","mouse":false}"#;
        std::fs::write(dir.path().join(OURS).join(FILE), old).unwrap();
        let read = ScreenSettings::read(dir.path(), all);
        assert!(read.redact && !read.clock && read.diff == Arrangement::Unified);
    }
}
