//! The course as a whole.

use std::time::Duration;

use super::sums::{ROUNDING, in_minutes};
use crate::lesson::lens::Lens;
use crate::lesson::model::Course;
use workshop_base::problem::Problem;

/// Returns what must hold for the course as a whole.
pub fn check_course(course: &Course, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let on_stage: Duration = course.chapters.iter().filter(|c| c.on_stage).map(|c| c.budget).sum();
    if on_stage > course.slot + ROUNDING {
        let problem = Problem::course(format_args!(
            "the chapters on stage take {} minutes, the slot has {}",
            in_minutes(on_stage),
            in_minutes(course.slot)
        ));
        lens.key("slot")
            .report(problems, problem.hint("shorten chapters, or mark preparations with `on_stage: false`"));
    }
}
