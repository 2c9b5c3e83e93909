//! What the client wants of the form of its answer: format, layout, parts, and how strictly it is taken.
//!
//! The parameters `_format` and `_pretty`, `_summary` and `_elements` go before headers (R4 3.1.0.1.11).

use super::query::Pairs;
use super::{Cause, Fault, Headers};
use crate::fhir::subset::Summary;

/// The two forms of a resource that are read and written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Json,
    Xml,
}

impl Format {
    /// What is written into `Content-Type`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/fhir+json; charset=utf-8",
            Self::Xml => "application/fhir+xml; charset=utf-8",
        }
    }

    /// By the word of `_format`, or by a media type without its parameters.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "json" | "application/fhir+json" | "application/json" | "text/json" | "application/json+fhir" => Self::Json,
            "xml" | "application/fhir+xml" | "application/xml" | "text/xml" | "application/xml+fhir" => Self::Xml,
            _ => return None,
        })
    }

    /// The form of a body; nothing said is JSON.
    pub fn of_body(content_type: Option<&str>) -> Result<Self, Fault> {
        let Some(content_type) = content_type else { return Ok(Self::Json) };
        let offer = Offer::of(content_type);
        Self::of(&offer.media).filter(|_| offer.is_version_known).ok_or_else(|| {
            Fault::new(Cause::UnsupportedMedia, "a body is application/fhir+json or application/fhir+xml of R4")
        })
    }
}

/// `Prefer: return=…` (R4 3.1.0.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    Minimal,
    Representation,
    OperationOutcome,
}

/// What `Prefer` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Prefer {
    /// Nothing: the default of the interaction.
    pub returns: Option<Return>,
    /// `handling=strict`: what is not understood is refused instead of left out.
    pub is_strict: bool,
    pub is_async: bool,
}

impl Prefer {
    /// What it does not know it leaves out, as RFC 7240 2 asks.
    pub fn of(header: Option<&str>) -> Self {
        let mut prefer = Self::default();
        for word in header.unwrap_or_default().split([',', ';']).map(str::trim) {
            match word {
                "return=minimal" => prefer.returns = Some(Return::Minimal),
                "return=representation" => prefer.returns = Some(Return::Representation),
                "return=OperationOutcome" => prefer.returns = Some(Return::OperationOutcome),
                "handling=strict" => prefer.is_strict = true,
                "handling=lenient" => prefer.is_strict = false,
                "respond-async" => prefer.is_async = true,
                _ => {}
            }
        }
        prefer
    }
}

/// The terms of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub format: Format,
    pub is_pretty: bool,
    pub summary: Option<Summary>,
    /// Names of `_elements`; empty for all.
    pub elements: Vec<String>,
    pub prefer: Prefer,
}

impl Terms {
    /// From the headers and the parameters of the query. 406 when no form that is asked for is ours, 400 for a value that
    /// a parameter does not have.
    pub fn of(headers: &Headers, pairs: &Pairs) -> Result<Self, Fault> {
        let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let format = match value("_format").filter(|word| !word.is_empty()) {
            Some(word) => asked(word)?,
            None => accepted(headers.accept.as_deref())?,
        };
        let summary = value("_summary").map(|word| {
            Summary::of(word).ok_or_else(|| Fault::invalid("_summary is true, text, data, count or false"))
        });
        Ok(Self {
            format,
            is_pretty: value("_pretty") == Some("true"),
            summary: summary.transpose()?.filter(|summary| *summary != Summary::False),
            elements: elements(pairs),
            prefer: Prefer::of(headers.prefer.as_deref()),
        })
    }

    /// Whether a resource is shown as it is kept.
    pub const fn is_whole(&self) -> bool {
        self.summary.is_none() && self.elements.is_empty()
    }
}

