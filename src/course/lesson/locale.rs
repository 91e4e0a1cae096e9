//! A course in another language: its texts from `lessons/locales/LANGUAGE`, the rest as it is.
//!
//! Invariant: a translation has texts only, found by the ids of steps and checks, so that it can change nothing of what a
//! course does; what it leaves out stays in the course's own language.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::build::{as_it_stands, put_notes};
use super::format::{ChapterTextsYaml, CourseTextsYaml, StepTextsYaml, Text};
use super::images;
use super::kinds;
use super::lens::Lens;
use super::lesson_file::read_lesson;
use super::model::{Chapter, Check, Choice, ChoiceOption, Course, Prerequisite, StepAction, StepPart, StepTexts};
use super::schema;
use super::template::{self, Occurrences, Reference, TemplateError};
use workshop_base::problem::Problem;
use workshop_base::text::shortened;

/// The directory below the lessons that holds a directory for each language.
pub const LOCALES: &str = "locales";

/// Returns the languages that a course has texts in besides its own, by name.
pub fn locales(lessons: &Path) -> Vec<String> {
    let entries = fs::read_dir(lessons.join(LOCALES)).into_iter().flatten().flatten();
    let dirs = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> = dirs.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

/// Finds the language of a course that is nearest to one that is wanted, as a shell (`de_AT.UTF-8`) or a person (`de-AT`)
/// names it: that one, or its language alone.
pub fn nearest<'l>(wanted: &str, known: &'l [String]) -> Option<&'l str> {
    let bare = wanted.split(['.', '@']).next().unwrap_or_default().replace('_', "-");
    let is = |name: &str, tag: &str| name.replace('_', "-").eq_ignore_ascii_case(tag);
    let same = |tag: &str| known.iter().find(|name| is(name, tag)).map(String::as_str);
    same(&bare).or_else(|| same(bare.split('-').next().unwrap_or_default()))
}

/// Returns the choices of a course with their titles in a language, as far as there are any.
pub fn choices(mut choices: Vec<Choice>, lessons: &Path, locale: &str) -> Vec<Choice> {
    let (file, mut found) = (lessons.join(LOCALES).join(locale).join("course.yaml"), Findings::default());
    if let Some(texts) = read_lesson::<CourseTextsYaml>(&file, &schema::COURSE_TEXTS, &mut found.problems) {
        let (of, of_whole) = (String::new(), Vec::new());
        let mut into = Translator { lens: texts.lens(), lessons, found: &mut found, of, of_whole };
        into.choices(&texts.raw, &mut choices);
    }
    choices
}

/// The things that were found wrong with a language's texts.
#[derive(Debug, Default)]
struct Findings {
    problems: Vec<Problem>,
    /// Texts of steps and checks that the course does not have, which another of its options may have.
    unknown: Vec<Problem>,
    /// Texts that the language lacks.
    gaps: Vec<Problem>,
}

/// Puts a language's texts into a course. All that is wrong with them is reported; what is right is put in all the same.
pub fn translate(course: &mut Course, locale: &str, problems: &mut Vec<Problem>) {
    let found = put_texts(course, locale);
    problems.extend(found.problems);
    // Beside an option there are steps of another.
    if course.choices.is_empty() {
        problems.extend(found.unknown);
    }
}

/// The texts of one language, held against a course with each of its options.
#[derive(Debug)]
pub struct Translation {
    locale: String,
    found: Vec<Findings>,
}

impl Translation {
    /// Begins with the language that is called so.
    pub fn new(locale: String) -> Translation {
        Translation { locale, found: Vec::new() }
    }

    /// Holds the texts against the course of some options.
    pub fn take(&mut self, course: &Course) {
        self.found.push(put_texts(&mut course.clone(), &self.locale));
    }

