//! Numbers that a lesson holds against bounds: in plans, in what statements print, in the figures of a load. Pure.

use serde_json::Value;

use super::mismatch::{Mismatch, compile};
use super::values::Values;
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::{NumberBound, NumberInText, Template};

/// Numbers in a text against what they must be.
///
/// # Errors
/// When a pattern is none, or a reference has no value or one that is no number.
pub fn in_text(all: &[NumberInText], text: &str, values: &Values) -> Result<Option<Mismatch>> {
    for one in all {
        let found = compile(&one.pattern)?.captures(text);
        let said = found.as_ref().map_or("", |found| found.get(0).map_or("", |m| m.as_str()));
        let came = found.as_ref().and_then(|found| found.get(1)?.as_str().replace(',', "").parse().ok());
        if let Some(mut mismatch) = bound(&format!("/{}/", one.pattern), came, &one.bound, values)? {
            if came.is_some() {
                mismatch.actual = format!("{said}\n{text}");
            } else {
                mismatch.actual = format!("no such number in\n{text}");
            }
            return Ok(Some(mismatch));
        }
    }
    Ok(None)
}

/// A number against what it must be; `what` names it.
///
/// # Errors
/// When a reference has no value or one that is no number.
pub fn bound(what: &str, came: Option<f64>, bound: &NumberBound, values: &Values) -> Result<Option<Mismatch>> {
    let limit = |template: &Option<Template>| -> Result<Option<f64>> {
        Ok(match template {
            Some(template) => Some(amount(template, values)? * bound.times),
            None => None,
        })
    };
    let (least, most) = (limit(&bound.at_least)?, limit(&bound.at_most)?);
    let holds =
        came.is_some_and(|came| least.is_none_or(|least| came >= least) && most.is_none_or(|most| came <= most));
    if holds {
        return Ok(None);
    }
    let wanted = match (least, most) {
        (Some(least), Some(most)) => format!("from {} to {}", short(least), short(most)),
        (Some(least), None) => format!("at least {}", short(least)),
        (None, Some(most)) => format!("at most {}", short(most)),
        (None, None) => "there".to_owned(),
    };
    let actual = came.map_or_else(|| format!("there is no {what}"), |came| format!("{what} is {}", short(came)));
    Ok(Some(Mismatch::new(format!("{what} is {wanted}"), actual)))
}

/// A number with at most five digits behind its point, which is what DSQL's plans have.
pub fn short(number: f64) -> String {
    without_zeros(&format!("{number:.5}")).to_owned()
}

/// Cuts the zeros off that end a number's digits behind its point.
pub fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// The number that a template is, filled in.
///
/// # Errors
/// When a reference has no value, or one that is no number.
pub fn amount(template: &Template, values: &Values) -> Result<f64> {
    let text = values.plain(template)?;
    text.trim().parse().map_err(|_| Problem::failed(format!("`{}` is {text:?}, not a number", template.0)))
}

/// Fills in a cell that is expected: as it came, where it is a number that was kept and came as the same one in other digits.
///
/// # Errors
/// When a reference has no value.
pub fn as_it_came(cell: &Template, came: Option<&str>, values: &Values) -> Result<String> {
    // By digits: ids beside each other may be the same double.
    let kept = match values.json_value(&Value::from(cell.0.as_str()))? {
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match came.filter(|came| kept.as_deref().map(without_zeros) == Some(without_zeros(came))) {
        Some(came) => Ok(came.to_owned()),
        None => values.plain(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use workshop_course::lesson::template::Reference;

    fn bound_of(at_least: Option<&str>, at_most: Option<&str>, times: f64) -> NumberBound {
        let template = |text: &str| Template(text.to_owned());
        NumberBound { at_least: at_least.map(template), at_most: at_most.map(template), times }
    }

    #[test]
    fn a_number_is_within_its_bounds_or_told_with_them() {
        let values = Values::default();
        let said = |came, bound: NumberBound| {
            let mismatch = bound_text(came, &bound, &values);
            mismatch.map(|mismatch| format!("{} / {}", mismatch.expected, mismatch.actual))
        };
        fn bound_text(came: Option<f64>, bound: &NumberBound, values: &Values) -> Option<Mismatch> {
            super::bound("p99_ms", came, bound, values).unwrap()
        }
        assert_eq!(said(Some(5.0), bound_of(Some("5"), Some("5"), 1.0)), None);
        assert_eq!(said(Some(4.0), bound_of(None, Some("40"), 0.1)), None);
        let high = said(Some(4.5), bound_of(None, Some("40"), 0.1)).unwrap();
        assert_eq!(high, "p99_ms is at most 4 / p99_ms is 4.5");
        let low = said(Some(1.0), bound_of(Some("2"), Some("3"), 1.0)).unwrap();
        assert_eq!(low, "p99_ms is from 2 to 3 / p99_ms is 1");
        assert_eq!(said(None, bound_of(Some("2"), None, 1.0)).unwrap(), "p99_ms is at least 2 / there is no p99_ms");
    }

    #[test]
    fn a_kept_number_equals_a_cell_that_is_the_same_in_other_digits() {
        let mut values = Values::default();
        values.set(Reference::Capture("x".into()), 100.0);
        let kept = Template("${capture.x}".to_owned());
        for (cell, came, wanted) in [
            (&kept, "100.00", "100.00"),
            (&kept, "100", "100"),
            (&kept, "100.01", "100.0"),
            (&kept, "many", "100.0"),
            // As it is written.
            (&Template("1.0".to_owned()), "1", "1.0"),
        ] {
            assert_eq!(as_it_came(cell, Some(came), &values).unwrap(), wanted, "{came}");
        }
        assert_eq!(as_it_came(&kept, None, &values).unwrap(), "100.0");
        values.set(Reference::Capture("x".into()), 1_234_567_890_123_456_789_u64);
        let other = as_it_came(&kept, Some("1234567890123456788"), &values).unwrap();
        assert_eq!(other, "1234567890123456789", "the next number, and the same double");
    }

    #[test]
    fn a_number_in_a_text_is_the_patterns_first_group() {
        let number = |most: &str| NumberInText {
            pattern: "Read: ([0-9.,]+) DPU".to_owned(),
            bound: bound_of(None, Some(most), 1.0),
        };
        let plan = "Compute: 9 DPU\nRead: 1,234.5 DPU";
        assert_eq!(in_text(&[number("1234.5")], plan, &Values::default()).unwrap(), None);
        let mismatch = in_text(&[number("1000")], plan, &Values::default()).unwrap().unwrap();
        assert!(mismatch.actual.starts_with("Read: 1,234.5 DPU\n"), "{}", mismatch.actual);
        let none = in_text(&[number("1000")], "Compute: 9 DPU", &Values::default()).unwrap().unwrap();
        assert!(none.actual.starts_with("no such number in\n"), "{}", none.actual);
    }
}
