//! The three locks before a table, as a picture: who may connect at all, as which role, and what that may touch; which of them
//! refused, and the step that opens it.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::spans::{display_text, span};
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::{theme, wrap};
use workshop_course::lesson::model::{Chapter, Step, StepAction};
use workshop_engine::event::{CheckRef, Failure, StepRef};

/// What stands between a function and a row, in the order in which it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessLock {
    /// The identity's policy allows `dsql:DbConnect`.
    IamPolicy,
    /// `AWS IAM GRANT role TO 'arn'` lets it in as the role.
    RoleMapping,
    /// `GRANT … ON table TO role` lets the role touch the table.
    TableGrant,
}

const ALL: [(AccessLock, &str, &str); 3] = [
    (AccessLock::IamPolicy, "IAM policy", "dsql:DbConnect"),
    (AccessLock::RoleMapping, "role mapping", "AWS IAM GRANT"),
    (AccessLock::TableGrant, "GRANT", "on the table"),
];

impl AccessLock {
    /// Finds out which lock refused, by what the database said; None when it was none of them.
    pub fn of(failure: &Failure) -> Option<AccessLock> {
        let said = format!("{}\n{}", failure.actual, failure.output.join("\n"));
        let says = |text: &str| said.contains(text);
        let denied = says("access denied");
        match () {
            () if says("permission denied for") => Some(AccessLock::TableGrant),
            () if denied && (says("DbConnect on resource") || says("DbConnectAdmin on resource")) => {
                Some(AccessLock::IamPolicy)
            }
            () if denied && says("not authorized to perform") => Some(AccessLock::IamPolicy),
            // A refusal without a hint, and one that names the role, come from the mapping.
            () if denied && (says("not authorized to access this resource") || says("28000")) => {
                Some(AccessLock::RoleMapping)
            }
            () if denied && matches!(failure.sqlstate.as_deref(), Some("28000" | "08P01")) => {
                Some(AccessLock::RoleMapping)
            }
            () => None,
        }
    }
}

/// Names what opens a lock: of the two permissions to connect that which was asked for.
fn opens(failure: &Failure, index: usize) -> &'static str {
    let (lock, _, by) = ALL[index];
    let as_admin =
        || failure.output.iter().chain([&failure.actual]).any(|text| text.contains("DbConnectAdmin on resource"));
    if lock == AccessLock::IamPolicy && as_admin() { "dsql:DbConnectAdmin" } else { by }
}

/// Returns the picture for a failure; empty when no lock has to do with it.
pub fn lines(failure: &Failure, width: usize) -> Vec<Line<'static>> {
    let Some(refused) = AccessLock::of(failure) else { return Vec::new() };
    let at = ALL.iter().position(|(lock, ..)| *lock == refused).unwrap_or(0);
    let state = |index: usize| -> (&str, &str, Style) {
        match index.cmp(&at) {
            std::cmp::Ordering::Less => ("✓", "open", theme::GOOD),
            std::cmp::Ordering::Equal => ("✗", "refused", theme::BAD.patch(theme::STRONG)),
            std::cmp::Ordering::Greater => ("○", "not asked yet", theme::DIM),
        }
    };
    let mut out = Vec::new();
    if width >= BESIDE {
        let wide = (width - 2) / 3;
        let whole = |index: usize| {
            let (word, by) = (state(index).1, opens(failure, index));
            wrap::width(word) + wrap::width(by) + 5 <= wide
        };
        let fits = (0..ALL.len()).all(whole);
        let (mut names, mut states) = (vec![Span::raw("  ")], vec![Span::raw("  ")]);
        for (index, (_, name, _)) in ALL.iter().enumerate() {
            let (mark, word, style) = state(index);
            let by = opens(failure, index);
            let arrow = if index + 1 < ALL.len() { " ─▶ " } else { "" };
            let room = wide - wrap::width(arrow);
            let title = format!("{mark} {name} ");
            let line = if arrow.is_empty() { " " } else { "─" };
            names.push(span(wrap::fit(&title, room).into_owned(), style));
            names.push(span(line.repeat(room.saturating_sub(wrap::width(&title))), theme::DIM));
            names.push(span(arrow, theme::DIM));
            let told = if fits { format!("  {word}: {by}") } else { format!("  {word}") };
            states.push(span(format!("{:<wide$}", wrap::fit(&told, wide - 1)), theme::DIM));
        }
        out.push(Line::from(names));
        out.push(Line::from(states));
    } else {
        out.push(Line::styled("Which lock refused?", theme::STRONG));
        for (index, (_, name, _)) in ALL.iter().enumerate() {
            let (mark, word, style) = state(index);
            let by = opens(failure, index);
            let whole = format!("  {word}: {by}");
            let fits = wrap::width(name) + wrap::width(&whole) + 4 <= width;
            let words = [span(*name, style), span(if fits { whole } else { format!("  {word}") }, theme::DIM)];
            out.extend(wrap::words(&words, width, &span(format!("  {mark} "), style), &Span::raw("    ")));
        }
    }
    out
}

