//! CloudWatch Logs, reading side: what functions wrote, as far as it came by here.
//!
//! The sandbox keeps what functions logged that were invoked through the endpoint, the newest of it, until it stops.
//! Invariant: a log line is never part of the saved state.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};

use super::error::{AwsError, AwsResult};
use super::log_patterns::LogPattern;
use super::service::{Call, Response, items, page, text};
use super::time::Instant;

/// Lines kept per log group, and bytes.
const KEPT: usize = 10_000;
const KEPT_BYTES: usize = 4 << 20;

/// The lines that functions wrote, by log group.
#[derive(Debug, Default)]
pub(crate) struct Logs(BTreeMap<String, VecDeque<LogLine>>);

#[derive(Debug, Clone, PartialEq)]
struct LogLine {
    at: Instant,
    stream: String,
    text: String,
    number: u64,
}

impl Logs {
    /// Keeps the lines of a log; the oldest of the group make room.
    pub(crate) fn add(&mut self, group: &str, stream: &str, log: &str, at: Instant) {
        let lines = self.0.entry(group.to_owned()).or_default();
        // An event is never empty.
        for text in log.lines().filter(|line| !line.is_empty()) {
            let number = lines.back().map_or(0, |last| last.number + 1);
            lines.push_back(LogLine { at, stream: stream.to_owned(), text: text.to_owned(), number });
        }
        let mut bytes: usize = lines.iter().map(|line| line.text.len()).sum();
        while lines.len() > KEPT || bytes > KEPT_BYTES {
            bytes -= lines.pop_front().map_or(bytes, |line| line.text.len());
        }
    }

    /// Forgets a log group and its lines.
    pub(crate) fn remove(&mut self, group: &str) {
        self.0.remove(group);
    }
}

/// Answers an operation of CloudWatch Logs, if IAM allows it.
pub(crate) fn call(call: &mut Call<'_>, operation: &str, logs: &Logs) -> AwsResult<Response> {
    let input = call.json()?;
    let group = text(&input, "logGroupName").or(text(&input, "logGroupIdentifier")).unwrap_or_default();
    // An identifier may be the group's ARN.
    let group = group.strip_prefix(&call.arn("logs", "log-group:")).map_or(group, |name| name.trim_end_matches(":*"));
    let group = group.to_owned();
    call.allow(&format!("logs:{operation}"), &call.arn("logs", &format!("log-group:{group}:*")))?;
    let known = |group: &str| logs.0.contains_key(group) || call.world.state.log_groups.contains_key(group);
    let lines = || match (known(&group), logs.0.get(&group)) {
        (true, lines) => Ok(lines.into_iter().flatten()),
        (false, _) => Err(AwsError::new(400, "ResourceNotFoundException", "The specified log group does not exist.")),
    };
    let between = |line: &&LogLine| {
        let bound = |name: &str| input[name].as_u64();
        bound("startTime").is_none_or(|start| line.at.0 >= start) && bound("endTime").is_none_or(|end| line.at.0 < end)
    };
    let event = |line: &LogLine| {
        json!({"timestamp": line.at.0, "ingestionTime": line.at.0, "message": line.text,
               "logStreamName": line.stream, "eventId": format!("{:056}", line.number)})
    };
    match operation {
        "DescribeLogGroups" => Ok(Response::Json(200, groups(call, &input, logs)?)),
        "DescribeLogStreams" => Ok(Response::Json(200, streams(call, &input, &group, lines()?)?)),
        "FilterLogEvents" => {
            let pattern = text(&input, "filterPattern").unwrap_or_default().trim();
            if pattern.starts_with(['{', '[']) {
                return Err(call.not_served("a filter pattern for JSON or for columns"));
            }
            let pattern = LogPattern::read(pattern)?;
            let after: Option<u64> =
                text(&input, "nextToken").map(|token| token.parse()).transpose().map_err(|_| token())?;
            let named: Vec<&str> = items(&input, "logStreamNames").iter().filter_map(Value::as_str).collect();
            let prefix = text(&input, "logStreamNamePrefix").unwrap_or_default();
            let of = |stream: &str| (named.is_empty() || named.contains(&stream)) && stream.starts_with(prefix);
            let size = limit(&input, MOST_EVENTS);
            let mut found: Vec<&LogLine> = lines()?
                .filter(between)
                .filter(|line| of(&line.stream) && after.is_none_or(|after| line.number > after))
                .filter(|line| pattern.fits(&line.text))
                .take(size + 1)
                .collect();
            let more = found.len() > size;
            found.truncate(size);
            let token = found.last().filter(|_| more).map(|line| line.number.to_string());
            let events: Vec<Value> = found.into_iter().map(event).collect();
            Ok(Response::Json(200, json!({"events": events, "nextToken": token})))
        }
        "GetLogEvents" => {
            let stream = text(&input, "logStreamName").unwrap_or_default();
            let all: Vec<&LogLine> = lines()?.filter(|line| line.stream == stream).collect();
            if all.is_empty() {
                let message = "The specified log stream does not exist.";
                return Err(AwsError::new(400, "ResourceNotFoundException", message));
            }
            let wanted: Vec<&LogLine> = all.into_iter().filter(between).collect();
            let (events, forward, backward) = window(&wanted, &input)?;
            let events: Vec<Value> = events.iter().map(|line| event(line)).collect();
            let tokens = (format!("f/{forward}"), format!("b/{backward}"));
            Ok(Response::Json(
                200,
                json!({"events": events, "nextForwardToken": tokens.0, "nextBackwardToken": tokens.1}),
            ))
        }
        _ => Err(call.not_served(operation)),
    }
}

