//! The text being typed in the console's entry.

mod text;
mod vi;

pub use self::text::Editor;
pub use self::vi::ViMotion;
