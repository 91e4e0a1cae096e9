//! A learner's lines beside those of a hunk.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::lexer::{SourceToken, Syntax, tokens};
use crate::code::diff::{FileDiff, Hunk, HunkSubject, split_lines};

/// The likeness of what a learner has in a hunk's place to what the course has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// The same but for blanks, line breaks, comments, semicolons and last commas.
    SameOtherLayout,
    /// The same but for the kind of quotes (and layout).
    SameOtherQuotes,
    /// The same in another order: entries of `{…}`, or lines that stand elsewhere in the file.
    SameOtherOrder,
    /// These lines of the course's are not there, without their indentation.
    Missing(Vec<String>),
    /// All that the course has is there, and more or elsewhere.
    More,
}

impl Likeness {
    /// Tells whether it means the same.
    pub fn is_same(&self) -> bool {
        match self {
            Likeness::SameOtherLayout | Likeness::SameOtherQuotes | Likeness::SameOtherOrder => true,
            Likeness::Missing(_) | Likeness::More => false,
        }
    }
}

/// Tokens around a hunk that say where it is in a learner's file.
const AROUND: usize = 12;

/// Tells whether a hunk changes more than layout and comments.
pub fn hunk_has_meaning(diff: &FileDiff, hunk: usize) -> bool {
    let (Some(syntax), Some(hunk)) = (Syntax::of(&diff.path), diff.hunks.get(hunk)) else { return true };
    let (_, wanted, _) = split_at(&tokens(&diff.after, syntax), &hunk.after_range());
    let (_, was, _) = split_at(&tokens(&diff.before, syntax), &hunk.before_range());
    !same(&was, &wanted)
}

/// Compares what stands in a hunk's place in a learner's file with what the course has there. `None` when that is not
/// known: the language is one whose layout has a meaning, the place cannot be found, or nothing was changed there yet. Of
/// a hunk that changes a comment alone, what stands there means the same whatever it says.
pub fn hunk_likeness(diff: &FileDiff, hunk: usize, mine: &str) -> Option<Likeness> {
    let syntax = Syntax::of(&diff.path)?;
    let hunk = diff.hunks.get(hunk).filter(|hunk| hunk.subject == HunkSubject::Lines)?;
    let mine = tokens(mine, syntax);
    let wanted = split_at(&tokens(&diff.after, syntax), &hunk.after_range());
    let was = split_at(&tokens(&diff.before, syntax), &hunk.before_range());
    // Of the hunks around, some are there and some are to come: mostly those before it and not those after it.
    let sides = [(&wanted.0, &wanted.2), (&was.0, &was.2), (&wanted.0, &was.2), (&was.0, &wanted.2)];
    let place = sides.into_iter().find_map(|(before, after)| place(&mine, before, after));
    let elsewhere = || stands_elsewhere(&mine, &was, &wanted).then_some(Likeness::SameOtherOrder);
    let Some(here) = place.map(|place| &mine[place]) else {
        let is_layout = same(&was.1, &wanted.1);
        return elsewhere().or(is_layout.then_some(Likeness::SameOtherLayout));
    };
    if same(here, &was.1) && !same(&was.1, &wanted.1) {
        return elsewhere();
    }
    let of_course = |token: &SourceToken| {
        [&wanted.0, &wanted.1, &wanted.2].into_iter().flatten().any(|course| course.text == token.text)
    };
    Some(match compare(here, &wanted.1, diff, hunk) {
        missing @ Likeness::Missing(_) => elsewhere().unwrap_or(missing),
        // What is there besides is the course's, only elsewhere.
        Likeness::More if here.iter().all(of_course) => elsewhere().unwrap_or(Likeness::More),
        likeness => likeness,
    })
}

/// Tells whether what a hunk brings stands in a learner's file, wherever that is: as often as in the course's, which did not
/// have it so often before, and what the hunk takes away no oftener.
fn stands_elsewhere(mine: &[SourceToken], was: &Parts, wanted: &Parts) -> bool {
    let whole = |parts: &Parts| [parts.0.as_slice(), &parts.1, &parts.2].concat();
    let (before, after) = (whole(was), whole(wanted));
    let times = |tokens: &[SourceToken], part: &[SourceToken]| positions(tokens, part).count();
    // Whether something follows it is a matter of the order.
    let entry = |part: &[SourceToken]| match part.split_last() {
        Some((last, first)) if last.text == "," => first.to_vec(),
        _ => part.to_vec(),
    };
    let (brings, takes) = (entry(&wanted.1), entry(&was.1));
    let is_there = times(&after, &brings) > times(&before, &brings) && times(mine, &brings) >= times(&after, &brings);
    is_there && times(mine, &takes) <= times(&after, &takes)
}

