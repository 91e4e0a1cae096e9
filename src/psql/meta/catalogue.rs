//! The commands that look into the catalogue.

use super::ask::show;
use super::definition::{self, Definition};
use super::model::{CatalogueCommand, Control, ListingKind};
use super::{describe, list};
use crate::console::Console;
use crate::out::RunContext;

/// Does a command that looks into the catalogue.
pub(super) async fn act(c: &mut Console, command: CatalogueCommand, cx: &mut RunContext<'_>) -> Control {
    let done = match command {
        CatalogueCommand::Describe { what: ListingKind::Any, pattern: Some(pattern), more, .. } => {
            describe::describe(c, &pattern, more, cx).await
        }
        CatalogueCommand::Describe { what, pattern, more, system } => {
            list::list(c, what, pattern.as_deref(), more, system, cx).await
        }
        CatalogueCommand::Function { name, more } => {
            definition::definition(c, name.as_deref(), Definition::Function, more, cx).await
        }
        CatalogueCommand::View { name, more } => {
            definition::definition(c, name.as_deref(), Definition::View, more, cx).await
        }
        CatalogueCommand::Configuration { pattern, more } => list::configuration(c, pattern.as_deref(), more, cx).await,
    };
    show(c, done, cx).await
}
