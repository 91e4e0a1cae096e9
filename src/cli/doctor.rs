//! `workshop doctor`: each prerequisite, one line, with the fix.

use std::fmt::Write as _;
use std::path::Path;

use rustix::fs::{Access, access};

use super::args::CommonOptions;
use super::output::say;
use super::runtime::block_on;
use super::{course, places, shell, target};
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
        let (found, fix) = cache_dir(&cache);
        tell("cache", fix.is_none(), &found, fix)?;
        let (found, fix) = working_dir(&workdir);
        tell("working directory", fix.is_none(), &found, fix)?;
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

/// Says where the cache is, and what is to be done where nothing can be kept there.
fn cache_dir(cache: &Path) -> (String, Option<&'static str>) {
    let probe = cache.join(format!(".probe-{}", std::process::id()));
    // A directory that is there may be another's, or on a disk that is only read.
    let written = std::fs::create_dir_all(cache).and_then(|()| std::fs::File::create(&probe)).map(drop);
    let _ = std::fs::remove_file(&probe);
    match written {
        Ok(()) => (cache.display().to_string(), None),
        Err(error) => {
            (format!("{}: {error}", cache.display()), Some("set WORKSHOP_CACHE to a directory that can be written"))
        }
    }
}

/// Says where one works, and what is to be done where that is not possible.
fn working_dir(workdir: &Path) -> (String, Option<&'static str>) {
    let found = workdir.display().to_string();
    if !places::is_ours(workdir) && !holds_files(workdir).is_ok_and(|files| !files) {
        return (found, Some("it holds something else: pass another --workdir"));
    }
    // One that is not there yet is made in the nearest that is.
    let there = workdir.ancestors().find(|dir| dir.exists()).filter(|dir| !dir.as_os_str().is_empty());
    match access(there.unwrap_or(Path::new(".")), Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => (found, None),
        Err(error) => (format!("{found}: {error}"), Some("make it writable for you, or pass another --workdir")),
    }
}

/// Looks at an account without changing it.
async fn account(common: &CommonOptions, course: &Course, stack: &str) -> Vec<(&'static str, Result<String>)> {
    let environment = shell::account(common, shell::variables());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_to_be_fixed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(cache_dir(&dir.path().join("new/cache")).1, None);
        assert!(cache_dir(&file).1.is_some_and(|fix| fix.contains("WORKSHOP_CACHE")));
        // A directory that is there, and takes no files from anybody.
        if cfg!(target_os = "linux") {
            assert!(cache_dir(Path::new("/proc/self/fdinfo")).1.is_some());
        }
        let left: Vec<_> = std::fs::read_dir(dir.path().join("new/cache")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(working_dir(&dir.path().join("new/work/here")).1, None);
        assert!(working_dir(dir.path()).1.is_some_and(|fix| fix.contains("something else")));
        assert!(working_dir(&file.join("below")).1.is_some());
    }
}
