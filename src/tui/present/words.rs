//! Steps and events in words: for the page, the notes, the plain mode and the prompt.

use crate::tui::panel::Panel;
use crate::tui::{clock, theme};
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{
    Chapter, Choice, Course, CourseUses, DeployAction, DeployStep, EditHunk, Step, StepAction, StepExpect, Target,
};
use workshop_course::lesson::template::{Reference, TemplateSyntax};
use workshop_engine::command::BringTo;
use workshop_engine::event::{ChapterMatch, Failure, Phase, Preparation, StepRef, Verdict};
use workshop_engine::progress::{PhaseState, Progress, is_in_progress};

/// As a verb phrase that follows "space" or "next:": `runs npx cdk deploy`. With the values that are known.
pub fn does(course: &Course, progress: &Progress, step: &Step) -> String {
    let known = |reference: &Reference| progress.value(course, reference);
    match &step.action {
        StepAction::Read => "reads on".to_owned(),
        StepAction::Edit(_) if is_written(progress, chapter_of(course, step), step) => {
            "finds all of it written already".to_owned()
        }
        StepAction::Edit(edit) => {
            let mut files: Vec<&str> = edit.hunks.iter().map(|h| h.file.as_str()).collect();
            files.dedup();
            let missing = edit.hunks.iter().filter(|hunk| !is_there(progress, chapter_of(course, step), hunk)).count();
            let changes = match edit.hunks.len() - missing {
                0 => counted(missing, "change"),
                _ => counted(missing, "more change"),
            };
            match files.as_slice() {
                [one] => format!("applies {changes} to {one}"),
                many => format!("applies {changes} in {}", counted(many.len(), "file")),
            }
        }
        StepAction::Deploy(deploy) => deploys(deploy),
        StepAction::Sql(sql) => {
            let mut sessions: Vec<&str> = sql.statements.iter().map(|s| s.session.as_str()).collect();
            sessions.sort_unstable();
            sessions.dedup();
            let count = counted(sql.statements.len(), "statement");
            match sessions.as_slice() {
                [_] => format!("runs {count} in the console"),
                many => format!("runs {count} in the sessions {}", listed(many)),
            }
        }
        StepAction::Shell(shell) => format!("runs {}", first_line(&shell.run.shown(TemplateSyntax::Shell, known))),
        StepAction::Invoke(invoke) => {
            format!("invokes the function with {}", first_line(&invoke.payload.shown(TemplateSyntax::Json, known)))
        }
        StepAction::Serve(serve) => {
            format!("starts {}: {}", serve.name, first_line(&serve.run.shown(TemplateSyntax::Shell, known)))
        }
        StepAction::Stop(names) if names.is_empty() => "stops what was started".to_owned(),
        StepAction::Stop(names) => {
            format!("stops {}", listed(&names.iter().map(String::as_str).collect::<Vec<_>>()))
        }
        StepAction::Check(checks) => format!("runs {}", counted(checks.len(), "check")),
        StepAction::Load(load) => {
            format!("invokes the function {} times, {} at once", load.invocations, load.concurrency)
        }
        StepAction::Simulate(simulate) => {
            format!("puts the sandbox under conditions: {}", listed_owned(&simulate.says()))
        }
    }
}

/// Tells whether all that an edit step of a chapter writes is in the files, whoever wrote it, as far as that is known.
pub fn is_written(progress: &Progress, chapter: Option<u32>, step: &Step) -> bool {
    let StepAction::Edit(edit) = &step.action else { return false };
    !edit.hunks.is_empty() && edit.hunks.iter().all(|hunk| is_there(progress, chapter, hunk))
}

/// Tells whether a change of a chapter is in the files, as far as that is known.
fn is_there(progress: &Progress, chapter: Option<u32>, hunk: &EditHunk) -> bool {
    let is_known = chapter.is_some() && progress.hunks_chapter == chapter;
    is_known && progress.hunks.contains(&(hunk.file.clone(), hunk.index))
}