fn compare(mine: &[SourceToken], wanted: &[SourceToken], diff: &FileDiff, hunk: &Hunk) -> Likeness {
    if same(mine, wanted) {
        let quotes = mine.iter().zip(wanted).all(|(a, b)| a.quote == b.quote);
        return if quotes { Likeness::SameOtherLayout } else { Likeness::SameOtherQuotes };
    }
    if ordered(mine) == ordered(wanted) {
        return Likeness::SameOtherOrder;
    }
    let lines = split_lines(&diff.after);
    let missing = hunk.after_range().filter(|line| {
        let of_line = wanted.iter().filter(|token| token.line == *line).map(|t| t.text.as_str());
        let mut of_line: Vec<&str> = of_line.collect();
        // Whether something follows it is the next line's matter.
        of_line.pop_if(|last| *last == ",");
        let there = |window: &[SourceToken]| window.iter().map(|t| t.text.as_str()).eq(of_line.iter().copied());
        !of_line.is_empty() && !mine.windows(of_line.len()).any(there)
    });
    let missing: Vec<String> = missing.map(|line| lines[line].trim().to_owned()).collect();
    if missing.is_empty() { Likeness::More } else { Likeness::Missing(missing) }
}

type Parts = (Vec<SourceToken>, Vec<SourceToken>, Vec<SourceToken>);

/// The tokens before, in and after some lines.
fn split_at(tokens: &[SourceToken], lines: &Range<usize>) -> Parts {
    let from = tokens.iter().position(|token| token.line >= lines.start).unwrap_or(tokens.len());
    let to = tokens.iter().position(|token| token.line >= lines.end).unwrap_or(tokens.len()).max(from);
    (tokens[..from].to_vec(), tokens[from..to].to_vec(), tokens[to..].to_vec())
}

/// Returns where a learner's tokens stand between those that come before and after a hunk. Fewer of them are tried when the
/// learner changed what is around, too.
fn place(mine: &[SourceToken], before: &[SourceToken], after: &[SourceToken]) -> Option<Range<usize>> {
    [AROUND, AROUND / 2, AROUND / 4].into_iter().find_map(|many| {
        let (all_before, all_after) = (before.len() <= many, after.len() <= many);
        let before = &before[before.len().saturating_sub(many)..];
        let after = &after[..after.len().min(many)];
        let mut ends = positions(mine, before).map(|at| at + before.len());
        let start = match all_before && begins_with(mine, before) {
            true => before.len(),
            false => ends.next()?,
        };
        if !all_before && ends.next().is_some() {
            return None;
        }
        let rest = &mine[start..];
        // What is all that comes after it stands at the end, however often it stands before.
        let end = match all_after && ends_with(rest, after) {
            true => mine.len() - after.len(),
            false => start + positions(rest, after).next()?,
        };
        Some(start..end)
    })
}

fn positions<'a>(mine: &'a [SourceToken], wanted: &'a [SourceToken]) -> impl Iterator<Item = usize> + 'a {
    let windows = mine.windows(wanted.len().max(1)).enumerate();
    windows.filter(|(_, window)| !wanted.is_empty() && same(window, wanted)).map(|(at, _)| at)
}

fn begins_with(tokens: &[SourceToken], with: &[SourceToken]) -> bool {
    tokens.get(..with.len()).is_some_and(|first| same(first, with))
}

fn ends_with(tokens: &[SourceToken], with: &[SourceToken]) -> bool {
    let from = tokens.len().checked_sub(with.len());
    from.is_some_and(|from| same(&tokens[from..], with))
}

fn same(a: &[SourceToken], b: &[SourceToken]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.text == b.text)
}

