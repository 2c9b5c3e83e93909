//! Message templates: a text with placeholders (`@CTRL@`, `@TS@`, `@MRN@`, `@VISIT@`, `@REFERRAL@`), cut once and
//! filled for each message.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What a message's placeholders stand for.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    pub control_id: &'a str,
    pub timestamp: &'a str,
    pub mrn: &'a str,
    pub visit: &'a str,
    pub referral: &'a str,
}

enum Part {
    Text(Vec<u8>),
    ControlId,
    Timestamp,
    Mrn,
    Visit,
    Referral,
}

pub struct Template(Vec<Part>);

impl Template {
    /// Segments may end with LF, CRLF or CR; they are sent with CR.
    pub fn new(text: &str) -> Self {
        let segments: Vec<&str> = text.split(['\r', '\n']).filter(|line| !line.is_empty()).collect();
        let text = segments.join("\r") + "\r";
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((at, name, part)) = next_placeholder(rest) {
            parts.push(Part::Text(rest[..at].into()));
            parts.push(part);
            rest = &rest[at + name.len()..];
        }
        parts.push(Part::Text(rest.into()));
        Self(parts)
    }

    pub fn fill(&self, values: Values<'_>, out: &mut Vec<u8>) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::ControlId => out.extend_from_slice(values.control_id.as_bytes()),
                Part::Timestamp => out.extend_from_slice(values.timestamp.as_bytes()),
                Part::Mrn => out.extend_from_slice(values.mrn.as_bytes()),
                Part::Visit => out.extend_from_slice(values.visit.as_bytes()),
                Part::Referral => out.extend_from_slice(values.referral.as_bytes()),
            }
        }
    }
}

fn next_placeholder(text: &str) -> Option<(usize, &'static str, Part)> {
    const NAMES: [(&str, fn() -> Part); 5] = [
        ("@CTRL@", || Part::ControlId),
        ("@TS@", || Part::Timestamp),
        ("@MRN@", || Part::Mrn),
        ("@VISIT@", || Part::Visit),
        ("@REFERRAL@", || Part::Referral),
    ];
    let found = NAMES.iter().filter_map(|(name, part)| text.find(name).map(|at| (at, *name, part)));
    found.min_by_key(|(at, ..)| *at).map(|(at, name, part)| (at, name, part()))
}

/// The present as an HL7 time stamp in UTC: `20270412103000`.
pub fn now_text() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    timestamp(seconds)
}

/// Seconds since 1970 as an HL7 time stamp (days to civil date by the 400-year cycle).
fn timestamp(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", rest / 3600, rest % 3600 / 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::{Template, Values, timestamp};

    #[test]
    fn fills_placeholders_and_keeps_other_signs() {
        let template = Template::new("MSH|@CTRL@|@TS@\nPID|@MRN@|a@example.org~@VISIT@|@REFERRAL@\r\n");
        let mut out = Vec::new();
        let values = Values { control_id: "C", timestamp: "T", mrn: "M", visit: "V", referral: "R" };
        template.fill(values, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "MSH|C|T\rPID|M|a@example.org~V|R\r");
    }

    #[test]
    fn writes_time_stamps() {
        assert_eq!(timestamp(0), "19700101000000");
        assert_eq!(timestamp(1_709_210_096), "20240229123456");
    }
}
