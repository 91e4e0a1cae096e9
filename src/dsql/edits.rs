//! A statement with other words in some of its places, and where in the client's own each place is: errors point there.
//!
//! Invariant: a place between two edits is the place of the same character in the client's statement.

use super::words::Words;

/// What of a text is not the client's, in the order of the places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edits(Vec<Edit>);

/// Of a text that is the client's.
pub static UNEDITED: Edits = Edits(Vec::new());

/// A stretch of other words, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edit {
    /// The length of what stands before it in the edited text.
    before: usize,
    put_in: usize,
    taken_out: usize,
}

impl Edits {
    /// Returns where in the client's statement something stands that stands here, both in characters from 1: of what was
    /// put in, where it begins.
    pub fn position(&self, position: usize) -> usize {
        let (mut added, mut removed) = (0, 0);
        for edit in self.0.iter().filter(|edit| position > edit.before) {
            match position - edit.before - 1 {
                inside if inside < edit.put_in => added += inside,
                _ => {
                    added += edit.put_in;
                    removed += edit.taken_out;
                }
            }
        }
        position + removed - added
    }

    /// Returns whether everything stands where the client has it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Makes the statement with texts in the place of some bytes of its source, from and to, one behind the other.
pub fn edited<T: AsRef<str>>(w: Words, texts: impl IntoIterator<Item = (usize, usize, T)>) -> (String, Edits) {
    let source = w.source(0..w.count());
    let (mut sql, mut edits) = (String::with_capacity(source.len() + 32), Vec::new());
    let mut last = w.tokens[0].range().start;
    for (from, to, text) in texts {
        let text = text.as_ref();
        sql.push_str(&w.sql[last..from]);
        let (before, put_in) = (sql.chars().count(), text.chars().count());
        edits.push(Edit { before, put_in, taken_out: w.sql[from..to].chars().count() });
        sql.push_str(text);
        last = to;
    }
    sql.push_str(&w.sql[last..w.tokens[w.count() - 1].range().end]);
    (sql, Edits(edits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use workshop_base::sql;

    #[test]
    fn a_place_is_that_of_the_same_character() {
        let source = "/* ü */ selekt 'ü', ALL, b from c";
        let tokens = sql::code_tokens(source);
        let w = Words { sql: source, tokens: &tokens };
        let at = |text: &str| source.find(text).expect("there");
        let (sql, edits) =
            edited(w, [(at(","), at(","), " (ü)"), (at("ALL"), at("ALL") + 3, "user"), (at("b"), at(" from"), "")]);
        assert_eq!(sql, "selekt 'ü' (ü), user,  from c");
        let own = &source[at("selekt")..];
        let place = |text: &str, of: &str| text[..text.find(of).expect("there")].chars().count() + 1;
        for same in ["selekt", "'ü'", ",", " from", "c"] {
            assert_eq!(edits.position(place(&sql, same)), place(own, same), "{same}");
        }
        for (put_in, began) in [("(ü)", ","), ("user", "ALL"), ("ser", "ALL")] {
            assert_eq!(edits.position(place(&sql, put_in)), place(own, began), "{put_in}");
        }
        assert_eq!(Edits::default().position(7), 7);
    }
}
