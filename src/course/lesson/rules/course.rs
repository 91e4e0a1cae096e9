//! The course as a whole.

use std::time::Duration;

use super::sums::{ROUNDING, in_minutes};
use crate::lesson::lens::Lens;
use crate::lesson::model::{Course, Target};
use workshop_base::problem::Problem;

/// Reports what must hold for the course as a whole.
pub fn check_course(course: &Course, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let on_stage = |target| course.stage_time(target);
    let targets = [Target::Local, Target::Aws].into_iter().filter(|target| course.runs_on(*target));
    let Some(longest) = targets.max_by_key(|target| on_stage(*target)) else { return };
    if on_stage(longest) <= course.slot + ROUNDING {
        return;
    }
    let said: Duration = course.chapters.iter().filter(|c| c.on_stage).map(|c| c.budget).sum();
    let (where_, hint) = if said > course.slot + ROUNDING {
        (String::new(), "shorten chapters, or mark preparations with `on_stage: false`")
    } else {
        let hint = "give the minutes of a step that `wait`s to what is said meanwhile, and take them from others";
        (format!(" on the target `{longest}`"), hint)
    };
    let problem = Problem::course(format_args!(
        "the chapters on stage take {} minutes{where_}, the slot has {}",
        in_minutes(if where_.is_empty() { said } else { on_stage(longest) }),
        in_minutes(course.slot)
    ));
    lens.key("slot").report(problems, problem.hint(hint));
}
