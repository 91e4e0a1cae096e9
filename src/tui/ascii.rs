//! The screen's signs where the locale has none but ASCII.

/// Returns the ASCII character that stands for a sign; `?` for what is none of ours.
pub fn ascii(glyph: &str) -> &'static str {
    match glyph {
        "─" | "–" | "—" | "╌" | "·" => "-",
        "━" | "═" => "=",
        "│" | "┃" | "┊" => "|",
        "┬" | "┴" | "┼" | "├" | "┤" | "╭" | "╮" | "╰" | "╯" | "┌" | "┐" | "└" | "┘" => "+",
        "✓" => "+",
        "⊘" => "=",
        "✗" | "×" => "x",
        "○" => "o",
        "●" | "•" | "◆" => "*",
        "‼" => "#",
        "▸" | "›" | "→" | "»" | "▶" => ">",
        "◂" | "‹" | "←" => "<",
        "↑" => "^",
        "↓" | "▾" => "v",
        "█" => "#",
        // What failed, or was thrown away, beside what was not.
        "▓" | "▒" => "x",
        "░" | "▂" => ".",
        "▁" => "_",
        "▃" => ":",
        "▄" => "-",
        "▅" => "=",
        "▆" => "+",
        "▇" => "*",
        "▎" | "▌" => "|",
        "…" => "~",
        "⏎" => "$",
        "’" | "‘" => "'",
        "“" | "”" => "\"",
        "⠇" | "⠴" => "|",
        "⠋" | "⠦" => "/",
        "⠙" | "⠧" => "-",
        "⠸" | "⠏" => "\\",
        "\u{a0}" => " ",
        // Microseconds; and what programs that the course runs are fond of.
        "µ" => "u",
        "✅" | "✔" => "+",
        "❌" | "✘" => "x",
        "⚠" | "⚠\u{fe0f}" => "!",
        "⚡" | "✨" => "*",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_signs_of_a_picture_are_told_apart_in_ascii() {
        let pictures: [&[&str]; 6] = [
            // A load, a plan, the bars of a deploy with the one before, the slot, how figures went, lanes.
            &["█", "▓", "░"],
            &["█", "▒"],
            &["█", "░", "·"],
            &["█", "◆", "░"],
            &["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
            &["✓", "✗", "◆", "│"],
        ];
        for picture in pictures {
            let plain: BTreeSet<&str> = picture.iter().map(|sign| ascii(sign)).collect();
            assert!(plain.len() == picture.len() && !plain.contains("?"), "{picture:?}: {plain:?}");
        }
    }

    #[test]
    fn what_went_well_elsewhere_is_no_question() {
        let told = ["✅", "❌", "⚠\u{fe0f}", "✨", "µ"].map(ascii);
        assert_eq!(told, ["+", "x", "!", "*", "u"]);
        assert_eq!(ascii("世"), "?");
    }

    #[test]
    fn every_sign_of_the_screens_has_one_in_ascii() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tui");
        let screens =
            std::fs::read_dir(dir).unwrap().map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
        // What a person or a program writes is theirs.
        let is_sign = |c: &char| !c.is_ascii() && !c.is_alphanumeric();
        let rows: Vec<String> = screens.flat_map(|s| s.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
        let signs = rows.iter().filter_map(|row| row.strip_prefix('|')).flat_map(str::chars).filter(is_sign);
        let signs: BTreeSet<char> = signs.collect();
        let lost: Vec<char> = signs.iter().copied().filter(|c| ascii(&c.to_string()) == "?").collect();
        assert!(signs.len() > 30 && lost.is_empty(), "{lost:?} of {}", signs.len());
    }
}
