//! `\if`, `\elif`, `\else`, `\endif`. Pure.

/// The state of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// This branch is taken.
    Taken,
    /// None has been taken yet; a later one may.
    NotYet,
    /// One was taken before, or the block is inside one that is not.
    Done,
}

#[derive(Debug, Clone)]
struct Block {
    branch: Branch,
    seen_else: bool,
    /// The length of the statement when the branch began: what an untaken branch adds is thrown away.
    mark: usize,
    /// The parentheses that were open then.
    parens: u32,
}

/// The open blocks.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    blocks: Vec<Block>,
}

impl Conditions {
    /// Tells whether what is read now counts.
    pub fn active(&self) -> bool {
        self.blocks.iter().all(|b| b.branch == Branch::Taken)
    }

    /// Counts the open blocks.
    pub fn depth(&self) -> usize {
        self.blocks.len()
    }

    /// Closes what a file left open.
    pub fn truncate(&mut self, depth: usize) {
        self.blocks.truncate(depth);
    }

    /// Takes from the statement what a branch that is not taken has added to it so far.
    pub fn rewind(&self, buffer: &mut String, parens: &mut u32) {
        if let Some(block) = self.blocks.last() {
            buffer.truncate(block.mark);
            *parens = block.parens;
        }
    }

    /// Tells whether the condition of an `\elif` here would be looked at.
    pub fn wants_condition(&self) -> bool {
        let outer = self.blocks.len().saturating_sub(1);
        self.blocks[..outer].iter().all(|b| b.branch == Branch::Taken)
            && self.blocks.last().is_some_and(|b| b.branch == Branch::NotYet)
    }

    /// Opens a block; `buffer` is the statement so far, to which an untaken branch adds nothing, and `parens` how many
    /// parentheses are open in it.
    pub fn open(&mut self, holds: bool, buffer: &str, parens: u32) {
        let branch = match (self.active(), holds) {
            (false, _) => Branch::Done,
            (true, true) => Branch::Taken,
            (true, false) => Branch::NotYet,
        };
        self.blocks.push(Block { branch, seen_else: false, mark: buffer.len(), parens });
    }

    /// Goes on with another branch, whose condition holds or not.
    ///
    /// # Errors
    /// When there is no block, or its `\else` has been.
    pub fn elif(&mut self, holds: bool, buffer: &mut String, parens: &mut u32) -> Result<(), &'static str> {
        let block = self.blocks.last_mut().ok_or("\\elif: no matching \\if")?;
        if block.seen_else {
            return Err("\\elif: cannot occur after \\else");
        }
        leave(block, buffer, parens);
        block.branch = match block.branch {
            Branch::Taken | Branch::Done => Branch::Done,
            Branch::NotYet if holds => Branch::Taken,
            Branch::NotYet => Branch::NotYet,
        };
        Ok(())
    }

    /// Goes on with the branch for when no other was taken.
    ///
    /// # Errors
    /// When there is no block, or its `\else` has been.
    pub fn otherwise(&mut self, buffer: &mut String, parens: &mut u32) -> Result<(), &'static str> {
        let block = self.blocks.last_mut().ok_or("\\else: no matching \\if")?;
        if block.seen_else {
            return Err("\\else: cannot occur after \\else");
        }
        leave(block, buffer, parens);
        block.seen_else = true;
        block.branch = if block.branch == Branch::NotYet { Branch::Taken } else { Branch::Done };
        Ok(())
    }

    /// Closes the innermost block.
    ///
    /// # Errors
    /// When there is no block.
    pub fn close(&mut self, buffer: &mut String, parens: &mut u32) -> Result<(), &'static str> {
        let block = self.blocks.last_mut().ok_or("\\endif: no matching \\if")?;
        leave(block, buffer, parens);
        self.blocks.pop();
        Ok(())
    }
}

fn leave(block: &mut Block, buffer: &mut String, parens: &mut u32) {
    if block.branch != Branch::Taken {
        buffer.truncate(block.mark);
        *parens = block.parens;
    }
    (block.mark, block.parens) = (buffer.len(), *parens);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_branch_is_taken() {
        let mut c = Conditions::default();
        let (mut buffer, mut parens) = ("select ".to_owned(), 1);
        c.open(false, &buffer, parens);
        assert!(!c.active());
        buffer.push_str("1;");
        parens = 0;
        c.rewind(&mut buffer, &mut parens);
        assert_eq!((buffer.as_str(), parens), ("select ", 1));
        parens = 2;
        buffer.push('1');
        c.elif(true, &mut buffer, &mut parens).unwrap();
        assert!(c.active() && parens == 1, "an untaken branch opens nothing");
        parens = 3;
        buffer.push('2');
        c.otherwise(&mut buffer, &mut parens).unwrap();
        assert!(!c.active());
        buffer.push('3');
        parens = 4;
        c.close(&mut buffer, &mut parens).unwrap();
        assert_eq!((buffer.as_str(), c.depth(), parens), ("select 2", 0, 3));
        assert!(c.close(&mut buffer, &mut parens).is_err());
    }

    #[test]
    fn nothing_inside_an_untaken_branch_is_taken() {
        let mut c = Conditions::default();
        c.open(false, "", 0);
        c.open(true, "", 0);
        assert!(!c.active() && !c.wants_condition());
        c.otherwise(&mut String::new(), &mut 0).unwrap();
        assert!(!c.active());
        assert!(c.elif(true, &mut String::new(), &mut 0).is_err());
    }
}
