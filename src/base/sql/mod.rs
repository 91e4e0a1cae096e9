//! SQL as text: where a quote, a comment, a word, a statement begins and ends, by PostgreSQL's lexical rules.
//!
//! One lexer serves all who read SQL without running it:
//!
//! | to know | use |
//! |---|---|
//! | every token, white space and comments too (colours, editing) | [`Lexer`] |
//! | the tokens that mean something | [`code_tokens`], [`lex_into`] |
//! | a text that comes in pieces: line by line, or with references between | [`Lexer::resume`], [`LexState`] |
//! | in which quote or comment a position stands | [`state_at`], [`LexState::after`] |
//! | the first word, past comments | [`first_word`] |
//! | the statements of a text as it goes to a server | [`statements`], [`statement_ranges`] |
//! | whether a word can be a name as it is | [`is_keyword`] |
//! | how a name or a text is written | [`quote_name`], [`quote_identifier`], [`quote_literal`] |
//! | what a name or a literal says | [`unquote`], [`literal_value`] |
//!
//! What it knows: block comments nest; `'…'`, `E'…'`, `U&'…'`, `N'…'`, `B'…'`, `X'…'`, `"…"`, `U&"…"` and dollar quotes;
//! a prefix counts only where it is a word by itself (the `e` of `date'…'` does not); a string goes on behind white
//! space that holds a newline (`'a'⏎'b'`), and an escape string stays one there; `$` is part of a word; standard
//! conforming strings. Backslash commands and `:variables` are psql's and not read here.
//!
//! Invariant: every byte belongs to exactly one token, whatever the text. What is left open runs to the end, and the
//! server itself reports it.

mod keywords;
mod lex;
mod quote;
mod split;

pub use keywords::{is_keyword, is_reserved};
pub use lex::{LexState, Lexer, Token, TokenKind, code_tokens, lex_into, state_at};
pub use quote::{literal_value, quote_identifier, quote_literal, quote_name, unquote};
pub use split::{first_word, statement_ranges, statements};
