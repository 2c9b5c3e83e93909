//! What units measure: UCUM unit expressions reduced to base units, exactly.
//!
//! The factors are those of the UCUM specification (The Unified Code for Units of Measure, version 2.1, sections 27 to
//! 45), for the units that health records use. A unit with an offset (`Cel`) or a logarithm, and every arbitrary unit,
//! measures only itself.

use std::collections::BTreeMap;

use super::decimal::Decimal;

/// Base units and their powers; none has the power 0.
pub type Dimensions = BTreeMap<&'static str, i32>;

/// What one of a unit is: `numerator / denominator × 10^exponent` of its base units.
#[derive(Clone, Debug)]
pub struct Measure {
    pub numerator: Decimal,
    pub denominator: Decimal,
    pub exponent: i32,
    pub dimensions: Dimensions,
}

/// Powers past this are a mistake, or mischief.
const POWER_MAX: i32 = 12;

/// Nesting of brackets in a unit.
const DEPTH_MAX: u32 = 8;

const PREFIXES: &[(&str, i32)] = &[
    ("da", 1),
    ("Y", 24),
    ("Z", 21),
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("h", 2),
    ("d", -1),
    ("c", -2),
    ("m", -3),
    ("u", -6),
    ("n", -9),
    ("p", -12),
    ("f", -15),
    ("a", -18),
    ("z", -21),
    ("y", -24),
];

/// Base units, which take a prefix; the mole is one here, as equal numbers of different things do not compare.
const BASES: &[&str] = &["m", "g", "s", "rad", "K", "C", "cd", "mol"];

/// Units made of others: code, whether it takes a prefix, factor, definition.
const DERIVED: &[(&str, bool, &str, &str)] = &[
    ("10*", false, "10", "1"),
    ("10^", false, "10", "1"),
    ("[pi]", false, "3.1415926535897932384626433832795", "1"),
    ("%", false, "0.01", "1"),
    ("[ppth]", false, "0.001", "1"),
    ("[ppm]", false, "0.000001", "1"),
    ("[ppb]", false, "0.000000001", "1"),
    ("l", true, "1", "dm3"),
    ("L", true, "1", "dm3"),
    ("ar", true, "100", "m2"),
    ("t", true, "1000", "kg"),
    ("min", false, "60", "s"),
    ("h", false, "3600", "s"),
    ("d", false, "86400", "s"),
    ("wk", false, "604800", "s"),
    ("mo", false, "2629800", "s"),
    ("mo_j", false, "2629800", "s"),
    ("a", false, "31557600", "s"),
    ("a_j", false, "31557600", "s"),
    ("a_g", false, "31556952", "s"),
    ("Hz", true, "1", "s-1"),
    ("N", true, "1", "kg.m/s2"),
    ("Pa", true, "1", "N/m2"),
    ("J", true, "1", "N.m"),
    ("W", true, "1", "J/s"),
    ("A", true, "1", "C/s"),
    ("V", true, "1", "J/C"),
    ("F", true, "1", "C/V"),
    ("Ohm", true, "1", "V/A"),
    ("S", true, "1", "A/V"),
    ("Wb", true, "1", "V.s"),
    ("T", true, "1", "Wb/m2"),
    ("H", true, "1", "Wb/A"),
    ("lm", true, "1", "cd.sr"),
    ("lx", true, "1", "lm/m2"),
    ("sr", true, "1", "rad2"),
    ("Bq", true, "1", "s-1"),
    ("Gy", true, "1", "J/kg"),
    ("Sv", true, "1", "J/kg"),
    ("Ci", true, "37000000000", "Bq"),
    ("bar", true, "100000", "Pa"),
    ("atm", false, "101325", "Pa"),
    ("m[Hg]", true, "133.322", "kPa"),
    ("m[H2O]", true, "9.80665", "kPa"),
    ("dyn", true, "1", "g.cm/s2"),
    ("erg", true, "1", "dyn.cm"),
    ("cal", true, "4.184", "J"),
    ("[Cal]", false, "4184", "J"),
    ("eV", true, "0.000000000000000000160217733", "J"),
    ("u", true, "0.0000000000000000000000016605402", "g"),
    ("eq", true, "1", "mol"),
    ("osm", true, "1", "mol"),
    ("kat", true, "1", "mol/s"),
    ("U", true, "1", "umol/min"),
    ("[in_i]", false, "2.54", "cm"),
    ("[in_us]", false, "2.54", "cm"),
    ("[ft_i]", false, "30.48", "cm"),
    ("[yd_i]", false, "91.44", "cm"),
    ("[mi_i]", false, "1609.344", "m"),
    ("[nmi_i]", false, "1852", "m"),
    ("[sin_i]", false, "6.4516", "cm2"),
    ("[sft_i]", false, "929.0304", "cm2"),
    ("[cin_i]", false, "16.387064", "cm3"),
    ("[gr]", false, "64.79891", "mg"),
    ("[lb_av]", false, "453.59237", "g"),
    ("[oz_av]", false, "28.349523125", "g"),
    ("[dr_av]", false, "1.7718451953125", "g"),
    ("[stone_av]", false, "6350.29318", "g"),
    ("[oz_tr]", false, "31.1034768", "g"),
    ("[gal_us]", false, "3785.411784", "cm3"),
    ("[qt_us]", false, "946.352946", "cm3"),
    ("[pt_us]", false, "473.176473", "cm3"),
    ("[foz_us]", false, "29.5735295625", "cm3"),
    ("[cup_us]", false, "236.5882365", "cm3"),
    ("[tbs_us]", false, "14.78676478125", "cm3"),
    ("[tsp_us]", false, "4.92892159375", "cm3"),
];

