//! Which environment runs which invocation: decisions only, no processes and no time.
//!
//! Invariants: an environment runs one invocation at a time; there are never more than `limit` of them
//! for a function; an invocation waits only while `limit` environments of the newest code are busy; an
//! environment of replaced code gets nothing new.

use std::collections::{BTreeSet, VecDeque};

/// Names an environment of one function; never used twice.
pub type EnvironmentId = u64;

/// Says where an invocation goes.
#[derive(Debug, PartialEq, Eq)]
pub enum Assignment<J> {
    /// An idle environment takes it: a warm start.
    Give(EnvironmentId, J),
    /// A new environment is to be started for it: a cold start.
    Start(EnvironmentId, J),
    /// It waits for an environment to become free.
    Queued,
    /// Too many wait already.
    Refused(J),
}

/// Says what an environment does after an invocation.
#[derive(Debug, PartialEq, Eq)]
pub enum NextWork<J> {
    Run(J),
    Wait,
    /// Its code was replaced. The job, if any, needs the new environment named with it.
    End(Option<(EnvironmentId, J)>),
}

/// The environments of one function, and the invocations `J` that wait for one.
#[derive(Debug)]
pub struct Pool<J> {
    limit: usize,
    queue_limit: usize,
    last: EnvironmentId,
    /// Most recently used last: the others get old and are reaped.
    idle: Vec<EnvironmentId>,
    busy: BTreeSet<EnvironmentId>,
    queue: VecDeque<J>,
}

impl<J> Pool<J> {
    /// Makes an empty pool of at most `limit` environments, for which `queue_limit` invocations wait at most.
    pub fn new(limit: usize, queue_limit: usize) -> Self {
        Pool { limit, queue_limit, last: 0, idle: Vec::new(), busy: BTreeSet::new(), queue: VecDeque::new() }
    }

    /// Finds a place for an invocation.
    pub fn request(&mut self, job: J) -> Assignment<J> {
        if let Some(id) = self.idle.pop() {
            self.busy.insert(id);
            return Assignment::Give(id, job);
        }
        if self.busy.len() < self.limit {
            return Assignment::Start(self.open(), job);
        }
        if self.queue.len() >= self.queue_limit {
            return Assignment::Refused(job);
        }
        self.queue.push_back(job);
        Assignment::Queued
    }

    /// A busy environment has answered.
    pub fn finished(&mut self, id: EnvironmentId) -> NextWork<J> {
        if !self.busy.contains(&id) {
            return NextWork::End(self.ended(id));
        }
        match self.queue.pop_front() {
            Some(job) => NextWork::Run(job),
            None => {
                self.busy.remove(&id);
                self.idle.push(id);
                NextWork::Wait
            }
        }
    }

    /// An environment is gone. Whoever waits may need a new one.
    pub fn ended(&mut self, id: EnvironmentId) -> Option<(EnvironmentId, J)> {
        self.busy.remove(&id);
        self.idle.retain(|idle| *idle != id);
        if self.busy.len() >= self.limit {
            return None;
        }
        let job = self.queue.pop_front()?;
        Some((self.open(), job))
    }

    /// An idle environment wants to end; false when it has just been given something to do.
    pub fn retire(&mut self, id: EnvironmentId) -> bool {
        let before = self.idle.len();
        self.idle.retain(|idle| *idle != id);
        before != self.idle.len()
    }

    /// The code was replaced: the idle environments, which are to end now. The busy ones end when they
    /// have answered; what waits runs on the new code, in the environments to be started for it.
    pub fn replace(&mut self) -> (Vec<EnvironmentId>, Vec<(EnvironmentId, J)>) {
        self.busy.clear();
        let mut starts = Vec::new();
        while self.busy.len() < self.limit
            && let Some(job) = self.queue.pop_front()
        {
            starts.push((self.open(), job));
        }
        (std::mem::take(&mut self.idle), starts)
    }

    fn open(&mut self) -> EnvironmentId {
        self.last += 1;
        self.busy.insert(self.last);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warmest_environment_is_used_first() {
        let mut pool = Pool::new(2, 9);
        assert_eq!(pool.request('a'), Assignment::Start(1, 'a'));
        assert_eq!(pool.request('b'), Assignment::Start(2, 'b'));
        assert_eq!(pool.request('c'), Assignment::Queued);
        assert_eq!(pool.finished(2), NextWork::Run('c'));
        assert_eq!(pool.finished(1), NextWork::Wait);
        assert_eq!(pool.finished(2), NextWork::Wait);
        assert_eq!(pool.request('d'), Assignment::Give(2, 'd'));
        assert!(pool.retire(1));
        assert!(!pool.retire(2), "busy again");
    }

    #[test]
    fn a_full_queue_refuses() {
        let mut pool = Pool::new(1, 1);
        assert_eq!(pool.request('a'), Assignment::Start(1, 'a'));
        assert_eq!(pool.request('b'), Assignment::Queued);
        assert_eq!(pool.request('c'), Assignment::Refused('c'));
        assert_eq!(pool.ended(1), Some((2, 'b')), "a crash does not strand those who wait");
    }

    #[test]
    fn replaced_code_gets_nothing_new() {
        let mut pool = Pool::new(1, 9);
        assert_eq!(pool.request('a'), Assignment::Start(1, 'a'));
        assert_eq!(pool.request('b'), Assignment::Queued);
        assert_eq!(pool.replace(), (vec![], vec![(2, 'b')]));
        assert_eq!(pool.finished(1), NextWork::End(None));
        assert_eq!(pool.finished(2), NextWork::Wait);
        assert_eq!(pool.replace(), (vec![2], vec![]));
    }
}
