//! The signals that end, interrupt, stop or continue the program.
//!
//! Invariant: of the signals that end a program by default, each that can be caught is, so that the terminal is given
//! back first. (What the program's own faults raise, SIGSEGV and its like, cannot be waited for.)

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use workshop_base::ignored::is_ignored;

/// A signal's demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caught {
    /// The program shall end, by the signal of this number.
    End(i32),
    Interrupt,
    /// Stop, as ctrl-z does.
    Stop,
    /// Continued after a stop that we did not make ourselves.
    Continue,
}

/// All of them, listened to.
pub struct Signals {
    listened: Vec<(Signal, Caught)>,
}

/// Signals whose default is the program's end.
const ENDING: [Number; 11] = [
    Number::TERM,
    Number::HUP,
    Number::QUIT,
    Number::ABORT,
    Number::USR1,
    Number::USR2,
    Number::ALARM,
    Number::VTALARM,
    Number::PROF,
    Number::XCPU,
    Number::XFSZ,
];

impl Signals {
    /// Takes the signals over from the system, those excepted that were ignored when the program began.
    ///
    /// # Errors
    /// When the system gives one of them to nobody.
    pub fn listen() -> io::Result<Signals> {
        let others = [(Number::INT, Caught::Interrupt), (Number::TSTP, Caught::Stop), (Number::CONT, Caught::Continue)];
        let all = ENDING.into_iter().map(|number| (number, Caught::End(number.as_raw()))).chain(others);
        let heard = all.filter(|(number, _)| !is_ignored(*number));
        let listened = heard.map(|(number, caught)| Ok((signal(SignalKind::from_raw(number.as_raw()))?, caught)));
        Ok(Signals { listened: listened.collect::<io::Result<_>>()? })
    }

    /// Waits for the next one; those that end the program come first.
    pub async fn next(&mut self) -> Caught {
        poll_fn(|context| {
            for (signal, caught) in &mut self.listened {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*caught);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Returns the key that an interrupt stands for.
pub fn ctrl_c() -> crossterm::event::KeyEvent {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)
}