/// Units that measure only themselves: whether they take a prefix.
const ARBITRARY: &[(&str, bool)] = &[
    ("Cel", true),
    ("[degF]", false),
    ("[pH]", false),
    ("B", true),
    ("[iU]", true),
    ("[IU]", true),
    ("[arb'U]", false),
    ("[CFU]", false),
    ("[PFU]", false),
    ("[drp]", false),
    ("[hpf]", false),
    ("[lpf]", false),
    ("[Ch]", false),
    ("[diop]", false),
    ("deg", false),
    ("[MET]", false),
    ("{score}", false),
];

impl Measure {
    const fn one() -> Self {
        Self { numerator: Decimal::ONE, denominator: Decimal::ONE, exponent: 0, dimensions: Dimensions::new() }
    }

    /// So many of a unit that measures only itself.
    pub fn of_own(name: &'static str, count: i32) -> Self {
        Self { numerator: Decimal::from(count), dimensions: Dimensions::from([(name, 1)]), ..Self::one() }
    }

    fn times(&self, other: &Self, sign: i32) -> Option<Self> {
        let (numerator, denominator) = match sign {
            1 => (other.numerator, other.denominator),
            _ => (other.denominator, other.numerator),
        };
        let mut dimensions = self.dimensions.clone();
        for (name, power) in &other.dimensions {
            *dimensions.entry(name).or_default() += sign * power;
        }
        dimensions.retain(|_, power| *power != 0);
        Some(Self {
            numerator: self.numerator.times(numerator)?,
            denominator: self.denominator.times(denominator)?,
            exponent: self.exponent + sign * other.exponent,
            dimensions,
        })
    }

    fn power(&self, power: i32) -> Option<Self> {
        let mut result = Self::one();
        for _ in 0..power.unsigned_abs() {
            result = result.times(self, power.signum())?;
        }
        Some(result)
    }
}

/// What a unit measures; `None` for what is no unit, or one that is not known here.
pub fn measure(unit: &str) -> Option<Measure> {
    let mut reader = Reader { text: unit, depth: 0 };
    let measure = reader.expression()?;
    reader.text.is_empty().then_some(measure)
}

/// A unit of UCUM in terms of its base units, for comparing amounts by one number.
#[derive(Clone, Debug)]
pub struct UcumUnit {
    measure: Measure,
    base: String,
}

impl UcumUnit {
    /// `None` for what is no unit, or one that is not known here.
    pub fn of(code: &str) -> Option<Self> {
        use std::fmt::Write as _;
        let measure = measure(code)?;
        let mut base = String::new();
        for (name, power) in &measure.dimensions {
            write!(base, "{}{name}{power}", if base.is_empty() { "" } else { "." }).ok()?;
        }
        Some(Self { measure, base })
    }

    /// The base units and their powers: the same text for all units that measure the same.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// So many of the unit, in base units; `None` when that is no longer exact enough to compare.
    pub fn in_base(&self, value: Decimal) -> Option<f64> {
        let Measure { numerator, denominator, exponent, .. } = &self.measure;
        let exact = value.times(*numerator)?.shifted(*exponent).filter(|_| *denominator == Decimal::ONE);
        Some(match exact.filter(|exact| exact.is_zero() == value.is_zero()) {
            Some(exact) => exact.to_f64(),
            None => value.to_f64() * numerator.to_f64() / denominator.to_f64() * 10_f64.powi(*exponent),
        })
    }
}

struct Reader<'t> {
    text: &'t str,
    depth: u32,
}