/// The chapter that a step of the course is in.
fn chapter_of(course: &Course, step: &Step) -> Option<u32> {
    let has = |chapter: &&Chapter| chapter.steps.iter().any(|known| std::ptr::eq(known, step));
    course.chapters.iter().find(has).map(|chapter| chapter.number)
}

fn deploys(deploy: &DeployStep) -> String {
    let of = deploy.stack.as_ref().map(|stack| format!(" {stack}")).unwrap_or_default();
    match (deploy.action, &deploy.template) {
        (DeployAction::Bootstrap, _) => "runs npx cdk bootstrap".to_owned(),
        (DeployAction::Deploy, None) => format!("runs npx cdk deploy{of}"),
        (DeployAction::Destroy, None) => format!("runs npx cdk destroy{of}"),
        (DeployAction::Deploy, Some(template)) => format!("deploys {} as the stack{of}", template.file),
        (DeployAction::Destroy, Some(_)) => format!("deletes the stack{of}"),
    }
}

/// Says what was put back as a whole, of what the course has; None where it has neither.
pub fn put_back(uses: CourseUses) -> Option<&'static str> {
    match (uses.deploys, uses.asks) {
        (true, true) => Some("Stack and database were put back as a whole"),
        (true, false) => Some("The stack was put back as a whole"),
        (false, true) => Some("The database was put back as a whole"),
        (false, false) => None,
    }
}

/// Says why a panel has nothing to show, of those that some courses have no use for.
pub fn nothing_for(panel: Panel) -> Option<&'static str> {
    match panel {
        Panel::Deploy => Some("This course deploys nothing"),
        Panel::Sql => Some("This course has no database"),
        Panel::Checks => Some("This course has no checks"),
        Panel::Outline | Panel::Page | Panel::Diff | Panel::Log | Panel::Load => None,
    }
}

/// Returns how many of so many have passed, and how many of the rest failed as they should: `1 of 3 passed, 1 failed as
/// expected`.
pub fn passed(verdicts: impl Iterator<Item = Option<Verdict>>) -> String {
    let (mut all, mut passed, mut expected) = (0, 0, 0);
    for verdict in verdicts {
        all += 1;
        passed += usize::from(matches!(verdict, Some(Verdict::Pass | Verdict::Skipped)));
        expected += usize::from(verdict == Some(Verdict::FailedAsExpected));
    }
    match expected {
        0 => format!("{passed} of {all} passed"),
        n => format!("{passed} of {all} passed, {n} failed as expected"),
    }
}

/// Says of a step that its panel shows another one's run, or none, with a sign: it has not run, or that is another's.
pub fn not_shown(title: &str, is_ahead: bool, shows: bool) -> (&'static str, String) {
    match (is_ahead, shows) {
        (true, _) => ("○ ", format!("{title} has not run yet.")),
        (false, true) => ("– ", format!("{title} has run; what is shown here is another step's.")),
        (false, false) => ("– ", format!("{title} has run.")),
    }
}

/// Leads to the run that a panel shows of another step.
pub fn beside_it(is_ahead: bool) -> &'static str {
    if is_ahead { "Before it:" } else { "Of another step:" }
}

/// Says how much there is beside what shows: below, as long as there is any there.
pub fn besides(above: usize, below: usize) -> String {
    match below {
        0 => format!("↑ {} above", counted(above, "line")),
        below => format!("↓ {}", counted(below, "more line")),
    }
}

/// Returns what a presenter has to say at a step: its notes, and what there is to say while it runs. In Markdown.
pub fn notes(course: &Course, progress: &Progress, step: &Step) -> String {
    let meanwhile = step.while_running.as_ref().map(|text| format!("While it runs: {}", text.trim()));
    let all: Vec<&str> = step.notes.as_deref().map(str::trim).into_iter().chain(meanwhile.as_deref()).collect();
    if all.is_empty() {
        return "This step has no notes.".to_owned();
    }
    progress.filled(course, &all.join("\n\n")).into_owned()
}

