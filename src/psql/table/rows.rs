//! The rows of a table, held as they came over the wire: one buffer, no allocation for each value. Pure.

/// A row: `None` is NULL.
pub type TextRow = Vec<Option<String>>;

/// Rows back to back, each as the body of a DataRow message: how many values, then each one's length (-1 is NULL)
/// and bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Rows {
    bytes: Vec<u8>,
    count: u64,
}

impl Rows {
    /// Counts the rows.
    pub fn len(&self) -> u64 {
        self.count
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Adds the body of a DataRow message. False, and nothing is added, when it is cut short.
    #[must_use]
    pub fn push_body(&mut self, body: &[u8]) -> bool {
        let mut values = HeldValues::of(body);
        let whole = values.by_ref().count() == values.expected && values.rest.is_empty();
        if whole {
            self.bytes.extend_from_slice(body);
            self.count += 1;
        }
        whole
    }

    /// Adds a row of our own.
    pub fn push<T: AsRef<str>>(&mut self, row: &[Option<T>]) {
        self.bytes.extend_from_slice(&(row.len() as u16).to_be_bytes());
        for value in row {
            match value {
                Some(value) => {
                    let text = value.as_ref().as_bytes();
                    self.bytes.extend_from_slice(&(text.len() as u32).to_be_bytes());
                    self.bytes.extend_from_slice(text);
                }
                None => self.bytes.extend_from_slice(&(-1i32).to_be_bytes()),
            }
        }
        self.count += 1;
    }

    /// Goes through the rows, each lent as its values.
    pub fn iter(&self) -> HeldRows<'_> {
        HeldRows { rest: &self.bytes }
    }

    /// The same rows in parts of about so many bytes.
    pub fn parts(&self, bytes: usize) -> impl Iterator<Item = Rows> + '_ {
        let mut rows = self.iter();
        std::iter::from_fn(move || {
            let whole = rows.rest;
            let mut count = 0;
            while whole.len() - rows.rest.len() < bytes && rows.next().is_some() {
                count += 1;
            }
            let taken = &whole[..whole.len() - rows.rest.len()];
            (count > 0).then(|| Rows { bytes: taken.to_vec(), count })
        })
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows in {} bytes", self.count, self.bytes.len())
    }
}

impl<T: AsRef<str>> FromIterator<Vec<Option<T>>> for Rows {
    fn from_iter<I: IntoIterator<Item = Vec<Option<T>>>>(rows: I) -> Rows {
        let mut out = Rows::default();
        for row in rows {
            out.push(&row);
        }
        out
    }
}

impl From<Vec<TextRow>> for Rows {
    fn from(rows: Vec<TextRow>) -> Rows {
        rows.into_iter().collect()
    }
}

/// The rows, one after the other.
pub struct HeldRows<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for HeldRows<'a> {
    type Item = HeldValues<'a>;

    fn next(&mut self) -> Option<HeldValues<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let row = HeldValues::of(self.rest);
        let mut end = HeldValues::of(self.rest);
        end.by_ref().for_each(drop);
        self.rest = end.rest;
        Some(row)
    }
}

/// The values of one row: `None` is NULL.
#[derive(Clone)]
pub struct HeldValues<'a> {
    rest: &'a [u8],
    left: u16,
    expected: usize,
}

impl<'a> HeldValues<'a> {
    fn of(body: &'a [u8]) -> HeldValues<'a> {
        match body {
            [a, b, rest @ ..] => {
                let left = u16::from_be_bytes([*a, *b]);
                HeldValues { rest, left, expected: usize::from(left) }
            }
            // Never a whole row.
            _ => HeldValues { rest: &[], left: 0, expected: usize::MAX },
        }
    }
}

impl<'a> Iterator for HeldValues<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Option<&'a [u8]>> {
        self.left = self.left.checked_sub(1)?;
        let (head, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*head)) else { return Some(None) };
        let (value, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in_whole_or_in_parts() {
        let rows: Rows = (0..100).map(|n| vec![Some(n.to_string()), None, Some(String::new())]).collect();
        assert_eq!(rows.len(), 100);
        let parts: Vec<Rows> = rows.parts(64).collect();
        assert!(parts.len() > 10);
        let first = |rows: &Rows| -> Vec<Vec<u8>> {
            rows.iter().map(|mut values| values.next().expect("a value").expect("not null").to_vec()).collect()
        };
        assert_eq!(parts.iter().flat_map(first).collect::<Vec<_>>(), first(&rows));
        assert!(rows.iter().all(|values| values.collect::<Vec<_>>()[1..] == [None, Some(&b""[..])]));
    }

    #[test]
    fn a_row_that_is_cut_short_is_not_taken() {
        let mut rows = Rows::default();
        assert!(rows.push_body(&[0, 1, 0, 0, 0, 1, b'x']));
        for short in [&[][..], &[0], &[0, 1], &[0, 1, 0, 0, 0, 9, b'x'], &[0, 1, 0, 0, 0, 0, b'x']] {
            assert!(!rows.push_body(short), "{short:?}");
        }
        assert_eq!(rows.iter().count(), 1);
    }
}
