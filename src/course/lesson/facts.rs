//! The table of facts: reading it, and finding what was not looked up for long.

use std::path::Path;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::format::FactsYaml;
use super::kinds;
use super::lesson_file::read_lesson;
use super::model::{Course, Fact};
use super::schema;
use workshop_base::problem::Problem;
use workshop_base::text::shortened;

/// Reads `facts.yaml`; a course may have none.
pub(super) fn read(lessons: &Path, chapters: &[&str], problems: &mut Vec<Problem>) -> Vec<Fact> {
    let file = lessons.join("facts.yaml");
    if !file.exists() {
        return Vec::new();
    }
    let Some(lesson) = read_lesson::<FactsYaml>(&file, &schema::FACTS, problems) else { return Vec::new() };
    let lens = lesson.lens().key("facts");
    let mut facts = Vec::new();
    for (i, raw) in lesson.raw.facts.iter().enumerate() {
        let lens = lens.item(i);
        for (j, chapter) in raw.chapters.iter().enumerate() {
            if !chapters.contains(&chapter.0.as_str()) {
                let mut problem = Problem::course(format_args!("the course has no chapter `{}`", chapter.0));
                problem.hint = kinds::did_you_mean(&chapter.0, chapters);
                lens.key("chapters").item(j).report(problems, problem.expected(kinds::one_of(chapters)));
            }
        }
        let Ok(checked) = raw.checked.0.parse() else { continue };
        facts.push(Fact {
            says: raw.says.0.clone(),
            source: raw.source.0.clone(),
            checked,
            chapters: raw.chapters.iter().map(|chapter| chapter.0.clone()).collect(),
            spot: lens.key("checked").spot(),
        });
    }
    facts
}

/// Returns a warning for each fact that was looked up more than half a year before a day, and for each that is said to
/// be looked up after it.
pub fn outdated(course: &Course, today: Date) -> Vec<Problem> {
    let old = |fact: &&Fact| fact.checked.saturating_add(6.months()) < today || fact.checked > today;
    let warning = |fact: &Fact| {
        let when = if fact.checked > today { "which is still to come" } else { "more than half a year ago" };
        Problem::course(format_args!("this was looked up on {}, {when}: {}", fact.checked, shortened(&fact.says)))
            .hint(format!("look again at {}, mend what the lessons say, and write today's date", fact.source))
            .at(fact.spot.clone())
    };
    course.facts.iter().filter(old).map(warning).collect()
}