fn elements(pairs: &Pairs) -> Vec<String> {
    let lists = pairs.iter().filter(|(name, _)| name == "_elements").flat_map(|(_, list)| list.split(','));
    lists.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// A `+` of a media type that was not escaped arrives as a blank.
fn asked(word: &str) -> Result<Format, Fault> {
    let offer = Offer::of(&word.replace("fhir ", "fhir+"));
    Format::of(&offer.media).filter(|_| offer.is_version_known).or(any(&offer.media)).ok_or_else(not_acceptable)
}

/// The form that `Accept` prefers; the earlier one of equals.
fn accepted(header: Option<&str>) -> Result<Format, Fault> {
    let Some(header) = header.filter(|header| !header.trim().is_empty()) else { return Ok(Format::Json) };
    let mut best: Option<(u32, Format)> = None;
    for offer in header.split(',').map(Offer::of).filter(|offer| offer.is_version_known && offer.weight > 0) {
        let format = Format::of(&offer.media).or_else(|| any(&offer.media));
        if let Some(format) = format
            && best.is_none_or(|(weight, _)| offer.weight > weight)
        {
            best = Some((offer.weight, format));
        }
    }
    best.map(|(_, format)| format).ok_or_else(not_acceptable)
}

fn any(media: &str) -> Option<Format> {
    // Files of an export are lines of JSON, and what is said about them is JSON.
    matches!(media, "*/*" | "application/*" | "*" | "application/fhir+ndjson" | "application/ndjson")
        .then_some(Format::Json)
}

fn not_acceptable() -> Fault {
    Fault::new(Cause::NotAcceptable, "answers are application/fhir+json or application/fhir+xml of R4")
}

/// One media type with what its parameters say.
struct Offer {
    media: String,
    /// In thousandths.
    weight: u32,
    /// `fhirVersion` is absent or that of R4.
    is_version_known: bool,
}

impl Offer {
    fn of(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let mut offer = Self { media, weight: 1000, is_version_known: true };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = value.trim_matches('"');
            match name.trim() {
                "q" => offer.weight = weight(value),
                "fhirVersion" => offer.is_version_known = matches!(value, "4.0" | "4.0.1"),
                _ => {}
            }
        }
        offer
    }
}

/// `0.9` in thousandths (RFC 9110 12.4.2).
fn weight(text: &str) -> u32 {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part: u32 = format!("{part:0<3}").get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    (whole.parse::<u32>().unwrap_or(0).min(1) * 1000 + part).min(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(accept: Option<&str>, query: &str) -> Result<Terms, Fault> {
        let headers = Headers { accept: accept.map(str::to_owned), ..Headers::default() };
        Terms::of(&headers, &crate::rest::query::decode(query).unwrap())
    }

    #[test]
    fn the_form_is_negotiated() {
        for (accept, query, expected) in [
            (None, "", Some(Format::Json)),
            (Some("*/*"), "", Some(Format::Json)),
            (Some("application/fhir+json"), "", Some(Format::Json)),
            (Some("application/fhir+xml"), "", Some(Format::Xml)),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), "", Some(Format::Json)),
            (Some("application/json;q=0.5, application/xml;q=0.9"), "", Some(Format::Xml)),
            (Some("application/fhir+xml; fhirVersion=4.0"), "", Some(Format::Xml)),
            (Some("application/fhir+xml; fhirVersion=5.0"), "", None),
            (Some("text/turtle"), "", None),
            (Some("application/json;q=0"), "", None),
            (Some("text/turtle"), "_format=json", Some(Format::Json)),
            (Some("application/json"), "_format=xml", Some(Format::Xml)),
            (None, "_format=application/fhir+xml", Some(Format::Xml)),
            (None, "_format=application%2Ffhir%2Bjson", Some(Format::Json)),
            (None, "_format=ttl", None),
        ] {
            let found = terms(accept, query);
            assert_eq!(found.as_ref().map(|terms| terms.format).ok(), expected, "{accept:?} {query}");
            assert!(found.is_ok() || found.is_err_and(|fault| fault.status() == 406));
        }
    }

    #[test]
    fn parts_and_layout_are_parameters() {
        let asked = terms(None, "_pretty=true&_elements=name,%20id&_summary=false").unwrap();
        assert!(asked.is_pretty && !asked.is_whole());
        assert_eq!((asked.elements.as_slice(), asked.summary), (["name".to_owned(), "id".to_owned()].as_slice(), None));
        assert_eq!(terms(None, "_summary=much").unwrap_err().status(), 400);
    }

    #[test]
    fn preferences_are_read() {
        let prefer = Prefer::of(Some("return=minimal, handling=strict; respond-async, other=x"));
        assert_eq!(prefer, Prefer { returns: Some(Return::Minimal), is_strict: true, is_async: true });
        assert_eq!(Prefer::of(None), Prefer::default());
    }

    #[test]
    fn bodies_say_what_they_are() {
        for (content_type, expected) in [
            (None, Some(Format::Json)),
            (Some("application/fhir+json; charset=UTF-8"), Some(Format::Json)),
            (Some("Application/FHIR+XML"), Some(Format::Xml)),
            (Some("text/plain"), None),
            (Some("application/fhir+json; fhirVersion=3.0"), None),
        ] {
            assert_eq!(Format::of_body(content_type).ok(), expected, "{content_type:?}");
        }
    }
}