/// Says what becomes of a deploy that is left alone: until the cloud has its change set, it is the command's alone.
pub fn left_alone(progress: &Progress) -> &'static str {
    let cloud = |phase: &PhaseState| matches!(phase.phase, Phase::ChangeSet | Phase::Resources | Phase::Outputs);
    match progress.deploy.as_ref().is_some_and(|deploy| deploy.phases.iter().any(cloud)) {
        true => "the deploy goes on without us; run the step again to attach to it",
        false => "the deploy had not reached the cloud: nothing of it goes on, run the step again",
    }
}

/// Returns the status of the stack that the newest deploy is changing, where CloudFormation cannot be told to stop: it takes
/// back an update, and nothing else.
pub fn unstoppable(progress: &Progress) -> Option<&str> {
    let stack = progress.deploy.as_ref()?.stack.as_ref()?;
    (is_in_progress(&stack.status) && stack.status != "UPDATE_IN_PROGRESS").then_some(stack.status.as_str())
}

/// Says of a deploy that did not come to its end here what CloudFormation does all the same; None where its stack has come to
/// rest.
pub fn goes_on_without_us(progress: &Progress, at_step: &StepRef) -> Option<String> {
    let deploy = progress.deploy.as_ref().filter(|deploy| deploy.at_step == *at_step)?;
    let stack = deploy.stack.as_ref().filter(|stack| is_in_progress(&stack.status))?;
    Some(format!(
        "The stack was {} by then, and CloudFormation goes on with that to its end. Running the step again finds it.",
        stack.status
    ))
}

/// Says in a word what something came to: what somebody has stopped was neither in order nor out of order.
pub fn came_to(verdict: Verdict, failure: Option<&Failure>) -> &'static str {
    match failure {
        Some(failure) if is_cancelled(failure) => "cancelled",
        _ => theme::verdict_word(verdict),
    }
}

/// Says what a chapter came to, and how long one was in it; nothing of the time where that is none, as when it was brought there
/// without anybody.
pub fn chapter_came_to(verdict: Verdict, took_ms: u64) -> String {
    let word = theme::verdict_word(verdict);
    if took_ms < 1000 { word.to_owned() } else { format!("{word} after {}", clock::took(took_ms)) }
}

/// Tells whether a failure is that somebody has stopped it.
pub fn is_cancelled(failure: &Failure) -> bool {
    failure.kind == Kind::Interrupted
}

/// Says of a step that did not come out well what is the matter with it.
pub fn in_vain(progress: &Progress, at_step: &StepRef, step: &Step) -> &'static str {
    let failure = progress.steps.get(at_step).and_then(|state| state.failure.as_ref());
    match &step.expect {
        _ if failure.is_some_and(is_cancelled) => "was cancelled",
        StepExpect::Failure(_) => "did not fail as it should",
        StepExpect::Success => "did not work out",
    }
}

/// Says where everything is being put.
pub fn bringing(to: BringTo) -> String {
    match to {
        BringTo::Chapter(chapter) => format!("Bringing everything to chapter {chapter}"),
        BringTo::Before => "Putting everything back".to_owned(),
        BringTo::Standby => "Moving the talk onto the local standby".to_owned(),
        BringTo::Account => "Moving the talk back to the AWS account".to_owned(),
    }
}

/// To someone who comes back; with where the work is, when it is where it was left.
pub fn welcome(progress: &Progress) -> String {
    let left = progress.reached.as_ref().filter(|at| Some(at.target) == progress.target_in_use());
    let place = left.map(|at| format!(", in {at}")).unwrap_or_default();
    format!("Welcome back: this is where you left off{place}")
}

fn first_line(text: &str) -> String {
    let mut lines = text.trim().lines();
    let first = lines.next().unwrap_or_default();
    if lines.next().is_some() { format!("{first} …") } else { first.to_owned() }
}

/// Counts in words: `one line`, `3 lines`.
pub fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("one {noun}"),
        n => format!("{n} {noun}s"),
    }
}

