//! Quantities: a number, then its code, a NUL and its system; and once more in base units of UCUM, so that 5 g and
//! 5000 mg are found as one (FHIR R4 search 3.1.1.4.13).

use std::borrow::Cow;

use super::interval::{self, Interval, Layout, Prefix, Tail};
use super::number::{Bound, Sought, value};
use super::{BadValue, Emit, Encoder, Find, Form, bounded, present};
use crate::fhir::Node;
use crate::fhir::fhirpath::{Decimal, UcumUnit};

const UCUM: &str = "http://unitsofmeasure.org";
/// The currency codes of Money, which names no system (ISO 4217).
const CURRENCY: &str = "urn:iso:std:iso:4217";

pub(super) fn encoder(kind: &str) -> Option<Encoder> {
    Some(match kind {
        "Quantity" | "Age" | "Duration" | "Count" | "Distance" => quantity,
        "Money" => money,
        "Range" => range,
        "SampledData" | "Ratio" => present,
        _ => return None,
    })
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n str> {
    node.get(name).and_then(Node::as_str)
}

/// A number with its unit as the index keeps it.
struct Measured<'n> {
    /// Lowest and highest, as JSON has them; none is without end.
    low: Option<&'n Node>,
    high: Option<&'n Node>,
    code: Option<&'n str>,
    unit: Option<&'n str>,
    system: &'n str,
}

/// One with a comparator goes on without end in its direction.
fn quantity(node: &Node, emit: &mut Emit<'_>) {
    let number = node.get("value");
    let comparator = member(node, "comparator").unwrap_or_default();
    if number.and_then(value).is_none() {
        return emit(Form::Bare, &[]);
    }
    Measured {
        low: number.filter(|_| !comparator.starts_with('<')),
        high: number.filter(|_| !comparator.starts_with('>')),
        ..Measured::unit(node)
    }
    .emit(emit);
}

fn money(node: &Node, emit: &mut Emit<'_>) {
    let number = node.get("value");
    if number.and_then(value).is_none() {
        return emit(Form::Bare, &[]);
    }
    Measured { low: number, high: number, code: member(node, "currency"), unit: None, system: CURRENCY }.emit(emit);
}

fn range(node: &Node, emit: &mut Emit<'_>) {
    let (low, high) = (node.get("low"), node.get("high"));
    let Some(unit) = low.or(high) else { return emit(Form::Bare, &[]) };
    Measured { low: number(low), high: number(high), ..Measured::unit(unit) }.emit(emit);
}

/// The number of one end of a range.
fn number(bound: Option<&Node>) -> Option<&Node> {
    bound?.get("value").filter(|number| value(number).is_some())
}

impl<'n> Measured<'n> {
    fn unit(node: &'n Node) -> Self {
        let system = member(node, "system").unwrap_or_default();
        Self { low: None, high: None, code: member(node, "code"), unit: member(node, "unit"), system }
    }

    fn emit(&self, emit: &mut Emit<'_>) {
        let ends = |at: fn(&Node) -> Option<f64>| Interval {
            low: interval::of_f64(self.low.and_then(at).unwrap_or(f64::NEG_INFINITY)),
            high: interval::of_f64(self.high.and_then(at).unwrap_or(f64::INFINITY)),
        };
        let plain = ends(value);
        for (name, system) in self.names() {
            put(plain, [Form::Value, Form::End], &[], &[&name, &[0], &system], emit);
        }
        self.emit_canonical(emit);
    }

    /// By its code with the system, and by what people read when that is another text.
    fn names(&self) -> impl Iterator<Item = (Cow<'n, [u8]>, Cow<'n, [u8]>)> {
        let coded = self.code.map(|code| (code, self.system));
        let other = self.unit.filter(|unit| self.code != Some(unit)).map(|unit| (unit, ""));
        let nameless = (coded.is_none() && other.is_none()).then_some(("", self.system));
        let names = coded.into_iter().chain(other).chain(nameless);
        names.filter_map(|(name, system)| Some((bounded(name)?, bounded(system)?)))
    }

    fn emit_canonical(&self, emit: &mut Emit<'_>) {
        let unit = self.code.filter(|_| self.system == UCUM).and_then(UcumUnit::of);
        let Some(unit) = unit else { return };
        let convert = |node: Option<&Node>, open: f64| match node {
            Some(Node::Number(text)) => Decimal::parse(text).and_then(|value| unit.in_base(value)),
            _ => Some(open),
        };
        let ends = (convert(self.low, f64::NEG_INFINITY), convert(self.high, f64::INFINITY));
        if let (Some(low), Some(high)) = ends {
            let interval = Interval { low: interval::of_f64(low), high: interval::of_f64(high) };
            put(interval, [Form::Canonical, Form::CanonicalEnd], &[unit.base().as_bytes(), &[0]], &[], emit);
        }
    }
}

/// The keys of an interval between what leads and what follows.
fn put(Interval { low, high }: Interval, forms: [Form; 2], lead: &[&[u8]], tail: &[&[u8]], emit: &mut Emit<'_>) {
    let (low_bytes, high_bytes) = (low.to_be_bytes(), high.to_be_bytes());
    emit(forms[0], &[lead, &[&low_bytes, &high_bytes], tail].concat());
    if low != high {
        emit(forms[1], &[lead, &[&high_bytes, &low_bytes], tail].concat());
    }
}

/// What `[prefix][number]`, with `|[system]|[code]` or `||[code]` behind it, finds, by its parts.
pub fn quantity_finds(parts: &[String]) -> Result<Vec<Find>, BadValue> {
    let expected = BadValue("expected [prefix]number, [prefix]number|system|code or [prefix]number||code");
    let (number, system, code) = match parts {
        [number] => (number, "", ""),
        [number, system, code] if !code.is_empty() => (number, system.as_str(), code.as_str()),
        _ => return Err(expected),
    };
    let (prefix, number) = Prefix::take(number);
    let sought = Sought::parse(number).ok_or(expected)?;
    if system == UCUM
        && let Some(unit) = UcumUnit::of(code)
        && let Some(canonical) = sought.interval(prefix, |bound: &Bound| unit.in_base(bound.decimal?))
    {
        let lead = [unit.base().as_bytes(), &[0]].concat();
        let layout = Layout { form: Form::Canonical, end: Form::CanonicalEnd, lead, tail: None, usual_extent: 0 };
        return Ok(interval::finds(prefix, canonical, &layout));
    }
    let interval = sought.interval(prefix, |bound| Some(bound.double)).ok_or(expected)?;
    let tail = if code.is_empty() { None } else { Some(tail(system, code).ok_or(expected)?) };
    let layout = Layout { form: Form::Value, end: Form::End, lead: Vec::new(), tail, usual_extent: 0 };
    Ok(interval::finds(prefix, interval, &layout))
}

/// What must stand behind the number.
fn tail(system: &str, code: &str) -> Option<(Vec<u8>, Tail)> {
    let named = [&bounded(code)?, &[0][..]].concat();
    Some(if system.is_empty() {
        (named, Tail::Beginning)
    } else {
        ([named, bounded(system)?.into_owned()].concat(), Tail::Whole)
    })
}
