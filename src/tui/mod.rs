//! The terminal interface: one loop over messages, a pure `update`, a pure `view`.
//!
//! 1. [`run`] claims the terminal and draws the first frame from the course alone.
//! 2. Keys, engine events, colours and ticks become messages ([`model::Msg`]).
//! 3. [`update`] changes the model and names effects ([`model::Effect`]).
//! 4. The loop carries the effects out; none of them is waited for.
//! 5. At most every 16 ms [`view`] draws what has changed.
//!
//! Invariant: the engine is known by its events and commands alone, and the loop awaits nothing but the
//! next message.

mod ascii;
mod bindings;
mod changes;
mod clipboard;
mod clock;
mod config;
mod desktop;
mod diffrows;
mod editor;
mod event_loop;
#[cfg(test)]
pub(crate) mod fixture;
mod frame;
#[cfg(test)]
mod golden;
mod highlight;
mod images;
mod input;
mod keymap;
mod layout;
mod leaving;
mod markdown;
mod matching;
mod model;
pub mod notes;
mod own_files;
mod own_shell;
mod panel;
#[cfg(test)]
mod pictures;
pub mod plain;
mod plan;
mod present;
mod recording;
pub mod rehearsal;
mod remapping;
mod scrollback;
mod settings;
mod signals;
mod sql_colours;
mod terminal;
mod theme;
mod timer;
mod update;
mod user_config;
pub mod user_editor;
mod view;
mod views;
mod vikeys;
mod wrap;

pub use config::ScreenConfig;
pub use event_loop::run;
pub use leaving::Exit;
pub use own_shell::ShellTarget;
pub use settings::ScreenSettings;
pub use theme::Looks;
pub use user_config::UserConfig;