    /// Returns all that is wrong with the texts: what none of the options has is unknown.
    pub fn problems(&self) -> Vec<Problem> {
        let is_same = |one: &Problem, other: &Problem| one.message == other.message && one.spot == other.spot;
        let nowhere =
            |unknown: &&Problem| self.found.iter().all(|found| found.unknown.iter().any(|one| is_same(unknown, one)));
        let unknown = self.found.first().into_iter().flat_map(|first| first.unknown.iter().filter(nowhere));
        // What it is near to may be of another option.
        let unknown = unknown.map(|unknown| {
            let mut alike = self.found.iter().flat_map(|found| &found.unknown).filter(|one| is_same(unknown, one));
            alike.find(|one| one.hint.is_some()).unwrap_or(unknown)
        });
        once(self.found.iter().flat_map(|found| &found.problems).chain(unknown))
    }

    /// Returns a problem for each text that the language lacks, where the chapter's file is or should be; none for another
    /// language than `asked`.
    pub fn missing(&self, asked: Option<&str>) -> Vec<Problem> {
        let is_asked = asked == Some(self.locale.as_str());
        once(self.found.iter().filter(|_| is_asked).flat_map(|found| &found.gaps))
    }
}

/// Each problem once, in their order.
fn once<'p>(problems: impl Iterator<Item = &'p Problem>) -> Vec<Problem> {
    let mut told: Vec<Problem> = Vec::new();
    for problem in problems {
        if !told.contains(problem) {
            told.push(problem.clone());
        }
    }
    told
}

fn put_texts(course: &mut Course, locale: &str) -> Findings {
    let mut found = Findings::default();
    let lessons = course.lessons.clone();
    let dir = lessons.join(LOCALES).join(locale);
    let file = dir.join("course.yaml");
    if file.exists() {
        if let Some(texts) = read_lesson::<CourseTextsYaml>(&file, &schema::COURSE_TEXTS, &mut found.problems) {
            let mut into = Translator {
                lens: texts.lens(),
                lessons: &lessons,
                found: &mut found,
                of: String::new(),
                of_whole: Vec::new(),
            };
            into.text("title", texts.raw.title.as_ref(), &mut course.title);
            into.option("costs", texts.raw.costs.as_ref(), &mut course.costs);
            into.choices(&texts.raw, &mut course.choices);
            into.prerequisites(&texts.raw, &mut course.prerequisites);
        }
    } else {
        found.gaps.push(no_file(&file, "the course's title"));
    }
    let mut known = BTreeSet::from([file]);
    for chapter in &mut course.chapters {
        let stem = chapter.origin.file.file_stem().unwrap_or_default().to_owned();
        let file = dir.join(stem).with_extension("yaml");
        put_chapter(chapter, (&lessons, &file), &mut found);
        known.insert(file);
    }
    for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && !known.contains(&path) && path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            found.problems.push(strange(&path, &known));
        }
    }
    found
}

