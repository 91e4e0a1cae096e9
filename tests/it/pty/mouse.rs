//! The mouse, as a terminal tells of it.

use super::tty::Tty;

#[test]
fn what_is_dragged_over_is_copied_where_the_mouse_is_ours() {
    let mut tty = Tty::start(24, 80, &[("TMUX", ""), ("STY", "")]);
    tty.sees("space");
    tty.send("M");
    tty.sees("The mouse clicks and scrolls here");
    // A terminal tells of a pointer that moves with its button down only to who has asked for that.
    let mode = tty.parser.screen().mouse_protocol_mode();
    let moves = matches!(mode, vt100::MouseProtocolMode::ButtonMotion | vt100::MouseProtocolMode::AnyMotion);
    tty.send("\x1b[<0;2;3M");
    if moves {
        tty.send("\x1b[<32;20;3M");
    }
    tty.send("\x1b[<0;20;3m");
    tty.until("the clipboard", |tty| tty.says("\x1b]52;c;"));
    tty.send("q");
    tty.ends();
    assert_eq!(tty.parser.screen().mouse_protocol_mode(), vt100::MouseProtocolMode::None);
}
