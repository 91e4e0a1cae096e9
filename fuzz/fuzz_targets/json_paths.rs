//! Any text, as a JSONPath in its first line and what it is asked of in the others.
#![no_main]

use workshop_course::lesson::json_path;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (path, document) = text.split_once('\n').unwrap_or((text, "null"));
    if let Ok(document) = serde_json::from_str(document) {
        let _ = json_path::find(path, &document);
    }
});
