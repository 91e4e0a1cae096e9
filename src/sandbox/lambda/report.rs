//! The lines that Lambda itself adds to a log, and the shapes of its own errors.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::interfaces::{FunctionSpec, LogFormat, LogSettings, runtime_version};

/// Bytes of an invocation's log that `Invoke` returns.
pub const TAIL: usize = 4096;
/// Bytes of it, and of what its environment logged before it, that CloudWatch Logs has.
pub const KEPT: usize = 256 * 1024;

/// The figures of one invocation.
#[derive(Debug, Clone, PartialEq)]
pub struct InvocationReport<'a> {
    pub request_id: &'a str,
    pub duration: Duration,
    /// Of a cold start.
    pub init: Option<Duration>,
    pub memory_mb: u32,
    pub used_kib: u64,
    pub end: InvocationEnd<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvocationEnd<'a> {
    Answered,
    TimedOut,
    /// The environment broke: the error's type.
    Broken(&'a str),
}

/// Returns the line that opens an environment's log, whose stream is named `stream`; nothing where the settings want none.
/// The members are those of a log of 2026-10 that was published.
pub fn init_start_line(spec: &FunctionSpec, stream: &str, now: SystemTime) -> String {
    let (version, arn) = runtime_version(&spec.runtime, &spec.arn);
    match spec.logging.format {
        LogFormat::Text => format!("INIT_START Runtime Version: {version}\tRuntime Version ARN: {arn}\n"),
        LogFormat::Json if spec.logging.system_level == "WARN" => String::new(),
        LogFormat::Json => {
            let told = json!({
                "initializationType": "on-demand", "phase": "init", "runtimeVersion": version, "runtimeVersionArn": arn,
                "functionName": spec.name, "functionVersion": spec.version, "instanceId": stream,
                "instanceMaxMemory": u64::from(spec.memory_mb) << 20,
            });
            record("platform.initStart", now, &told)
        }
    }
}

/// Returns the line that opens an invocation's log; nothing where the settings want none. `arn` is what the function was
/// invoked by.
pub fn start_line(settings: &LogSettings, request_id: &str, arn: &str, version: &str, now: SystemTime) -> String {
    match settings.format {
        LogFormat::Text => format!("START RequestId: {request_id} Version: {version}\n"),
        LogFormat::Json if settings.system_level == "WARN" => String::new(),
        LogFormat::Json => {
            record("platform.start", now, &json!({ "requestId": request_id, "functionArn": arn, "version": version }))
        }
    }
}

/// Returns the lines that close an invocation's log; nothing where the settings want none.
pub fn end_lines(settings: &LogSettings, report: &InvocationReport<'_>, now: SystemTime) -> String {
    use std::fmt::Write;
    let InvocationReport { request_id, duration, init, memory_mb, used_kib, end } = report;
    // Since August 2025 the start of an environment is billed as well.
    let billed = (*duration + init.unwrap_or_default()).as_nanos().div_ceil(1_000_000);
    let billed = u64::try_from(billed).unwrap_or(u64::MAX);
    let used = used_kib.div_ceil(1024);
    if settings.format == LogFormat::Json {
        let (status, kind) = match end {
            InvocationEnd::Answered if settings.system_level == "WARN" => return String::new(),
            InvocationEnd::Answered => ("success", None),
            InvocationEnd::TimedOut => ("timeout", None),
            InvocationEnd::Broken(kind) => ("error", Some(*kind)),
        };
        let mut metrics = json!({
            "durationMs": thousandths(*duration), "billedDurationMs": billed, "memorySizeMB": memory_mb, "maxMemoryUsedMB": used,
        });
        if let Some(init) = init {
            metrics["initDurationMs"] = json!(thousandths(*init));
        }
        let mut told = json!({ "requestId": request_id, "metrics": metrics, "status": status });
        if let Some(kind) = kind {
            told["errorType"] = json!(kind);
        }
        return record("platform.report", now, &told);
    }
    let mut text = format!(
        "END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {:.2} ms\tBilled Duration: {billed} ms\tMemory Size: {memory_mb} MB\tMax Memory Used: {used} MB",
        ms(*duration)
    );
    if let Some(init) = init {
        let _ = write!(text, "\tInit Duration: {:.2} ms", ms(*init));
    }
    match end {
        InvocationEnd::Answered => text.push('\t'),
        InvocationEnd::TimedOut => text.push_str("\tStatus: timeout"),
        InvocationEnd::Broken(error) => {
            let _ = write!(text, "\tStatus: error\tError Type: {error}");
        }
    }
    text.push('\n');
    text
}