impl<'t> Reader<'t> {
    fn takes(&mut self, sign: char) -> bool {
        let rest = self.text.strip_prefix(sign);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn expression(&mut self) -> Option<Measure> {
        let mut measure =
            if self.takes('/') { Measure::one().times(&self.component()?, -1)? } else { self.component()? };
        while !self.text.is_empty() {
            let sign = match self.text.as_bytes()[0] {
                b'.' => 1,
                b'/' => -1,
                _ => break,
            };
            self.text = &self.text[1..];
            measure = measure.times(&self.component()?, sign)?;
        }
        Some(measure)
    }

    fn component(&mut self) -> Option<Measure> {
        if self.takes('(') {
            self.depth += 1;
            let measure = (self.depth <= DEPTH_MAX).then(|| self.expression())??;
            self.depth -= 1;
            return self.takes(')').then_some(measure);
        }
        if self.text.starts_with('{') {
            self.annotation()?;
            return Some(Measure::one());
        }
        let atom = self.atom();
        if !atom.is_empty() && atom.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Measure { numerator: Decimal::parse(atom)?, ..Measure::one() });
        }
        let measure = powered(atom)?;
        self.annotation()?;
        Some(measure)
    }

    /// Skips an annotation, if there is one; `None` when it does not end.
    fn annotation(&mut self) -> Option<()> {
        if self.text.starts_with('{') {
            self.text = &self.text[self.text.find('}')? + 1..];
        }
        Some(())
    }

    /// A symbol with its exponent: everything up to an operator outside of square brackets.
    fn atom(&mut self) -> &'t str {
        let mut inside = false;
        let text = self.text;
        let end = text.find(|c: char| {
            inside = (inside || c == '[') && c != ']';
            !inside && matches!(c, '.' | '/' | '(' | ')' | '{')
        });
        let (atom, rest) = text.split_at(end.unwrap_or(text.len()));
        self.text = rest;
        atom
    }
}

/// A symbol and the power behind it: `m2`, `s-1`, `10*3`.
fn powered(atom: &str) -> Option<Measure> {
    if let Some(measure) = symbol(atom) {
        return Some(measure);
    }
    let at = atom.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let name = atom[..at].trim_end_matches(['+', '-']);
    let power: i32 = atom[name.len()..].parse().ok()?;
    if name.is_empty() || power.abs() > POWER_MAX {
        return None;
    }
    if matches!(name, "10*" | "10^") {
        return Some(Measure { exponent: power, ..Measure::one() });
    }
    symbol(name)?.power(power)
}

fn symbol(name: &str) -> Option<Measure> {
    if let Some(measure) = plain(name) {
        return Some(measure.0);
    }
    PREFIXES.iter().find_map(|(prefix, exponent)| {
        let (measure, takes_prefix) = plain(name.strip_prefix(prefix)?)?;
        takes_prefix.then(|| Measure { exponent: measure.exponent + exponent, ..measure })
    })
}

/// A symbol without a prefix, and whether it takes one.
fn plain(name: &str) -> Option<(Measure, bool)> {
    if let Some(base) = BASES.iter().find(|base| **base == name) {
        return Some((Measure::of_own(base, 1), true));
    }
    if let Some((own, takes_prefix)) = ARBITRARY.iter().find(|(own, _)| *own == name) {
        return Some((Measure::of_own(own, 1), *takes_prefix));
    }
    let (_, takes_prefix, factor, of) = DERIVED.iter().find(|(own, ..)| *own == name)?;
    let of = if *of == "1" { Measure::one() } else { measure(of)? };
    Some((Measure { numerator: of.numerator.times(Decimal::parse(factor)?)?, ..of }, *takes_prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_is_a_unit() {
        for (name, ..) in DERIVED {
            assert!(measure(name).is_some(), "{name}");
        }
    }

    #[test]
    fn expressions_are_reduced() {
        for unit in [
            "mg/dL",
            "10*3/uL",
            "mm[Hg]",
            "kg/m2",
            "/min",
            "{beats}/min",
            "mL/min/{1.73_m2}",
            "m/s2",
            "1",
            "%",
            "(g.m)/s",
        ] {
            assert!(measure(unit).is_some(), "{unit}");
        }
        for unit in ["", "nonsense", "[s]", "m99", "m//s", "(m", "{x", "((((((((((m))))))))))"] {
            assert!(measure(unit).is_none(), "{unit}");
        }
        assert_eq!(measure("N").map(|n| n.dimensions), measure("kg.m.s-2").map(|n| n.dimensions));
    }
}
