//! Single values of a lesson file as the model has them.

use std::time::Duration;

use crate::lesson::format::*;
use crate::lesson::kinds;
use crate::lesson::model::{ActionKind, PlannedWait};
use crate::lesson::template;

/// Returns minutes as a duration; what is no duration is none.
pub fn minutes(minutes: &Minutes) -> Duration {
    Duration::try_from_secs_f64(minutes.0 * 60.0).unwrap_or_default()
}

/// Returns a duration that was found well-formed.
pub fn timeout(raw: Option<&DurationText>) -> Option<Duration> {
    raw.and_then(|duration| kinds::duration(&duration.0))
}

/// Returns a planned wait; durations were found well-formed.
pub fn planned_wait(raw: Option<&WaitYaml>) -> PlannedWait {
    match raw {
        None => PlannedWait::default(),
        Some(WaitYaml::Everywhere(wait)) => {
            let wait = kinds::duration(&wait.0);
            PlannedWait { local: wait, aws: wait }
        }
        Some(WaitYaml::ByTarget(waits)) => {
            PlannedWait { local: timeout(waits.local.as_ref()), aws: timeout(waits.aws.as_ref()) }
        }
    }
}

/// Returns how long an action of a kind may take when the lesson does not say.
pub fn usual_timeout(kind: ActionKind) -> Duration {
    Duration::from_secs(match kind {
        ActionKind::Read | ActionKind::Edit => 10,
        ActionKind::Stop => 30,
        ActionKind::Sql | ActionKind::Invoke | ActionKind::Serve | ActionKind::Simulate => 60,
        ActionKind::Check => 300,
        ActionKind::Shell | ActionKind::Load => 600,
        // A first deploy creates a database cluster; on AWS that alone can take minutes.
        ActionKind::Deploy => 1200,
    })
}

/// Returns a text in which nothing is filled in, `${region}` of `$${region}`.
pub fn as_it_stands(text: &Text) -> String {
    template::in_prose(&text.0, |_| None).into_owned()
}

/// Returns the texts of a list.
pub fn texts(raw: Vec<Text>) -> Vec<String> {
    raw.into_iter().map(|text| text.0).collect()
}

/// Returns a pattern as it is written: it was compiled once, to see that it can be.
pub fn pattern(raw: Option<&Pattern>) -> Option<String> {
    raw.map(|pattern| pattern.0.clone())
}

/// The root of the working directory is the empty path.
pub fn directory(raw: Option<&Text>) -> String {
    let path = raw.map_or(".", |cwd| cwd.0.as_str());
    match path.trim_start_matches("./").trim_end_matches('/') {
        // The root of the file system is none of the project's directories.
        "" if path.starts_with('/') => "/".to_owned(),
        "" | "." => String::new(),
        below => below.to_owned(),
    }
}
