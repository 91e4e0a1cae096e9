//! What a person has set for every workshop: a file of `name = value` lines.
//!
//! `$XDG_CONFIG_HOME/workshop/config`, or `~/.config/workshop/config`. What is set by a key in a directory
//! to something else wins there.

use std::path::{Path, PathBuf};

use super::bindings::Keymap;
use super::remapping::{self, KeyProblem};
use super::settings::ScreenSettings;
use super::theme::{Backdrop, Looks};
use workshop_base::problem::Problem;

/// The settings of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserConfig {
    /// None: the terminal is asked.
    pub theme: Option<Backdrop>,
    pub settings: ScreenSettings,
    pub keymap: Keymap,
    /// The console's entry has vi's keys.
    pub vi: bool,
    /// No sandbox follows a talk in an account.
    pub no_standby: bool,
}

impl UserConfig {
    /// Reads the file of whoever has this environment; what is not there is as it is without one.
    ///
    /// # Errors
    /// When the file cannot be read, or has a line that means nothing, with its place and what is possible there.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<UserConfig, Problem> {
        let Some(path) = path(get) else { return Ok(UserConfig::default()) };
        match std::fs::read_to_string(&path) {
            Ok(text) => parse(&text, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(UserConfig::default()),
            Err(error) => Err(Problem::environment(format!("{} cannot be read: {error}", path.display()))),
        }
    }

    /// Returns the looks with the theme that was chosen.
    pub fn dress(&self, looks: Looks) -> Looks {
        match self.theme {
            Some(backdrop) => Looks { backdrop, asks_backdrop: false, ..looks },
            None => looks,
        }
    }
}

fn path(get: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| get(name).filter(|value| Path::new(value).is_absolute()).map(PathBuf::from);
    let base = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))?;
    Some(base.join("workshop/config"))
}

/// Names and what they may be.
const NAMES: &str = "theme (auto, dark, light), clock, mouse, redact, audience, standby (on, off), editing_mode (emacs, vi), key.COMMAND (keys, with commas between them)";

fn parse(text: &str, path: &Path) -> Result<UserConfig, Problem> {
    let mut config = UserConfig::default();
    let of = |(number, line): (usize, &str)| take(&mut config, line, number, path).err();
    let mut wrong: Vec<Problem> = text.lines().enumerate().filter_map(of).collect();
    match wrong.len() {
        0 => Ok(config),
        1 => Err(wrong.remove(0)),
        _ => {
            let hinted = |problem: &Problem| match problem.hint.as_deref() {
                Some(hint) if hint != NAMES => format!("{problem} ({hint})"),
                _ => problem.to_string(),
            };
            let all = wrong.iter().map(hinted).collect::<Vec<_>>().join("\n");
            let names = wrong.iter().any(|problem| problem.hint.as_deref() == Some(NAMES));
            let problem = Problem::usage(all);
            Err(if names { problem.hint(NAMES.to_owned()) } else { problem })
        }
    }
}

/// Takes in one line.
fn take(config: &mut UserConfig, line: &str, number: usize, path: &Path) -> Result<(), Problem> {
    let content = line.split('#').next().unwrap_or_default();
    if content.trim().is_empty() {
        return Ok(());
    }
    // Every part is a piece of this line: where it begins in memory says where in the line, whatever else looks like it.
    let at = |part: &str| line[..part.as_ptr().addr() - line.as_ptr().addr()].chars().count() + 1;
    let wrong = |column: usize, what: String, hint: &str| {
        let place = format!("{}:{}:{column}", path.display(), number + 1);
        Problem::usage(format!("{place}: {what}")).hint(hint.to_owned())
    };
    let Some((name, value)) = content.split_once('=') else {
        return Err(wrong(at(content.trim()), "a line is `name = value`".to_owned(), NAMES));
    };
    let (name, value) = (name.trim(), value.trim().trim_matches('"'));
    let switch = || match value {
        "on" | "true" | "yes" => Ok(true),
        "off" | "false" | "no" => Ok(false),
        _ => Err(wrong(at(value), format!("{name} is on or off, not “{value}”"), NAMES)),
    };
    match name {
        "theme" => {
            config.theme = match value {
                "auto" => None,
                "dark" => Some(Backdrop::Dark),
                "light" => Some(Backdrop::Light),
                _ => return Err(wrong(at(value), format!("there is no theme “{value}”"), NAMES)),
            }
        }
        "editing_mode" => {
            config.vi = match value {
                "vi" => true,
                "emacs" => false,
                _ => {
                    return Err(wrong(
                        at(value),
                        format!("the console is edited as in emacs or vi, not “{value}”"),
                        NAMES,
                    ));
                }
            }
        }
        "clock" => config.settings.clock = switch()?,
        "mouse" => config.settings.mouse = switch()?,
        "redact" => config.settings.redact = switch()?,
        "audience" => config.settings.audience = switch()?,
        "standby" => config.no_standby = !switch()?,
        _ if name.starts_with("key.") => {
            let set = remapping::set(&mut config.keymap, &name["key.".len()..], value);
            set.map_err(|KeyProblem { what, hint, part }| wrong(at(part), what, &hint))?;
        }
        _ => return Err(wrong(at(name), format!("nothing is called “{name}”"), NAMES)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::bindings::KeyAction;

    #[test]
    fn lines_set_what_they_name() {
        let config = parse("# mine\ntheme = \"light\" # projector\n\nclock=on\n", Path::new("c")).unwrap();
        assert_eq!(config.theme, Some(Backdrop::Light));
        assert!(config.settings.clock && !config.settings.mouse);
        let keys = parse("key.run = R, f5 # mine\nkey.hint = r\n", Path::new("c")).unwrap().keymap;
        assert_eq!(
            (remapping::name(&keys, KeyAction::Run), remapping::name(&keys, KeyAction::Hint)),
            ("R".to_owned(), "r".to_owned())
        );
        assert!(!config.dress(Looks::FULL).asks_backdrop);
        assert_eq!(UserConfig::read(|_| None).unwrap(), UserConfig::default());
    }

    #[test]
    fn every_line_that_means_nothing_is_told_at_once() {
        let problem = parse("theme = drak\nclock = on\nkey.rum = x\n", Path::new("c")).unwrap_err();
        let told: Vec<String> = problem.to_string().lines().map(str::to_owned).collect();
        assert!(told[0].starts_with("c:1:9: ") && told[1].starts_with("c:3:5: "), "{told:?}");
        assert!(told[1].contains("did you mean run?") && problem.hint.as_deref() == Some(NAMES), "{told:?}");
    }

    #[test]
    fn a_line_that_means_nothing_is_an_error_with_its_place() {
        for (text, place, hint) in [
            ("theme = blue", "c:1:9", "theme"),
            ("\n  clok = on", "c:2:3", "theme"),
            ("clock", "c:1:1", "theme"),
            ("mouse = 1", "c:1:9", "theme"),
            ("key.rum = x", "c:1:5", "did you mean run?"),
            ("key.run = ctrl-r, hyper-x", "c:1:19", "ctrl- or alt-"),
            ("key.run = h", "c:1:11", "key.hint"),
            // What stands there may stand before it, too.
            ("key.show-diff = h", "c:1:17", "key.hint"),
            ("mouse = o # no", "c:1:9", "theme"),
            ("theme =", "c:1:8", "theme"),
            ("key.run = alt-z, z", "c:1:18", "key.zoom"),
        ] {
            let problem = parse(text, Path::new("c")).unwrap_err();
            assert!(problem.to_string().starts_with(place), "{problem}");
            assert!(problem.hint.as_ref().unwrap().contains(hint), "{problem:?}");
        }
    }
}
