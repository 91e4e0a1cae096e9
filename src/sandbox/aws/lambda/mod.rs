//! Lambda's control plane and Invoke: functions, their versions and aliases, who may invoke them, and their URLs.
//!
//! Running functions is the work of [`Functions`](crate::interfaces::Functions), which knows each version by a key of its
//! own ([`names::key`]). Invariant: a published version never changes.

mod code;
mod configuration;
mod dispatch;
mod functions;
mod invocation;
mod names;
mod payload;
mod permissions;
mod runtimes;
mod settings;
pub(crate) mod url_events;
mod urls;
mod versions;

pub(crate) use super::function_names::split;
pub(crate) use configuration::make;
pub(crate) use dispatch::call;
pub(crate) use invocation::{invoked, refused};
pub(crate) use names::{key, keys, new_name, reachable, record};
pub(crate) use permissions::{add_permission, allows, remove_permission};
pub(crate) use runtimes::RUNTIMES;
pub(crate) use settings::{refused_settings, says_something};
pub(crate) use urls::{put_url, shown_url, url_arn};
pub(crate) use versions::{publish, put_alias, remove_version};