fn put_chapter(chapter: &mut Chapter, (lessons, file): (&Path, &Path), found: &mut Findings) {
    if !file.exists() {
        found.gaps.push(no_file(file, &format!("chapter {}", chapter.number)));
        return;
    }
    let Some(texts) = read_lesson::<ChapterTextsYaml>(file, &schema::CHAPTER_TEXTS, &mut found.problems) else {
        return;
    };
    let (lens, raw) = (texts.lens(), &texts.raw);
    let mut into = Translator { lens, lessons, found, of: format!("chapter {}", chapter.number), of_whole: Vec::new() };
    into.text("title", raw.title.as_ref(), &mut chapter.title);
    into.list("goals", raw.goals.as_deref(), &mut chapter.goals);
    // An outline has none.
    if !chapter.steps.is_empty() {
        let parts = chapter.steps.iter().filter_map(|step| step.part.as_ref()).map(part_id).collect::<Vec<_>>();
        let ids = chapter.steps.iter().filter(|step| step.part.as_ref().is_none_or(|part| part.number == 1));
        let ids: Vec<&str> = ids.map(|step| step.id.as_str()).chain(parts.iter().map(String::as_str)).collect();
        into.only_known("steps", raw.steps.keys(), &ids);
        let ids: Vec<&str> = chapter.checks.iter().map(|check| check.id.as_str()).collect();
        into.only_known("checks", raw.checks.keys(), &ids);
    }
    // The texts of the step of several actions that these are of.
    let mut whole = StepTexts::default();
    for step in &mut chapter.steps {
        let mut of_step = |id: &str, texts: &mut StepTexts, of_whole: &[&str]| {
            into.at(lens.key("steps").key(id), format!("step `{id}`"));
            into.of_whole = of_whole.iter().flat_map(|text| template::references(text)).collect();
            into.step(raw.steps.get(id), texts);
        };
        let texts = match &mut step.part {
            None => {
                let mut texts = StepTexts::of(step);
                of_step(&step.id, &mut texts, &[]);
                texts
            }
            Some(part) => {
                if part.number == 1 {
                    whole = part.whole.clone();
                    of_step(&part.step, &mut whole, &[]);
                }
                // What it would show without texts of its own.
                let before = std::mem::replace(&mut part.whole, whole.clone());
                of_step(&part_id(part), &mut part.own, &[&before.title, &before.say]);
                whole.of_part(&part.own, part.number, part.of)
            }
        };
        let id = step.part.as_ref().map_or_else(|| step.id.clone(), part_id);
        into.at(lens.key("steps").key(&id), format!("step `{id}`"));
        into.changes(raw.steps.get(&id), &mut step.action);
        if let Some(part) = step.part.as_ref().filter(|part| part.number == 1) {
            // A step of several actions changes nothing by itself.
            into.at(lens.key("steps").key(&part.step), format!("step `{}`", part.step));
            into.changes(raw.steps.get(&part.step), &mut StepAction::Read);
        }
        *step = texts.into_step(step.clone());
    }
    put_notes(&chapter.steps, &mut chapter.diff);
    for check in &mut chapter.checks {
        let Check { id, title, on_fail, hints, .. } = check;
        let texts = raw.checks.get(id.as_str());
        into.at(lens.key("checks").key(id), format!("check `{id}`"));
        into.text("title", texts.and_then(|texts| texts.title.as_ref()), title);
        into.option("on_fail", texts.and_then(|texts| texts.on_fail.as_ref()), on_fail);
        into.list("hints", texts.and_then(|texts| texts.hints.as_deref()), hints);
    }
}

/// The id that the texts of one of several actions go by. `STEP` alone is the step with all of them.
fn part_id(part: &StepPart) -> String {
    format!("{}-{}", part.step, part.number)
}

/// Puts the texts of one mapping in.
struct Translator<'l, 'p> {
    lens: Lens<'l>,
    lessons: &'p Path,
    found: &'p mut Findings,
    /// What the texts are of, for messages.
    of: String,
    /// What the step as a whole refers to, of whose actions one has its own texts.
    of_whole: Vec<Reference>,
}

/// Returns a text as the lesson's own would be shown: what is no prose is, as it stands.
fn shown(key: &str, text: &Text) -> String {
    const PROSE: [&str; 7] = ["say", "notes", "while_running", "after", "elsewhere", "hints", "on_fail"];
    if PROSE.contains(&key) { text.0.clone() } else { as_it_stands(text) }
}

