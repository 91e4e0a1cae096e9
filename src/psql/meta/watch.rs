//! `\watch`: a statement again and again.

use std::time::Duration;

use super::model::WatchOptions;
use crate::console::Console;
use crate::exec::options::SendOptions;
use crate::out::RunContext;
use crate::report::SqlLine;

/// psql's interval between runs.
const INTERVAL_SECONDS: f64 = 2.0;

/// Runs a statement again and again, and ends with an empty line, as psql does however it ends.
pub(super) async fn watch(console: &mut Console, sql: &str, watch: &WatchOptions, cx: &mut RunContext<'_>) -> bool {
    let ok = repeat(console, sql, watch, cx).await;
    cx.say(SqlLine::Status, "\n").await;
    ok
}

/// Runs a statement until it fails, is cancelled, has run often enough, or gives fewer rows than asked for.
async fn repeat(console: &mut Console, sql: &str, watch: &WatchOptions, cx: &mut RunContext<'_>) -> bool {
    let own = console.settings.vars.get("WATCH_INTERVAL").and_then(|v| v.parse().ok());
    let seconds = watch.interval.or(own).unwrap_or(INTERVAL_SECONDS);
    let title = console.settings.table.title.clone().map(|t| format!("{t}\t")).unwrap_or_default();
    let mut left = watch.count;
    loop {
        // The moment in the heading is for the person; nothing is decided by it.
        let now = jiff::Zoned::now().strftime("%a %b %e %H:%M:%S %Y").to_string();
        let how = SendOptions { title: Some(format!("{title}{now} (every {seconds}s)\n")), ..SendOptions::default() };
        let before = cx.results.len();
        if !console.send(sql, &how, cx).await {
            return false;
        }
        let rows = cx.results.get(before..).and_then(|r| r.last()).map_or(0, |r| r.row_count);
        // A watch can run for hours: only its last result is worth keeping.
        let last = cx.results.pop();
        cx.results.truncate(before);
        cx.results.extend(last);
        if watch.min_rows.is_some_and(|least| rows < least) {
            return true;
        }
        if let Some(n) = &mut left {
            *n -= 1;
            if *n == 0 {
                return true;
            }
        }
        let canceller = console.canceller();
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs_f64(seconds)) => {}
            () = canceller.wanted() => return true,
        }
        if canceller.is_wanted() {
            return true;
        }
    }
}
