//! The words of a command itself.

use super::model::Control;
use crate::out::RunContext;
use crate::report::SqlLine;

/// Complains, and counts as failed.
pub(super) async fn failed(text: &str, cx: &mut RunContext<'_>) -> Control {
    cx.complain(text).await;
    Control::Failed
}

/// Says what a command came to: a text of its own, or its complaint.
pub(super) async fn said(said: Result<String, String>, cx: &mut RunContext<'_>) -> Control {
    match said {
        Ok(text) => {
            cx.say(SqlLine::Status, &text).await;
            Control::Continue
        }
        Err(text) => failed(&text, cx).await,
    }
}
