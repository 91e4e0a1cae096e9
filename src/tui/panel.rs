//! The panels of the screen.

use workshop_course::lesson::model::StepAction;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Panel {
    Outline,
    Page,
    Diff,
    Deploy,
    Sql,
    Checks,
    Log,
    Load,
}

impl Panel {
    pub const ALL: [Panel; 8] =
        [Panel::Outline, Panel::Page, Panel::Diff, Panel::Deploy, Panel::Sql, Panel::Checks, Panel::Log, Panel::Load];
    /// The panels of the right column.
    pub const TOOLS: [Panel; 6] = [Panel::Diff, Panel::Deploy, Panel::Sql, Panel::Checks, Panel::Log, Panel::Load];

    /// Returns the name as tabs and titles show it.
    pub fn title(self) -> &'static str {
        match self {
            Panel::Outline => "Outline",
            Panel::Page => "Page",
            Panel::Diff => "Diff",
            Panel::Deploy => "Deploy",
            Panel::Sql => "SQL",
            Panel::Checks => "Checks",
            Panel::Log => "Log",
            Panel::Load => "Load",
        }
    }
    /// Says whether its place is the right column.
    pub fn is_tool(self) -> bool {
        Panel::TOOLS.contains(&self)
    }
    /// The panel where a step's action shows.
    pub fn of(action: &StepAction) -> Option<Panel> {
        match action {
            // The header says what it is under.
            StepAction::Read | StepAction::Simulate(_) => None,
            StepAction::Edit(_) => Some(Panel::Diff),
            StepAction::Deploy(_) => Some(Panel::Deploy),
            StepAction::Sql(_) => Some(Panel::Sql),
            StepAction::Check(_) => Some(Panel::Checks),
            StepAction::Shell(_) | StepAction::Invoke(_) | StepAction::Serve(_) | StepAction::Stop(_) => {
                Some(Panel::Log)
            }
            StepAction::Load(_) => Some(Panel::Load),
        }
    }
}
