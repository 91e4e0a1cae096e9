//! Ways out: how the screen or the plain mode was left, and what is still asked of the engine then.

use std::time::Duration;

use workshop_base::problem::Kind;
use workshop_engine::command::{Command, CommandKind, Refusal};
use workshop_engine::event::EventKind;

/// The way in which the screen was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By the person at the keyboard; the engine has closed or was given its time to.
    Left,
    /// By a script whose words did not all come to a good end; the first reason why.
    Failed(Kind),
    /// By a signal of this number.
    Signal(i32),
}

/// After a signal the engine gets this long to close.
pub const GRACE: Duration = Duration::from_secs(5);

/// Returns what is still to be asked of an engine that shall end, after it has told this: it refuses to quit while something
/// runs, and to let go of a deploy that has not reached the cloud.
pub fn to_its_end(told: &EventKind) -> Option<Command> {
    match told {
        EventKind::Done {
            command: CommandKind::Run | CommandKind::RunStatement | CommandKind::Check | CommandKind::Bring,
            ..
        } => Some(Command::Quit),
        EventKind::Refused { because: Refusal::NotInTheCloud, .. } => Some(Command::Cancel),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use workshop_engine::event::RequestOutcome;

    #[test]
    fn whatever_ends_that_could_not_be_left_is_left_then() {
        for command in [CommandKind::Run, CommandKind::RunStatement, CommandKind::Check, CommandKind::Bring] {
            let told = EventKind::Done { id: 1, command, outcome: RequestOutcome::Complete };
            assert_eq!(to_its_end(&told), Some(Command::Quit), "{command}");
        }
    }
}
