//! `\watch`: a statement again and again.

use std::time::Duration;

use super::super::console::Console;
use super::super::exec::Shape;
use super::super::out::Io;
use super::parse::Watch;

/// psql's interval between runs.
const INTERVAL_SECONDS: f64 = 2.0;

/// Runs a statement until it fails, is cancelled, has run often enough, or gives fewer rows than asked for.
pub(super) async fn watch(console: &mut Console, sql: &str, watch: &Watch, io: &mut Io<'_>) -> bool {
    let own = console.vars.get("WATCH_INTERVAL").and_then(|v| v.parse().ok());
    let seconds = watch.interval.or(own).unwrap_or(INTERVAL_SECONDS);
    let title = console.table.title.clone().map(|t| format!("{t}\t")).unwrap_or_default();
    let mut left = watch.count;
    loop {
        // The moment in the heading is for the person; nothing is decided by it.
        let now = jiff::Zoned::now().strftime("%a %b %e %H:%M:%S %Y").to_string();
        let shape = Shape { title: Some(format!("{title}{now} (every {seconds}s)\n")), ..Shape::default() };
        let before = io.results.len();
        if !console.send(sql, &shape, io).await {
            return false;
        }
        let rows = io.results.get(before..).and_then(|r| r.last()).map_or(0, |r| r.row_count);
        // A watch can run for hours: only its last result is worth keeping.
        let last = io.results.pop();
        io.results.truncate(before);
        io.results.extend(last);
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