/// The tokens with the entries of each `{…, …}` in one order.
fn ordered(tokens: &[SourceToken]) -> Vec<String> {
    let mut open: Vec<Vec<Vec<String>>> = vec![vec![Vec::new()]];
    for token in tokens {
        match token.text.as_str() {
            "{" | "[" | "(" => open.push(vec![vec![token.text.clone()], Vec::new()]),
            "}" | "]" | ")" if open.len() > 1 => {
                let mut entries = open.pop().unwrap_or_default();
                let bracket = entries.remove(0);
                // What is spread takes the place of what stands before it.
                let spreads = |entry: &Vec<String>| entry.first().is_some_and(|sign| sign == ".");
                if bracket[0] == "{" {
                    entries.split_mut(spreads).for_each(<[_]>::sort);
                }
                let inner = entries.join(&",".to_owned());
                if let Some(last) = open.last_mut().and_then(|entries| entries.last_mut()) {
                    last.extend(bracket);
                    last.extend(inner);
                    last.push(token.text.clone());
                }
            }
            "," => {
                if let Some(entries) = open.last_mut() {
                    entries.push(Vec::new());
                }
            }
            word => {
                if let Some(last) = open.last_mut().and_then(|entries| entries.last_mut()) {
                    last.push(word.to_owned());
                }
            }
        }
    }
    open.into_iter().flat_map(|entries| entries.join(&",".to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::diff::diff_file;

    const BEFORE: &str =
        "import * as cdk from 'aws-cdk-lib';\n\nconst f = make(this, {\n  runtime: 24,\n});\n\nexport default f;\n";
    const AFTER: &str = "import * as cdk from 'aws-cdk-lib';\n\nconst f = make(this, {\n  runtime: 24,\n});\n\nf.allow({\n  actions: ['dsql:DbConnect'],\n  resources: [f.arn],\n});\n\nexport default f;\n";

    fn found(own: &str) -> Option<Likeness> {
        let diff = diff_file("stack.ts", Some(BEFORE), Some(AFTER)).unwrap();
        let mine = BEFORE.replace("export", &format!("{own}\n\nexport"));
        hunk_likeness(&diff, 0, &mine)
    }

    #[test]
    fn the_same_in_other_words_is_told_from_what_lacks_something() {
        for (own, expected) in [
            ("f.allow({ actions: ['dsql:DbConnect'], resources: [f.arn] })", Likeness::SameOtherLayout),
            (
                "// mine\nf.allow({\n    actions: [\n 'dsql:DbConnect', ],\n    resources: [f.arn],\n});",
                Likeness::SameOtherLayout,
            ),
            ("f.allow({\n  actions: [\"dsql:DbConnect\"],\n  resources: [f.arn],\n});", Likeness::SameOtherQuotes),
            ("f.allow({\n  resources: [f.arn],\n  actions: [`dsql:DbConnect`],\n});", Likeness::SameOtherOrder),
            ("f.allow({\n  actions: ['dsql:DbConnect'],\n});", Likeness::Missing(vec!["resources: [f.arn],".into()])),
            (
                "f.allow({\n  actions: ['dsql:*'],\n  resources: [f.arn],\n});",
                Likeness::Missing(vec!["actions: ['dsql:DbConnect'],".into()]),
            ),
            ("f.allow({\n  actions: ['dsql:DbConnect'],\n  resources: [f.arn],\n});\nlog(f);", Likeness::More),
        ] {
            assert_eq!(found(own), Some(expected), "{own}");
        }
        // An order that means something, and a string that is no name.
        assert!(matches!(
            found("f.allow({\n  actions: ['dsql:DbConnect'],\n  resources: ['f.arn'],\n});"),
            Some(Likeness::Missing(_))
        ));
    }

    #[test]
    fn nothing_is_said_where_nothing_was_done_or_the_language_is_not_known() {
        let diff = diff_file("stack.ts", Some(BEFORE), Some(AFTER)).unwrap();
        assert_eq!(hunk_likeness(&diff, 0, BEFORE), None);
        assert_eq!(hunk_likeness(&diff, 0, "something else\n"), None);
        assert_eq!(hunk_likeness(&diff, 7, BEFORE), None);
        let yaml = diff_file("a.yaml", Some("a: 1\n"), Some("a: 1\nb: 2\n")).unwrap();
        assert_eq!(hunk_likeness(&yaml, 0, "a: 1\nb:   2\n"), None);
    }

    #[test]
    fn signs_that_mean_something_in_a_language_are_not_passed_over() {
        for (path, before, after, mine, same) in [
            ("a.sql", "begin;\n", "begin;\nselect 1;\nselect 2;\n", "begin;\nselect 1\nselect 2;\n", false),
            ("a.sql", "begin;\n", "begin;\nselect 1;\n", "begin;\nSELECT  1\n", true),
            ("a.sql", "begin;\n", "begin;\ncreate table t (a int);\n", "begin;\ncreate table t (a int,);\n", false),
            ("a.json", "{}\n", "{ \"a\": 1, \"b\": 2 }\n", "{ \"b\": 2, \"a\": 1 }\n", true),
            ("a.json", "{\n}\n", "{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n}\n", false),
            ("a.json", "{\n}\n", "{\n  \"a\": 1\n}\n", "{\n  'a': 1\n}\n", false),
            ("a.json", "{\n}\n", "{\n  \"a\": 1\n}\n", "{\n  // one\n  \"a\": 1\n}\n", false),
            ("tsconfig.json", "{\n}\n", "{\n  \"a\": 1\n}\n", "{\n  // one\n  \"a\": 1,\n}\n", true),
            ("a.js", "go();\n", "go();\nrun(x);\n(y)();\n", "go();\nrun(x)\n(y)();\n", false),
            ("a.js", "f() {\n}\n", "f() {\n  return x;\n}\n", "f() {\n  return\n    x;\n}\n", false),
            ("a.js", "f() {\n}\n", "f() {\n  return x;\n}\n", "f() {\n    return x\n}\n", true),
            ("a.js", "f() {\n}\n", "f() {\n  return;\n}\n", "f() { return }\n", true),
            ("a.js", "go();\n", "go();\nf({ ...a, b: 1 });\n", "go();\nf({ b: 1, ...a });\n", false),
            ("a.js", "go();\n", "go();\nf({ c, b, ...a });\n", "go();\nf({ b, c, ...a });\n", true),
        ] {
            let diff = diff_file(path, Some(before), Some(after)).unwrap();
            let found = hunk_likeness(&diff, 0, mine);
            assert_eq!(found.as_ref().is_some_and(Likeness::is_same), same, "{path}: {mine}: {found:?}");
        }
        // Half of it is there, its last sign with it.
        let diff = diff_file("a.sql", Some("begin;\n"), Some("begin;\nselect 1;\nselect 2;\n")).unwrap();
        let Some(Likeness::Missing(missing)) = hunk_likeness(&diff, 0, "begin;\nselect 1;\n") else { panic!() };
        assert_eq!(format!("{missing:?}").matches("select").count(), 1, "{missing:?}");
    }

    #[test]
    fn own_changes_elsewhere_and_replaced_lines_do_not_hide_it() {
        let diff = diff_file(
            "a.js",
            Some("one();\ntwo('x');\nthree();\nfour();\n"),
            Some("one();\ntwo('y', 1);\nthree();\nfour();\n"),
        );
        let diff = diff.unwrap();
        let mine = "mine();\none();\ntwo(\"y\", 1)\nthree();\nfour(mine);\n";
        assert_eq!(hunk_likeness(&diff, 0, mine), Some(Likeness::SameOtherQuotes));
        let sql =
            diff_file("a.sql", Some("begin;\ncommit;\n"), Some("begin;\nselect Id from t where a = 'B';\ncommit;\n"))
                .unwrap();
        let mine = "begin;\nSELECT id\n  FROM t -- all\n WHERE a = 'B';\ncommit;\n";
        assert_eq!(hunk_likeness(&sql, 0, mine), Some(Likeness::SameOtherLayout));
        let other = mine.replace("'B'", "'b'");
        assert!(matches!(hunk_likeness(&sql, 0, &other), Some(Likeness::Missing(_))));
    }

    #[test]
    fn the_same_lines_elsewhere_in_the_file_are_the_same_in_another_order() {
        let before =
            "import a from 'a';\n\ninterface In {\n  n: number;\n}\n\ninterface Out {\n  sum: number;\n}\n\nrun(1);\n";
        let after = "import a from 'a';\nimport b from 'b';\n\ninterface In {\n  n: number;\n}\n\ninterface Out {\n  sum: number;\n  tries: number;\n}\n\nrun(2);\n";
        let diff = diff_file("a.ts", Some(before), Some(after)).unwrap();
        assert_eq!(diff.hunks.len(), 3);
        let mine = "import b from \"b\"\nimport a from \"a\"\ninterface Out { tries: number; sum: number }\ninterface In { n: number }\nrun(2)\n";
        let all = |mine: &str| (0..3).map(|hunk| hunk_likeness(&diff, hunk, mine)).collect::<Vec<_>>();
        assert!(all(mine).iter().all(|found| found.as_ref().is_some_and(Likeness::is_same)), "{:?}", all(mine));
        let is_same = |mine: &str, hunk| hunk_likeness(&diff, hunk, mine).is_some_and(|found| found.is_same());
        // Among entries that are the course's, and with one more of the learner's.
        let among = mine.replace("tries: number; sum: number", "sum: number\n  tries: number\n  n: number");
        assert!(is_same(&among, 1));
        assert!(!is_same(&mine.replace("tries: number; ", ""), 1), "it is not there");
        assert!(!is_same(&mine.replace("run(2)", "run(2)\nrun(1)"), 2), "what it takes away is still there");
        // Where only the layout changes, nothing can be missing wherever it stands.
        let layout = diff_file("a.ts", Some("go();\nend(1);\n"), Some("go();\nend(1)\n")).unwrap();
        assert_eq!(hunk_likeness(&layout, 0, "all(other);\n"), Some(Likeness::SameOtherLayout));
        // A line that the course had before is no sign of the new one.
        let twice = diff_file("a.ts", Some("go();\nx();\n"), Some("go();\nx();\ngo();\n")).unwrap();
        assert!(!hunk_likeness(&twice, 0, "mine();\ngo();\ny();\n").is_some_and(|found| found.is_same()));
    }
}
