//! The screen without a terminal and without an engine: what a message takes until its frame is whole.
//!
//! For benchmarks: `update`, `view` and the bytes are the screen's own; what it wants to have done is handed out.

use std::io;
use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::highlight::Painter;
use super::model::{Effect, Model, Msg, ScreenOptions};
use super::settings::ScreenSettings;
use super::terminal::Canvas;
use super::theme::Looks;
use super::update::{arrange, update};
use super::view::view;
use workshop_course::lesson::model::Course;
use workshop_engine::command::Request;
use workshop_engine::event::Event;

/// A screen whose frames nobody sees.
pub struct Rehearsal {
    model: Model,
    canvas: Canvas,
    painter: Painter,
}

impl Rehearsal {
    /// A screen of this many columns and rows; `now` in milliseconds since 1970.
    ///
    /// # Errors
    /// Those of the backend; a buffer has none.
    pub fn new(course: Arc<Course>, size: (u16, u16), now: u64) -> io::Result<Rehearsal> {
        let workdir = course.lessons.clone();
        let options = ScreenOptions {
            looks: Looks::FULL,
            workdir,
            utc_offset: 0,
            history: Vec::new(),
            settings: ScreenSettings { clock: true, ..ScreenSettings::default() },
            keymap: Default::default(),
            vi: false,
        };
        let mut model = Model::new(course, options, size, now);
        arrange(&mut model);
        Ok(Rehearsal { model, canvas: Canvas::new(size)?, painter: Painter::default() })
    }

    /// Takes in what the engine tells; answers what is asked of it.
    pub fn tell(&mut self, events: Vec<Event>) -> Vec<Request> {
        self.take(Msg::Events(events))
    }

    /// Takes in a key; answers what is asked of the engine.
    pub fn press(&mut self, key: KeyEvent) -> Vec<Request> {
        self.take(Msg::Key(key))
    }

    /// Draws; answers how many bytes a terminal would have to take.
    ///
    /// # Errors
    /// Those of the backend; a buffer has none.
    pub fn draw(&mut self) -> io::Result<usize> {
        let model = &self.model;
        self.canvas.frame(|frame| view(model, frame)).map(|frame| frame.len())
    }

    fn take(&mut self, msg: Msg) -> Vec<Request> {
        let mut requests = Vec::new();
        for effect in update(&mut self.model, msg) {
            match effect {
                Effect::Send(request) => requests.push(request),
                Effect::Colour(job) => {
                    let colours = Arc::new(self.painter.paint(job.lang, &job.text));
                    requests.extend(self.take(Msg::Coloured(job.key, colours)));
                }
                Effect::Copy(_)
                | Effect::CopyMarked(_)
                | Effect::Keep(_)
                | Effect::Window(_)
                | Effect::Announce(_)
                | Effect::Mouse(_)
                | Effect::EditText(_)
                | Effect::EditFile { .. }
                | Effect::Remember(_)
                | Effect::Suspend
                | Effect::OwnShell
                | Effect::ShowImages(_)
                | Effect::TakeHome(_)
                | Effect::Redraw
                | Effect::Leave => {}
            }
        }
        requests
    }
}