/// Columns from which on the locks stand side by side.
const BESIDE: usize = 72;

/// Returns the step that opens the lock that refused: the next one of the chapter that is to be done, else the last before
/// here, else one of a later chapter.
pub fn opened_by<'a>(m: &'a Model, failure: &Failure) -> Option<(&'a Chapter, &'a Step)> {
    let lock = AccessLock::of(failure)?;
    let here = m.here()?;
    let opens = |chapter: &Chapter, step: &Step| match (&step.action, lock) {
        (StepAction::Edit(edit), AccessLock::IamPolicy) => edit.hunks.iter().any(|hunk| {
            let diff = chapter.diff.iter().find(|diff| diff.path == hunk.file);
            let lines = diff.and_then(|diff| diff.hunks.get(hunk.index)).map(|hunk| &hunk.lines);
            lines.into_iter().flatten().any(|line| line.text().contains("dsql:DbConnect"))
        }),
        (StepAction::Sql(sql), AccessLock::RoleMapping) => {
            sql.statements.iter().any(|s| begins(&s.run.0, "AWS IAM GRANT"))
        }
        (StepAction::Sql(sql), AccessLock::TableGrant) => sql.statements.iter().any(|s| begins(&s.run.0, "GRANT")),
        _ => false,
    };
    let at = |chapter: &Chapter, step: &Step| StepRef { chapter: chapter.number, step: step.id.clone() };
    let mut passed = false;
    let (mut earlier, mut later) = (None, None);
    for (chapter, step) in m.course.chapters.iter().flat_map(|c| c.steps.iter().map(move |s| (c, s))) {
        if opens(chapter, step) {
            match passed {
                false => earlier = Some((chapter, step)),
                true => later = later.or(Some((chapter, step))),
            }
        }
        passed |= at(chapter, step) == here;
    }
    let undone = earlier.filter(|(chapter, step)| !m.progress.is_settled(&at(chapter, step), step));
    let soon = later.filter(|(chapter, _)| chapter.number == here.chapter);
    undone.or(soon).or(earlier).or(later)
}

fn begins(statement: &str, words: &str) -> bool {
    let statement: Vec<&str> = statement.split_whitespace().collect();
    let words: Vec<&str> = words.split_whitespace().collect();
    statement.len() > words.len() && words.iter().zip(&statement).all(|(word, is)| word.eq_ignore_ascii_case(is))
}

/// Returns the failure that is looked at: that of the selected check where the checks have the keyboard, else the step's.
fn at_hand(m: &Model) -> Option<&Failure> {
    let here = m.here()?;
    let selected = || {
        let check = m.chapter()?.checks.get(m.checks.cursor)?.id.clone();
        m.progress.checks.get(&CheckRef { chapter: here.chapter, check })?.failure.as_ref()
    };
    let of_step = || m.progress.steps.get(&here)?.failure.as_ref();
    (m.focus == Panel::Checks).then(selected).flatten().or_else(of_step)
}