/// Returns what is logged when an environment cannot even start; without an `error` it ran out of time. Source: AWS Lambda
/// developer guide, "Understanding the Lambda execution environment lifecycle" (2026-11), "Failures during the Init phase".
pub fn init_line(settings: &LogSettings, took: Duration, error: Option<&str>, now: SystemTime) -> String {
    let status = if error.is_some() { "error" } else { "timeout" };
    match settings.format {
        LogFormat::Text => {
            let kind = error.map(|error| format!("\tError Type: {error}")).unwrap_or_default();
            format!("INIT_REPORT Init Duration: {:.2} ms\tPhase: init\tStatus: {status}{kind}\n", ms(took))
        }
        LogFormat::Json => {
            let mut told = json!({
                "initializationType": "on-demand", "phase": "init", "status": status,
                "metrics": { "durationMs": thousandths(took) },
            });
            if let Some(error) = error {
                told["errorType"] = json!(error);
            }
            record("platform.initReport", now, &told)
        }
    }
}

/// Returns what is logged when an invocation runs out of time; as JSON its report alone says so.
pub fn timeout_line(settings: &LogSettings, request_id: &str, now: SystemTime, limit: Duration) -> String {
    match settings.format {
        LogFormat::Text => {
            format!("{} {request_id} Task timed out after {:.2} seconds\n\n", stamp(now), limit.as_secs_f64())
        }
        LogFormat::Json => String::new(),
    }
}

/// A line of the service's own as JSON. Source: AWS Lambda developer guide, "Configuring JSON and plain text log formats".
fn record(kind: &str, now: SystemTime, told: &Value) -> String {
    // In this order, which a map does not keep.
    format!("{{\"time\":{},\"type\":{},\"record\":{told}}}\n", json!(stamp(now)), json!(kind))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Milliseconds with three decimals, as logs of 2026-10 have them that were published.
fn thousandths(time: Duration) -> f64 {
    (ms(time) * 1000.0).round() / 1000.0
}

/// The payload of a call that ran out of time.
pub fn timeout_payload(request_id: &str, limit: Duration) -> String {
    let message = format!("RequestId: {request_id} Error: Task timed out after {:.2} seconds", limit.as_secs_f64());
    json!({ "errorType": "Sandbox.Timedout", "errorMessage": message }).to_string()
}

pub const EXIT_ERROR: &str = "Runtime.ExitError";

/// The payload of a call whose process ended: how, in Lambda's words.
pub fn exit_payload(request_id: &str, status: Option<std::process::ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt;
    let how = match status.map(|status| (status.code(), status.signal())) {
        Some((Some(0), _)) | None => "Runtime exited without providing a reason".to_string(),
        Some((Some(code), _)) => format!("Runtime exited with error: exit status {code}"),
        Some((None, Some(9))) => "Runtime exited with error: signal: killed".to_string(),
        Some((None, Some(6))) => "Runtime exited with error: signal: aborted".to_string(),
        Some((None, signal)) => format!("Runtime exited with error: signal: {}", signal.unwrap_or_default()),
    };
    let message = format!("RequestId: {request_id} Error: {how}");
    json!({ "errorType": EXIT_ERROR, "errorMessage": message }).to_string()
}

/// The payload of a call whose answer is larger than Lambda passes on.
pub fn too_large_payload(limit: usize) -> String {
    let message = format!("Response payload size exceeded maximum allowed payload size ({limit} bytes).");
    json!({ "errorType": "Function.ResponseSizeTooLarge", "errorMessage": message }).to_string()
}

/// Returns the day as a log stream's name begins: `2026/11/23`.
pub fn date(now: SystemTime) -> String {
    stamp(now).chars().take(10).map(|c| if c == '-' { '/' } else { c }).collect()
}

/// `2026-11-23T06:42:21.123Z`
pub fn stamp(now: SystemTime) -> String {
    match jiff::Timestamp::try_from(now) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => "1970-01-01T00:00:00.000Z".into(),
    }
}

