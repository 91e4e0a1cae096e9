//! The window's title, the progress on its tab and the desktop's notifications, for terminals that have them.

use super::model::{WindowProgress, WindowState};

/// What this terminal understands besides a title, by what it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Desktop {
    /// OSC 9;4 draws progress. Where it is not known it would be a notification at every step.
    pub progress: bool,
    /// OSC 9 notifies.
    pub notifies: bool,
}

impl Desktop {
    /// Decides from the values of `TERM_PROGRAM`, `TERM`, `WT_SESSION` and `ConEmuANSI`. Inside tmux and screen these
    /// sequences do not reach the terminal.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Desktop {
        let value = |name: &str| get(name).unwrap_or_default().to_ascii_lowercase();
        let (program, term) = (value("TERM_PROGRAM"), value("TERM"));
        if !value("TMUX").is_empty() || !value("STY").is_empty() {
            return Desktop::default();
        }
        let windows = !value("WT_SESSION").is_empty() || value("ConEmuANSI") == "on";
        let ghostty = program == "ghostty" || term.contains("ghostty");
        let wezterm = program == "wezterm";
        Desktop {
            progress: windows || ghostty || wezterm || program == "mintty",
            notifies: ghostty || wezterm || program == "iterm.app" || term.contains("kitty"),
        }
    }

    /// Returns the bytes that show a window's state.
    pub fn window(self, state: &WindowState) -> Vec<u8> {
        let mut out = format!("\x1b]2;{}\x1b\\", plain(&state.title));
        if self.progress {
            let (kind, percent) = match state.progress {
                WindowProgress::None => (0, 0),
                WindowProgress::Unknown => (3, 0),
                WindowProgress::Percent(percent) => (1, percent),
            };
            out.push_str(&format!("\x1b]9;4;{kind};{percent}\x1b\\"));
        }
        out.into_bytes()
    }

    /// Returns the bytes that announce something: a notification, and the bell for every terminal.
    pub fn announce(self, text: &str) -> Vec<u8> {
        let mut out = vec![7];
        if self.notifies {
            let text = plain(text);
            // What begins with a digit would be another command (`9;4` is progress).
            let lead = if text.starts_with(|c: char| c.is_ascii_digit()) { "› " } else { "" };
            out.extend(format!("\x1b]9;{lead}{text}\x1b\\").into_bytes());
        }
        out
    }
}

/// A control string holds no control characters.
fn plain(text: &str) -> String {
    let clean = workshop_base::text::sanitize(text);
    clean.chars().filter(|c| !c.is_control()).take(200).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_end_its_own_sequence() {
        let state = WindowState { title: "a\x1b\\\x07b".into(), progress: WindowProgress::Percent(40) };
        let bytes = Desktop { progress: true, notifies: false }.window(&state);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches('\x1b').count(), 4, "{text:?}");
        assert!(text.ends_with("\x1b]9;4;1;40\x1b\\"));
        assert_eq!(Desktop::default().announce("over"), [7]);
        let told = Desktop { progress: true, notifies: true }.announce("4;3 transfers: passed");
        assert_eq!(String::from_utf8(told).unwrap(), "\x07\x1b]9;› 4;3 transfers: passed\x1b\\");
    }

    #[test]
    fn only_terminals_that_draw_progress_get_it() {
        let of = |pairs: &'static [(&str, &str)]| {
            Desktop::from_environment(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).to_owned()))
        };
        assert!(of(&[("TERM_PROGRAM", "WezTerm")]).progress);
        assert!(!of(&[("TERM_PROGRAM", "iTerm.app")]).progress && of(&[("TERM_PROGRAM", "iTerm.app")]).notifies);
        assert_eq!(of(&[("TERM_PROGRAM", "ghostty"), ("TMUX", "x")]), Desktop::default());
        assert_eq!(of(&[("TERM", "xterm-256color")]), Desktop::default());
    }
}