/// Returns the step that the failure at hand leads to: what opens the lock that refused.
pub fn opened_at_hand(m: &Model) -> Option<StepRef> {
    let (chapter, step) = opened_by(m, at_hand(m)?)?;
    Some(StepRef { chapter: chapter.number, step: step.id.clone() })
}

/// Returns the row that names the step which opens the lock, and its key.
pub fn key(m: &Model, failure: &Failure, width: usize) -> Vec<Line<'static>> {
    let Some((chapter, step)) = opened_by(m, failure) else { return Vec::new() };
    let title = display_text(m, &format!("{}: {}", chapter.number, step.title)).into_owned();
    let words = [span("goes to what opens it, ", theme::DIM), span(title, theme::STRONG)];
    wrap::words(&words, width, &span(format!("{} ", m.key(KeyAction::Repair)), theme::KEY), &Span::raw("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_was_refused_leads_to_what_opens_the_lock() {
        let mut player = crate::tui::golden::Player::new(120, 40);
        let course = std::sync::Arc::make_mut(&mut player.model.course);
        if let StepAction::Sql(sql) = &mut course.chapters[2].steps[0].action {
            sql.statements[1].run.0 = "grant select on accounts to reader".into();
        }
        for json in [
            r#"{"event":"opened","title":"c","target":"local","workdir":"w","position":{"chapter":1,"step":"prove"}}"#,
            r#"{"event":"check_started","attempt":1,"at_check":{"chapter":1,"check":"connects"},"title":"t"}"#,
            r#"{"event":"check_finished","at_check":{"chapter":1,"check":"connects"},"title":"t","verdict":"fail",
                "attempts":1,"took_ms":8,"failure":{"expected":"a row","actual":"permission denied for table x"}}"#,
        ] {
            player.json(json);
        }
        let leads = |player: &crate::tui::golden::Player| super::super::intent::repair_at_hand(&player.model);
        assert_eq!(leads(&player), None, "the step has not failed");
        player.key("6");
        assert_eq!(leads(&player), Some(StepRef { chapter: 2, step: "conflict".into() }));
        assert!(player.screen().iter().any(|row| row.contains("f goes to what opens it, 2: Two writers")));
    }

    #[test]
    fn the_words_of_a_refusal_say_which_lock_it_was() {
        let lock = |actual: &str, sqlstate: Option<&str>| {
            AccessLock::of(&Failure {
                actual: actual.into(),
                sqlstate: sqlstate.map(str::to_owned),
                ..Failure::default()
            })
        };
        let denied = "unable to accept connection, access denied";
        let iam =
            "HINT: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: dsql:DbConnect on resource: c";
        let role = "HINT: User: arn is not authorized to access this resource";
        assert_eq!(lock(&format!("{denied}\n{iam}"), None), Some(AccessLock::IamPolicy));
        let admin = Failure { output: vec![iam.replace("DbConnect ", "DbConnectAdmin ")], ..Failure::default() };
        let drawn = |failure: &Failure| lines(failure, 60).iter().map(|line| line.to_string()).collect::<String>();
        let denied_admin = Failure { actual: denied.into(), ..admin };
        assert!(drawn(&denied_admin).contains("refused: dsql:DbConnectAdmin"), "{}", drawn(&denied_admin));
        let denied_role = Failure { actual: format!("{denied}\n{iam}"), ..Failure::default() };
        assert!(!drawn(&denied_role).contains("Admin"), "{}", drawn(&denied_role));
        assert_eq!(lock(&format!("{denied}\n{role}"), None), Some(AccessLock::RoleMapping));
        assert_eq!(lock(denied, Some("28000")), Some(AccessLock::RoleMapping));
        assert_eq!(lock(denied, Some("08P01")), Some(AccessLock::RoleMapping));
        assert_eq!(lock("permission denied for table accounts", Some("42501")), Some(AccessLock::TableGrant));
        assert_eq!(lock("syntax error", Some("42601")), None);
        assert!(begins(" aws  iam grant myapp TO 'x'", "AWS IAM GRANT") && !begins("REVOKE x", "GRANT"));
    }
}
