//! Values that a load makes up for each of its invocations. Pure: the same seed gives the same values.

use std::collections::BTreeMap;

use serde_json::Value;

use super::model::{Generator, GeneratorKind};

/// Numbers that look random, by the SplitMix64 sequence (Steele, Lea and Flood, 2014): enough for spreading load.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound that is not 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Returns the values of one invocation, by the generators' names. One that differs from another is made until it does,
/// or takes the next value.
pub fn values(generators: &[Generator], seed: u64, invocation: u64) -> BTreeMap<String, Value> {
    let mut sequence = Sequence(seed ^ invocation.wrapping_mul(0xd1b5_4a32_d192_ed03));
    let mut made: BTreeMap<String, Value> = BTreeMap::new();
    for generator in generators {
        let mut value = one(&generator.kind, &mut sequence);
        if let Some(other) = generator.differs_from.as_ref().and_then(|name| made.get(name)) {
            for _ in 0..64 {
                if value != *other {
                    break;
                }
                value = one(&generator.kind, &mut sequence);
            }
        }
        made.insert(generator.name.clone(), value);
    }
    made
}

fn one(kind: &GeneratorKind, sequence: &mut Sequence) -> Value {
    match kind {
        GeneratorKind::Integer { from, to } => {
            let span = to.abs_diff(*from).saturating_add(1);
            Value::from(from.saturating_add_unsigned(sequence.below(span)))
        }
        GeneratorKind::OneOf(values) => {
            let at = sequence.below(values.len().max(1) as u64);
            usize::try_from(at).ok().and_then(|at| values.get(at)).cloned().unwrap_or_default()
        }
        GeneratorKind::Uuid => Value::from(uuid(sequence)),
    }
}

/// A UUID of version 4: 122 bits of the sequence.
fn uuid(sequence: &mut Sequence) -> String {
    let bits = (u128::from(sequence.next()) << 64) | u128::from(sequence.next());
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(name: &str, kind: GeneratorKind, differs_from: Option<&str>) -> Generator {
        Generator { name: name.into(), kind, differs_from: differs_from.map(str::to_owned) }
    }

    #[test]
    fn values_are_in_their_ranges_spread_over_them_and_differ_where_they_must() {
        let pair = GeneratorKind::Integer { from: 1, to: 3 };
        let generators = [
            generator("payer", pair.clone(), None),
            generator("payee", pair, Some("payer")),
            generator("kind", GeneratorKind::OneOf(vec!["a".into(), 2.into()]), None),
            generator("key", GeneratorKind::Uuid, None),
        ];
        let mut counts: BTreeMap<i64, u32> = BTreeMap::new();
        let mut keys = std::collections::BTreeSet::new();
        for invocation in 0..3000 {
            let made = values(&generators, 7, invocation);
            let payer = made["payer"].as_i64().unwrap();
            assert!((1..=3).contains(&payer) && made["payer"] != made["payee"]);
            assert!(made["kind"] == "a" || made["kind"] == 2);
            *counts.entry(payer).or_default() += 1;
            let key = made["key"].as_str().unwrap().to_owned();
            assert_eq!((key.len(), &key[14..15], "89ab".contains(&key[19..20])), (36, "4", true), "{key}");
            keys.insert(key);
        }
        assert_eq!(keys.len(), 3000);
        assert!(counts.len() == 3 && counts.values().all(|n| (850..1150).contains(n)), "{counts:?}");
        assert_eq!(values(&generators, 7, 5), values(&generators, 7, 5));
        assert_ne!(values(&generators, 7, 5), values(&generators, 8, 5));
    }

    #[test]
    fn the_widest_range_and_a_range_of_one_do() {
        let all = [generator("n", GeneratorKind::Integer { from: i64::MIN, to: i64::MAX }, None)];
        values(&all, 1, 1);
        let one = GeneratorKind::Integer { from: 5, to: 5 };
        let both = [generator("a", one.clone(), None), generator("b", one, Some("a"))];
        assert_eq!(values(&both, 1, 1)["b"], 5, "there is no other, which lint refuses");
    }
}
