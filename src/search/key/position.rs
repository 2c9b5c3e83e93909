//! Positions on the earth: latitude, then longitude. What is near is found by a box around a point, whose corners are
//! a little farther than asked (FHIR R4 Location, `near`).

use super::interval;
use super::{BadValue, Emit, Encoder, Find, Form, Span, Test};
use crate::fhir::Node;
use crate::record::Relation;

/// Of one degree of latitude, on a sphere of the earth's mean radius.
const DEGREE_KM: f64 = 111.195;

/// How far is near when it is not said.
const NEAR_KM: f64 = 50.0;

pub(super) fn encoder(kind: &str) -> Option<Encoder> {
    (kind == "Location.position").then_some(position)
}

fn position(node: &Node, emit: &mut Emit<'_>) {
    let degrees =
        |name| node.get(name).and_then(super::number::value).map(|value| interval::of_f64(value).to_be_bytes());
    match (degrees("latitude"), degrees("longitude")) {
        (Some(latitude), Some(longitude)) => emit(Form::Value, &[&latitude, &longitude]),
        _ => emit(Form::Bare, &[]),
    }
}

/// What `[latitude]|[longitude]|[distance]|[units]` finds; distance and units may be left out.
pub fn near_finds(parts: &[String]) -> Result<Vec<Find>, BadValue> {
    let expected = BadValue("expected latitude|longitude|distance|units in degrees and km, m, [mi_i] or [nmi_i]");
    let number = |at: usize| parts.get(at).and_then(|text| text.parse::<f64>().ok()).filter(|value| value.is_finite());
    let (latitude, longitude) = (number(0).ok_or(expected)?, number(1).ok_or(expected)?);
    let distance = match parts.get(2).map(String::as_str) {
        None | Some("") => NEAR_KM,
        Some(_) => number(2).ok_or(expected)? * unit_km(parts.get(3).map(String::as_str)).ok_or(expected)?,
    };
    if latitude.abs() > 90.0 || longitude.abs() > 180.0 || distance < 0.0 || parts.len() > 4 {
        return Err(expected);
    }
    let height = distance / DEGREE_KM;
    let shrink = (latitude.abs() + height).min(89.9).to_radians().cos();
    let width = (height / shrink).min(180.0);
    let in_band = |from: f64, to: f64| band(latitude - height, latitude + height, from, to);
    let (west, east) = (longitude - width, longitude + width);
    let mut finds = vec![in_band(west, east)];
    if west < -180.0 {
        finds.push(in_band(west + 360.0, 180.0));
    }
    if east > 180.0 {
        finds.push(in_band(-180.0, east - 360.0));
    }
    Ok(finds)
}

fn unit_km(unit: Option<&str>) -> Option<f64> {
    Some(match unit {
        None | Some("" | "km") => 1.0,
        Some("m") => 0.001,
        Some("[mi_i]" | "mi") => 1.609_344,
        Some("[nmi_i]") => 1.852,
        Some(_) => return None,
    })
}

fn band(south: f64, north: f64, west: f64, east: f64) -> Find {
    let bytes = |degrees: f64| interval::of_f64(degrees).to_be_bytes();
    let test = |relation, degrees| Test { at: 8, length: Some(8), relation, value: bytes(degrees).to_vec() };
    Find {
        form: Form::Value,
        span: Span::Within {
            lead: Vec::new(),
            from: Some(bytes(south)),
            to: Some(interval::of_f64(north).saturating_add(1).to_be_bytes()),
        },
        tests: vec![test(Relation::AtLeast, west), test(Relation::AtMost, east)],
    }
}