/// DescribeLogGroups: those that templates have made, and those of functions that have logged, a page at a time.
fn groups(call: &Call<'_>, input: &Value, logs: &Logs) -> AwsResult<Value> {
    let prefix = text(input, "logGroupNamePrefix").unwrap_or_default();
    let pattern = text(input, "logGroupNamePattern").unwrap_or_default().to_lowercase();
    let fits = |name: &&String| name.starts_with(prefix) && name.to_lowercase().contains(&pattern);
    let made = &call.world.state.log_groups;
    let names: BTreeSet<&String> = made.keys().chain(logs.0.keys()).filter(fits).collect();
    let groups = names.into_iter().map(|name| {
        let group = made.get(name);
        // One that no template names is made by the first line of its function.
        let first = || logs.0.get(name)?.front().map(|line| line.at.0);
        let arn = call.arn("logs", &format!("log-group:{name}"));
        json!({"logGroupName": name, "arn": format!("{arn}:*"), "logGroupArn": arn,
               "creationTime": group.map(|group| group.created.0).or_else(first), "storedBytes": 0,
               "retentionInDays": group.and_then(|group| group.retention_days), "metricFilterCount": 0,
               "logGroupClass": "STANDARD"})
    });
    let (groups, next) =
        page(groups.collect(), text(input, "nextToken"), limit(input, MOST_GROUPS)).map_err(|_| token())?;
    Ok(json!({"logGroups": groups, "nextToken": next}))
}

/// The most events that an answer has, and the most streams and groups; with less where a request says so.
const MOST_EVENTS: usize = 10_000;
const MOST_GROUPS: usize = 50;
const MOST_STREAMS: usize = 50;

