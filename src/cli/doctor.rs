//! `workshop doctor`: each prerequisite, one line, with the fix.

use std::fmt::Write as _;

use super::args::CommonOptions;
use super::output::say;
use super::runtime::block_on;
use super::{course, places, target};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::sanitize;
use workshop_course::lesson::model::{Course, Target};
use workshop_engine::aws::{Clients, cluster, stack};
use workshop_engine::event::{EventKind, Verdict};
use workshop_engine::{holds_files, preflight};

/// Tells of each prerequisite, and returns the exit code: 0 when nothing is missing, else 3.
///
/// # Errors
/// When the course is not valid, or standard output cannot be written.
pub fn run(common: &CommonOptions) -> Result<u8> {
    let course = course::read_to_open(common, &places::course(common)?)?;
    let workdir = places::workdir(common)?;
    let common = &target::remembered(common, &workdir)?;
    let target = target::of(common, &course);
    target::allowed(&course, target)?;
    let mut good = true;
    let mut tell = |name: &str, ok: bool, found: &str, fix: Option<&str>| {
        good &= ok;
        let mut line = format!("{} {name}: {found}\n", if ok { "ok  " } else { "FIX " });
        if let (false, Some(fix)) = (ok, fix) {
            let _ = writeln!(line, "     {fix}");
        }
        say(&sanitize(&line))
    };
    block_on(async {
        for event in preflight(&course, target).await {
            if let EventKind::Preflight { name, verdict, found, fix } = event {
                tell(&name, verdict == Verdict::Pass, &found, fix.as_deref())?;
            }
        }
        let cache = target::cache()?;
        let writable = std::fs::create_dir_all(&cache).map_err(|e| e.to_string());
        let found = writable.as_ref().map_or_else(Clone::clone, |()| cache.display().to_string());
        tell("cache", writable.is_ok(), &found, Some("set WORKSHOP_CACHE to a directory that can be written"))?;
        let free = places::is_ours(&workdir) || holds_files(&workdir).is_ok_and(|files| !files);
        let found = workdir.display().to_string();
        tell("working directory", free, &found, Some("it holds something else: pass another --workdir"))?;
        if let (Target::Aws, Some(stack)) = (target, &course.stack) {
            for (name, result) in account(common, &course, stack).await {
                let hint = result.as_ref().err().and_then(|p| p.hint.clone());
                let found = result.as_ref().map_or_else(Problem::to_string, Clone::clone);
                tell(name, result.is_ok(), &found, hint.as_deref())?;
            }
        }
        Ok(())
    })?;
    Ok(if good { 0 } else { Kind::Environment.exit_code() })
}

/// Looks at an account without changing it.
async fn account(common: &CommonOptions, course: &Course, stack: &str) -> Vec<(&'static str, Result<String>)> {
    let environment = target::account(common, std::env::vars());
    let clients = match Clients::connect(&environment).await {
        Ok(clients) => clients,
        Err(error) => return vec![("AWS region", Err(error.into()))],
    };
    let mut found = vec![("AWS region", Ok(clients.region.clone()))];
    match clients.caller().await {
        Ok(caller) => found.push(("AWS credentials", Ok(caller.arn))),
        Err(error) => {
            found.push(("AWS credentials", Err(error.into())));
            return found;
        }
    }
    let bootstrap = match stack::bootstrapped(&clients).await {
        Ok(true) => Ok("done".to_owned()),
        // Not a fault: a step of the course does it, if one does.
        Ok(false) => Ok(match course.bootstraps() {
            Some(chapter) => format!("not yet; chapter {} does it", chapter.number),
            None => "not yet; `npx cdk bootstrap` does it, where the stack needs it".to_owned(),
        }),
        Err(error) => Err(error.into()),
    };
    found.push(("CDK bootstrap", bootstrap));
    found.push(("stack", standing(&clients, stack).await));
    found
}

/// Says how the course's stack and its cluster stand.
async fn standing(clients: &Clients, name: &str) -> Result<String> {
    let Some(found) = stack::describe(clients, name).await? else { return Ok(format!("{name} is not there yet")) };
    let mut text = format!("{name} is {}", found.status);
    let resources = stack::resources(clients, &found.id).await?;
    let id = resources.into_iter().find(|r| r.resource_type == cluster::RESOURCE).and_then(|r| r.physical_id);
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        match cluster::describe(clients, &id).await? {
            Some(cluster) => text.push_str(&format!(", its cluster {} is {}", cluster.endpoint, cluster.status)),
            None => text.push_str(&format!(", its cluster {id} is not there")),
        }
    }
    // Nothing starts from here before someone has looked.
    if found.status.ends_with("_FAILED") {
        let hint = stack::way_out(&found.status)
            .unwrap_or("look at the stack's events; `npx cdk destroy` where cdk.json is frees it");
        return Err(Problem::environment(text).hint(hint));
    }
    Ok(text)
}
