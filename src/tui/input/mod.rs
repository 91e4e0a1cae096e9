//! Input from the terminal: keys, pastes, the mouse, sizes, and its answers to questions.
//!
//! [`decode`] makes events of bytes, [`reader`] waits for the bytes. The terminal's own reports come from anywhere at any
//! time (a multiplexer that attaches, a question that another program asked before us): as keys they would run steps.

mod decode;
mod reader;

pub use reader::Input;