fn limit(input: &Value, most: usize) -> usize {
    input["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(most).clamp(1, most)
}

/// Refuses a token of another request. Recorded in localstack/localstack, test_logs_events.
fn token() -> AwsError {
    AwsError::new(400, "InvalidParameterException", "The specified nextToken is invalid.")
}

/// The part of a stream that GetLogEvents shows, oldest first, and the numbers of the lines at which the next one begins and
/// the one before ends. Without a token it is the newest part, unless `startFromHead` is said.
fn window<'a>(lines: &[&'a LogLine], input: &Value) -> AwsResult<(Vec<&'a LogLine>, u64, u64)> {
    let size = limit(input, MOST_EVENTS);
    let given = text(input, "nextToken").map(|given| {
        let (way, number) = given.split_once('/').ok_or_else(token)?;
        match (way, number.parse::<u64>()) {
            ("f", Ok(number)) => Ok((true, number)),
            ("b", Ok(number)) => Ok((false, number)),
            _ => Err(token()),
        }
    });
    let (forward, at) = match given.transpose()? {
        Some((forward, at)) => (forward, at),
        None if input["startFromHead"] == true => (true, 0),
        None => (false, u64::MAX),
    };
    let shown: Vec<&LogLine> = match forward {
        true => lines.iter().copied().filter(|line| line.number >= at).take(size).collect(),
        false => {
            let before: Vec<&LogLine> = lines.iter().copied().filter(|line| line.number < at).collect();
            before[before.len().saturating_sub(size)..].to_vec()
        }
    };
    // At an end the same token comes again: that is how clients see it.
    let nothing = if at == u64::MAX { 0 } else { at };
    let next = shown.last().map_or(nothing, |line| line.number + 1);
    let before = shown.first().map_or(nothing, |line| line.number);
    Ok((shown, next, before))
}

/// DescribeLogStreams: by name or by the last event, a page at a time.
fn streams<'a>(
    call: &Call<'_>,
    input: &Value,
    group: &str,
    lines: impl Iterator<Item = &'a LogLine>,
) -> AwsResult<Value> {
    let (prefix, by_time) = (text(input, "logStreamNamePrefix"), input["orderBy"] == "LastEventTime");
    if by_time && prefix.is_some() {
        let message = "Cannot order by LastEventTime with a logStreamNamePrefix.";
        return Err(AwsError::new(400, "InvalidParameterException", message));
    }
    let mut found: BTreeMap<&str, (Instant, Instant)> = BTreeMap::new();
    for line in lines.filter(|line| line.stream.starts_with(prefix.unwrap_or_default())) {
        let span = found.entry(&line.stream).or_insert((line.at, line.at));
        span.1 = line.at;
    }
    let mut found: Vec<(&str, (Instant, Instant))> = found.into_iter().collect();
    if by_time {
        found.sort_by_key(|(_, (_, last))| *last);
    }
    if input["descending"] == true {
        found.reverse();
    }
    let shown = found.into_iter().map(|(name, (first, last))| {
        json!({"logStreamName": name, "arn": call.arn("logs", &format!("log-group:{group}:log-stream:{name}")),
               "creationTime": first.0, "firstEventTimestamp": first.0, "lastEventTimestamp": last.0,
               "lastIngestionTime": last.0, "storedBytes": 0})
    });
    let (page, next) =
        page(shown.collect(), text(input, "nextToken"), limit(input, MOST_STREAMS)).map_err(|_| token())?;
    Ok(json!({"logStreams": page, "nextToken": next}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_both_ways() {
        let lines: Vec<LogLine> = (0..5)
            .map(|number| LogLine { at: Instant(number), stream: "s".into(), text: String::new(), number })
            .collect();
        let lines: Vec<&LogLine> = lines.iter().collect();
        let numbers = |input: Value| {
            let (shown, forward, backward) = window(&lines, &input).unwrap();
            (shown.iter().map(|line| line.number).collect::<Vec<_>>(), forward, backward)
        };
        assert_eq!(numbers(json!({"limit": 2})), (vec![3, 4], 5, 3), "the newest first");
        assert_eq!(numbers(json!({"limit": 2, "nextToken": "b/3"})), (vec![1, 2], 3, 1));
        assert_eq!(numbers(json!({"limit": 2, "startFromHead": true})), (vec![0, 1], 2, 0));
        assert_eq!(numbers(json!({"limit": 9, "nextToken": "f/2"})), (vec![2, 3, 4], 5, 2));
        assert_eq!(numbers(json!({"nextToken": "f/5"})), (vec![], 5, 5), "the end comes again");
        assert_eq!(
            window(&lines, &json!({"nextToken": "x"})).unwrap_err().message,
            "The specified nextToken is invalid."
        );
    }
}