impl<'l> Translator<'l, '_> {
    fn at(&mut self, lens: Lens<'l>, of: String) {
        (self.lens, self.of) = (lens, of);
    }

    /// Puts in the texts of a step, or of one of its actions.
    fn step(&mut self, new: Option<&StepTextsYaml>, old: &mut StepTexts) {
        self.text("title", new.and_then(|texts| texts.title.as_ref()), &mut old.title);
        self.text("say", new.and_then(|texts| texts.say.as_ref()), &mut old.say);
        self.option("notes", new.and_then(|texts| texts.notes.as_ref()), &mut old.notes);
        self.option("while_running", new.and_then(|texts| texts.while_running.as_ref()), &mut old.while_running);
        self.option("after", new.and_then(|texts| texts.after.as_ref()), &mut old.after);
        self.option("elsewhere", new.and_then(|texts| texts.elsewhere.as_ref()), &mut old.elsewhere);
        self.list("hints", new.and_then(|texts| texts.hints.as_deref()), &mut old.hints);
    }

    fn text(&mut self, key: &str, new: Option<&Text>, old: &mut String) {
        match new {
            Some(new) => {
                self.check(self.lens.key(key), &new.0, old);
                *old = shown(key, new);
            }
            None if old.trim().is_empty() => {}
            None => self.gap(key),
        }
    }

    fn option(&mut self, key: &str, new: Option<&Text>, old: &mut Option<String>) {
        match old {
            Some(old) => self.text(key, new, old),
            None if new.is_some() => {
                let problem = Problem::course(format_args!("the course itself has no `{key}` here"));
                self.lens
                    .key(key)
                    .report(&mut self.found.problems, problem.hint("take it away, or write it in the lesson first"));
            }
            None => {}
        }
    }

    fn list(&mut self, key: &str, new: Option<&[Text]>, old: &mut [String]) {
        match new {
            Some(new) if new.len() != old.len() => {
                let problem = Problem::course(format_args!("`{key}` has {} texts", new.len()));
                self.lens
                    .key(key)
                    .report(&mut self.found.problems, problem.expected(format!("{}, as in the lesson", old.len())));
            }
            Some(new) => {
                for (i, (new, old)) in new.iter().zip(old).enumerate() {
                    self.check(self.lens.key(key).item(i), &new.0, old);
                    *old = shown(key, new);
                }
            }
            None if old.is_empty() => {}
            None => self.gap(key),
        }
    }

    /// Reports what would not show as it is meant, as in the lesson's own text.
    fn check(&mut self, lens: Lens<'_>, new: &str, old: &str) {
        self.same_references(lens, new, old);
        images::check(new, lens, self.lessons, &mut self.found.problems);
        let slips = template::misspelt(new).into_iter().map(TemplateError::Unknown);
        let slips: Vec<TemplateError> = slips.chain(template::unmarked(new)).collect();
        lens.report_slips(&mut self.found.problems, new, &slips);
    }

    /// A translation refers to what the text refers to: that alone is known to have a value there.
    fn same_references(&mut self, lens: Lens<'_>, new: &str, old: &str) {
        let own = template::references(old);
        let known = |reference: &Reference| own.contains(reference) || self.of_whole.contains(reference);
        let mut occurrences = Occurrences::default();
        for reference in template::references(new).into_iter().filter(|reference| !known(reference)) {
            if lens.is_broken() {
                return;
            }
            let written = format!("${{{reference}}}");
            let nth = occurrences.next(new, &written);
            let problem = Problem::course(format_args!("the text in the lesson does not refer to `{written}`"))
                .hint("a translation refers to what its text refers to");
            self.found.problems.push(problem.at(lens.spot_of(&written, nth)));
        }
    }

    /// Puts in the notes beside the changes of an edit.
    fn changes(&mut self, new: Option<&StepTextsYaml>, action: &mut StepAction) {
        self.of_whole = Vec::new();
        let mut old: BTreeMap<String, Vec<&mut String>> = BTreeMap::new();
        if let StepAction::Edit(edit) = action {
            for hunk in &mut edit.hunks {
                let file = &hunk.file;
                hunk.note.iter_mut().for_each(|note| old.entry(file.clone()).or_default().push(note));
            }
        }
        let known: Vec<&str> = old.keys().map(String::as_str).collect();
        for file in new.iter().flat_map(|new| new.changes.keys()).filter(|file| !known.contains(&file.as_str())) {
            let mut problem = Problem::course(format_args!("{} has no note on `{}`", self.of, shortened(file)));
            problem.hint = kinds::did_you_mean(file, &known);
            let expected = if known.is_empty() { "no `changes`".to_owned() } else { kinds::one_of(&known) };
            let lens = self.lens.key("changes").key(file);
            lens.report(&mut self.found.unknown, problem.expected(expected));
        }
        for (file, mut notes) in old {
            let lens = self.lens.key("changes").key(&file);
            match new.and_then(|new| new.changes.get(&file)) {
                Some(new) if new.len() != notes.len() => {
                    let problem = Problem::course(format_args!("`{file}` has {} texts", new.len()));
                    let expected = format!("{}, a note of the lesson each", notes.len());
                    lens.report(&mut self.found.problems, problem.expected(expected));
                }
                Some(new) => {
                    for (i, (new, old)) in new.iter().zip(&mut notes).enumerate() {
                        self.check(lens.item(i), &new.0, old);
                        **old = new.0.clone();
                    }
                }
                None => self.gap(&format!("changes: {file}")),
            }
        }
    }

    /// Puts in the titles of what is chosen.
    fn choices(&mut self, raw: &CourseTextsYaml, choices: &mut [Choice]) {
        let (lens, of) = (self.lens, std::mem::replace(&mut self.of, "the course".to_owned()));
        let ids: Vec<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
        self.only_known("choices", raw.choices.keys(), &ids);
        for Choice { id, title, options } in choices {
            let texts = raw.choices.get(id.as_str());
            self.at(lens.key("choices").key(id), format!("choice `{id}`"));
            self.text("title", texts.and_then(|texts| texts.title.as_ref()), title);
            let ids: Vec<&str> = options.iter().map(|option| option.id.as_str()).collect();
            self.only_known("options", texts.iter().flat_map(|texts| texts.options.keys()), &ids);
            self.lens = self.lens.key("options");
            for ChoiceOption { id, title, .. } in options {
                let new = texts.and_then(|texts| texts.options.get(id.as_str()));
                self.text(id, new, title);
            }
        }
        self.at(lens, of);
    }

    /// Puts in what to do about prerequisites that are not there.
    fn prerequisites(&mut self, raw: &CourseTextsYaml, all: &mut [Prerequisite]) {
        let lens = self.lens;
        let of = std::mem::replace(&mut self.of, "the course".to_owned());
        let names: Vec<&str> = all.iter().map(|needed| needed.name.as_str()).collect();
        self.only_known("prerequisites", raw.prerequisites.keys(), &names);
        self.at(lens.key("prerequisites"), "the advice on prerequisites".to_owned());
        for Prerequisite { name, fix, .. } in all {
            self.text(name, raw.prerequisites.get(name.as_str()), fix);
        }
        self.at(lens, of);
    }

    fn only_known<'k>(&mut self, key: &str, given: impl Iterator<Item = &'k String>, known: &[&str]) {
        for id in given.filter(|id| !known.contains(&id.as_str())) {
            let one = key.trim_end_matches('s');
            let mut problem = Problem::course(format_args!("{} has no {one} `{}`", self.of, shortened(id)));
            problem.hint = kinds::did_you_mean(id, known);
            let expected = if known.is_empty() { format!("no {key}") } else { kinds::one_of(known) };
            self.lens.key(key).key(id).report(&mut self.found.unknown, problem.expected(expected));
        }
    }

    fn gap(&mut self, key: &str) {
        let of = if self.of.is_empty() { String::new() } else { format!("{} has ", self.of) };
        let problem = Problem::failed(format!("{of}no `{key}` in this language"));
        self.found.gaps.push(problem.hint("it stays in the course's own language").at(self.lens.spot()));
    }
}

fn no_file(file: &Path, of: &str) -> Problem {
    Problem::failed(format!("there is no {}: {of} stays in the course's own language", file.display()))
        .hint("make it, with the texts by the ids of steps and checks")
        .at(super::lesson_text::top_of(file))
}

fn strange(file: &Path, known: &BTreeSet<PathBuf>) -> Problem {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> =
        known.iter().filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut problem = Problem::course(format_args!("the course has no lesson file {name}"));
    problem.hint = kinds::did_you_mean(&name, &names);
    problem.expected(kinds::one_of(&names)).at(super::lesson_text::top_of(file))
}