fn listed_owned(all: &[String]) -> String {
    listed(&all.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Lists names: `A`, `A and B`, `A, B and C`.
pub fn listed(all: &[&str]) -> String {
    match all {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// A pattern as the text that it stands for, where it stands for one: without the backslashes before signs.
pub fn pattern(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && next.is_ascii_punctuation() => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

/// Names a phase of a deploy as a person would.
pub fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Synth => "Synthesize",
        Phase::Assets => "Assets",
        Phase::ChangeSet => "Change set",
        Phase::Resources => "Resources",
        Phase::Outputs => "Outputs",
    }
}

/// Own edits that were brought back, and where they did not go together with the course's.
pub fn edits_are_back(files: &[String], whole: &[String]) -> String {
    let back = format!("Your edits are back: {}", files.join(", "));
    match whole {
        [] => back,
        [one] => format!("{back}. The chapter changes the same lines of {one}: that file is as you had it"),
        many => format!("{back}. The chapter changes the same lines of {}: these are as you had them", many.join(", ")),
    }
}

/// Names what a probe found: `chapter 3`, `nothing yet`.
pub fn place(place: &ChapterMatch) -> String {
    match place {
        ChapterMatch::Chapter(n) => format!("chapter {n}"),
        // Someone else's deploy that looks like it.
        ChapterMatch::Near { chapter, differs: 0 } => format!("like chapter {chapter}"),
        ChapterMatch::Near { chapter, differs: 1 } => format!("chapter {chapter}, one difference"),
        ChapterMatch::Near { chapter, differs } => format!("chapter {chapter}, {differs} differences"),
        ChapterMatch::Nothing => "nothing yet".to_owned(),
        ChapterMatch::Unknown => "unknown".to_owned(),
    }
}

/// Says where the probes found things, of those that the course has: `files at chapter 1, database at chapter 1`. `at`
/// stands between.
pub fn found(course: &Course, files: &ChapterMatch, stack: &ChapterMatch, database: &ChapterMatch, at: &str) -> String {
    let parts = [("files", files, true), ("stack", stack, course.stack.is_some())];
    let parts = parts.into_iter().chain([("database", database, course.asks_database())]);
    let said = parts.filter(|(_, _, has)| *has).map(|(what, found, _)| {
        let is_place = matches!(found, ChapterMatch::Chapter(_) | ChapterMatch::Near { .. });
        format!("{what}{}{}", if is_place { at } else { ": " }, place(found))
    });
    said.collect::<Vec<_>>().join(", ")
}

/// Says what was chosen: `Language: Python`, each choice of the course.
pub fn chosen(course: &Course) -> Vec<String> {
    let said = |choice: &Choice| {
        let option = choice.option(course.chosen.get(&choice.id)?)?;
        Some(format!("{}: {}", choice.title, option.title))
    };
    course.choices.iter().filter_map(said).collect()
}

/// Says how something else is chosen.
pub fn choose_otherwise(course: &Course) -> Option<String> {
    let choice = course.choices.first()?;
    let other = choice.options.iter().find(|option| course.chosen.get(&choice.id) != Some(&option.id))?;
    Some(format!("workshop --choose {}={}", choice.id, other.id))
}

/// The badge of a talk that is on its standby.
pub const STANDBY: &str = "LOCAL STANDBY";

/// Returns what is being made ready; of a target that is an account, the account.
pub fn task_name(task: Preparation, course: &Course, progress: &Progress) -> &'static str {
    match task {
        Preparation::Preflight => "prerequisites",
        Preparation::Packages => "packages",
        Preparation::Setup => "setup",
        Preparation::Sandbox if !course.needs_cloud() => "database",
        Preparation::Sandbox if progress.target_in_use() == Some(Target::Aws) => "AWS account",
        Preparation::Sandbox => "sandbox",
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, chapter_came_to, pattern};

    #[test]
    fn a_chapter_that_nobody_was_in_took_no_time() {
        assert_eq!(chapter_came_to(Verdict::Pass, 0), "passed");
        assert_eq!(chapter_came_to(Verdict::Pass, 61_000), "passed after 1:01");
    }

    #[test]
    fn a_pattern_reads_as_the_text_it_stands_for() {
        assert_eq!(pattern(r"\(OC000\)"), "(OC000)");
        assert_eq!(pattern(r"\d+ rows"), r"\d+ rows");
        assert_eq!(pattern("access denied\\"), "access denied\\");
    }
}
