//! CloudWatch Logs, reading side: what functions wrote, as far as it came by here.
//!
//! The sandbox keeps the tail (4 KiB) of each invocation made through the endpoint, the last few hundred, until
//! it stops. Invariant: a log line is never part of the saved state.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::error::{AwsError, AwsResult};
use super::service::{Call, Response, text};
use super::time::Instant;

/// Lines kept per log group.
const KEPT: usize = 2000;

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
    /// Keeps the lines of an invocation's log; the oldest of the group make room.
    pub(crate) fn add(&mut self, group: &str, version: &str, request_id: &str, tail: &str, at: Instant) {
        let lines = self.0.entry(group.to_owned()).or_default();
        let day = at.iso()[..10].replace('-', "/");
        for text in tail.lines() {
            let number = lines.back().map_or(0, |last| last.number + 1);
            let stream = format!("{day}/[{version}]{}", request_id.replace('-', ""));
            lines.push_back(LogLine { at, stream, text: text.to_owned(), number });
        }
        let excess = lines.len().saturating_sub(KEPT);
        lines.drain(..excess);
    }
}

/// Answers an operation of CloudWatch Logs, if IAM allows it.
pub(crate) fn call(call: &mut Call<'_>, operation: &str, logs: &Logs) -> AwsResult<Response> {
    let input = call.json()?;
    let group = text(&input, "logGroupName").or(text(&input, "logGroupIdentifier")).unwrap_or_default().to_owned();
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
        "DescribeLogGroups" => {
            let prefix = text(&input, "logGroupNamePrefix").unwrap_or_default();
            let made = call.world.state.log_groups.keys();
            let mut names: Vec<&String> = made.chain(logs.0.keys()).filter(|n| n.starts_with(prefix)).collect();
            names.sort();
            names.dedup();
            let groups: Vec<Value> = names
                .into_iter()
                .map(|name| {
                    let group = call.world.state.log_groups.get(name);
                    // One that no template names is made by the first line of its function.
                    let first = || logs.0.get(name)?.front().map(|line| line.at.0);
                    json!({"logGroupName": name, "arn": call.arn("logs", &format!("log-group:{name}:*")),
                           "creationTime": group.map(|g| g.created.0).or_else(first), "retentionInDays": group.and_then(|g| g.retention_days)})
                })
                .collect();
            Ok(Response::Json(200, json!({"logGroups": groups})))
        }
        "DescribeLogStreams" => {
            let mut streams: BTreeMap<&str, (Instant, Instant)> = BTreeMap::new();
            for line in lines()? {
                let span = streams.entry(&line.stream).or_insert((line.at, line.at));
                span.1 = line.at;
            }
            let streams: Vec<Value> = streams
                .into_iter()
                .map(|(name, (first, last))| json!({"logStreamName": name, "firstEventTimestamp": first.0, "lastEventTimestamp": last.0}))
                .collect();
            Ok(Response::Json(200, json!({"logStreams": streams})))
        }
        "FilterLogEvents" => {
            let pattern = text(&input, "filterPattern").unwrap_or_default().trim_matches('"');
            let after: Option<u64> = text(&input, "nextToken").and_then(|token| token.parse().ok());
            let size = input["limit"].as_u64().unwrap_or(1000) as usize;
            let mut found: Vec<&LogLine> = lines()?
                .filter(between)
                .filter(|line| line.text.contains(pattern) && after.is_none_or(|after| line.number > after))
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
            let events: Vec<Value> = lines()?.filter(|line| line.stream == stream).filter(between).map(event).collect();
            Ok(Response::Json(200, json!({"events": events, "nextForwardToken": "f/0", "nextBackwardToken": "b/0"})))
        }
        _ => Err(call.not_served(operation)),
    }
}