/// The last bytes of a log, whole characters only.
#[derive(Debug)]
pub struct Tail {
    text: String,
    limit: usize,
}

impl Tail {
    /// Returns one that keeps so many bytes.
    pub fn new(limit: usize) -> Self {
        Tail { text: String::new(), limit }
    }

    /// Adds text at the end.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        // Not at each line: cutting moves everything that is kept.
        if self.text.len() > 2 * self.limit {
            self.cut();
        }
    }

    /// Returns what is kept, and begins anew.
    pub fn take(&mut self) -> String {
        self.cut();
        std::mem::take(&mut self.text)
    }

    fn cut(&mut self) {
        let mut from = self.text.len().saturating_sub(self.limit);
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        self.text.drain(..from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cold_call_is_reported_with_its_start() {
        let text = LogSettings::default();
        let account = InvocationReport {
            request_id: "r",
            duration: Duration::from_micros(1_234),
            init: Some(Duration::from_millis(146)),
            memory_mb: 128,
            used_kib: 60 * 1024 + 1,
            end: InvocationEnd::Answered,
        };
        assert_eq!(
            end_lines(&text, &account, SystemTime::UNIX_EPOCH),
            "END RequestId: r\nREPORT RequestId: r\tDuration: 1.23 ms\tBilled Duration: 148 ms\tMemory Size: 128 MB\tMax Memory Used: 61 MB\tInit Duration: 146.00 ms\t\n"
        );
        let late = InvocationReport { init: None, end: InvocationEnd::TimedOut, ..account };
        assert!(end_lines(&text, &late, SystemTime::UNIX_EPOCH).ends_with("\tStatus: timeout\n"));
        let json = LogSettings { format: LogFormat::Json, ..LogSettings::default() };
        let lines = end_lines(&json, &late, SystemTime::UNIX_EPOCH);
        let told: Value = serde_json::from_str(&lines).expect("one line of JSON");
        assert!(lines.starts_with("{\"time\":\"1970-01-01T00:00:00.000Z\",\"type\":\"platform.report\""), "{lines}");
        assert_eq!(told["record"]["status"], "timeout");
        assert_eq!(told["record"]["metrics"]["durationMs"], 1.234);
        assert_eq!(told["record"]["metrics"]["billedDurationMs"], 2);
        let warn = LogSettings { system_level: "WARN".into(), ..json };
        let fine = InvocationReport { end: InvocationEnd::Answered, ..late };
        assert_eq!(end_lines(&warn, &fine, SystemTime::UNIX_EPOCH), "");
    }

    #[test]
    fn a_start_names_its_version_and_says_how_it_failed() {
        let (text, now) = (LogSettings::default(), SystemTime::UNIX_EPOCH);
        let json = LogSettings { format: LogFormat::Json, ..LogSettings::default() };
        assert_eq!(start_line(&text, "r", "arn", "7", now), "START RequestId: r Version: 7\n");
        let told = start_line(&json, "r", "arn", "7", now);
        assert!(told.contains("\"version\":\"7\"") && told.contains("\"functionArn\":\"arn\""), "{told}");
        let init = |error: Option<&str>| init_line(&text, Duration::from_secs(10), error, now);
        assert_eq!(init(None), "INIT_REPORT Init Duration: 10000.00 ms\tPhase: init\tStatus: timeout\n");
        assert!(init(Some("E")).ends_with("\tStatus: error\tError Type: E\n"));
        let told = init_line(&json, Duration::from_secs(10), None, now);
        assert!(told.contains("\"status\":\"timeout\"") && !told.contains("errorType"), "{told}");
    }

    #[test]
    fn the_tail_is_the_end_in_whole_characters() {
        let mut tail = Tail::new(TAIL);
        for _ in 0..20_000 {
            tail.push("ä");
        }
        tail.push("x");
        let text = tail.take();
        assert_eq!(text.len(), TAIL - 1, "one byte would have been half a character");
        assert!(text.ends_with("äx"));
    }

    #[test]
    fn times_are_in_utc_with_milliseconds() {
        assert_eq!(stamp(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500)), "1970-01-01T00:00:01.500Z");
        assert_eq!(stamp(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
    }
}
