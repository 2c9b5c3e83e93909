//! The injected instant, and the parts of dates and times: FHIRPath N1 5.9 and the component functions of its trial
//! use part.

use jiff::Zoned;
use jiff::civil::Time;

use super::Function;
use crate::fhir::fhirpath::decimal::Decimal;
use crate::fhir::fhirpath::evaluator::{Call, Evaluator, Found, single};
use crate::fhir::fhirpath::fault::Cause;
use crate::fhir::fhirpath::item::{at_most_one, one};
use crate::fhir::fhirpath::temporal::{Precision, Temporal, TemporalKind};
use crate::fhir::fhirpath::value::Value;

pub static FUNCTIONS: &[Function] = &[
    Function::new("now", 0, 0, |evaluator, _| Ok(one(date_time(&instant(evaluator)?)))),
    Function::new("today", 0, 0, |evaluator, _| Ok(one(Temporal::of_date(instant(evaluator)?.date())))),
    Function::new("timeOfDay", 0, 0, |evaluator, _| Ok(one(time(instant(evaluator)?.time())))),
    Function::new("yearOf", 0, 0, |_, call| part(call, Precision::Year, |moment| i32::from(moment.date.year()))),
    Function::new("monthOf", 0, 0, |_, call| part(call, Precision::Month, |moment| i32::from(moment.date.month()))),
    Function::new("dayOf", 0, 0, |_, call| part(call, Precision::Day, |moment| i32::from(moment.date.day()))),
    Function::new("hourOf", 0, 0, |_, call| part(call, Precision::Hour, |moment| i32::from(moment.hour))),
    Function::new("minuteOf", 0, 0, |_, call| part(call, Precision::Minute, |moment| i32::from(moment.minute))),
    Function::new("secondOf", 0, 0, |_, call| part(call, Precision::Second, |moment| i32::from(moment.second))),
    Function::new("millisecondOf", 0, 0, |_, call| {
        part(call, Precision::Second, |moment| i32::try_from(moment.nanosecond / 1_000_000).unwrap_or(0))
    }),
    Function::new("timezoneOffsetOf", 0, 0, |_, call| Ok(at_most_one(moment(call)?.and_then(offset_hours)))),
    Function::new("dateOf", 0, 0, |_, call| {
        let dated = moment(call)?.filter(|moment| moment.kind != TemporalKind::Time);
        Ok(at_most_one(dated.map(Temporal::date_part)))
    }),
    Function::new("timeOf", 0, 0, |_, call| {
        let timed = moment(call)?.filter(|moment| moment.precision >= Precision::Hour);
        Ok(at_most_one(timed.map(|moment| Temporal { kind: TemporalKind::Time, offset: None, ..moment })))
    }),
];

fn instant(evaluator: &Evaluator<'_, '_>) -> Result<Zoned, Cause> {
    evaluator.environment.now().ok_or(Cause::NotOffered("the time"))
}

fn date_time(now: &Zoned) -> Temporal {
    let offset = i16::try_from(now.offset().seconds() / 60).unwrap_or(0);
    let time = time(now.time());
    Temporal { kind: TemporalKind::DateTime, date: now.date(), offset: Some(offset), ..time }
}

fn time(time: Time) -> Temporal {
    Temporal::of_time(time.with().nanosecond(0).millisecond(time.millisecond()).build().unwrap_or(time))
}

/// The one date or time of the input.
fn moment(call: Call<'_, '_>) -> Result<Option<Temporal>, Cause> {
    match single(call.input)?.and_then(|item| item.value()) {
        None => Ok(None),
        Some(Value::Temporal(moment)) => Ok(Some(moment)),
        Some(_) => Err(Cause::NotA("a date or time")),
    }
}

fn part<'n>(call: Call<'_, 'n>, needed: Precision, of: fn(Temporal) -> i32) -> Found<'n> {
    let known = |moment: &Temporal| {
        moment.precision >= needed && (needed >= Precision::Hour || moment.kind != TemporalKind::Time)
    };
    Ok(at_most_one(moment(call)?.filter(known).map(of)))
}

fn offset_hours(moment: Temporal) -> Option<Decimal> {
    Decimal::from(i32::from(moment.offset?)).divided_by(Decimal::from(60))
}
