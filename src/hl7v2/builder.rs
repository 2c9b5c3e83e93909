//! Outgoing messages: values set by path, written with escapes, CR ends and no trailing delimiters.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::escape::escape;
use super::path::FieldPath;
use super::{Charset, Delimiters, Path, PathError, Selector};

/// A message in the making. Segments stand in the order in which they were first named.
#[derive(Clone)]
pub struct MessageBuilder {
    delimiters: Delimiters,
    segments: Vec<Draft>,
}

#[derive(Clone)]
struct Draft {
    name: SmolStr,
    /// Escaped text of each subcomponent that is not empty.
    leaves: BTreeMap<Leaf, String>,
}

/// Where a value goes.
struct Place<'b> {
    segment: &'b mut Draft,
    field: FieldPath,
    repetition: u16,
}

/// Field, repetition, component, subcomponent, each from 1.
type Leaf = (u16, u16, u16, u16);

/// Why a value cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error("expected a good path")]
    Path(#[source] PathError),
    #[error("expected a path with a field")]
    NoField,
    #[error("expected a path that names one place, but got '*'")]
    ManyPlaces,
    #[error("expected a field other than MSH-1 and MSH-2, which the builder writes")]
    Delimiters,
    #[error("expected a path for which the message has delimiters")]
    NoDelimiter,
    #[error("expected the next segment of its name, but got one further on")]
    SegmentGap,
}

impl Default for MessageBuilder {
    fn default() -> Self {
        Self::new(Delimiters::default())
    }
}

impl MessageBuilder {
    /// With an MSH that has its first two fields.
    pub fn new(delimiters: Delimiters) -> Self {
        Self { delimiters, segments: vec![Draft { name: "MSH".into(), leaves: BTreeMap::new() }] }
    }

    /// Sets what `path` names to `text`, in place of everything there; the empty text clears it.
    pub fn set(&mut self, path: &str, text: &str) -> Result<(), BuildError> {
        self.put(&path.parse().map_err(BuildError::Path)?, text)
    }

    /// As `set`, with text that is escaped already and may hold the delimiters of the levels below the path.
    pub fn set_raw(&mut self, path: &str, raw: &str) -> Result<(), BuildError> {
        self.put_raw(&path.parse().map_err(BuildError::Path)?, raw)
    }

    /// `set` with a path that is read already.
    pub fn put(&mut self, path: &Path, text: &str) -> Result<(), BuildError> {
        let raw = escape(text, self.delimiters).into_owned();
        let Place { segment, field, repetition } = self.place(path)?;
        segment.clear(path.field);
        segment.insert((field.number, repetition, field.component.unwrap_or(1), field.subcomponent.unwrap_or(1)), raw);
        Ok(())
    }

    /// `set_raw` with a path that is read already.
    pub fn put_raw(&mut self, path: &Path, raw: &str) -> Result<(), BuildError> {
        let delimiters = self.delimiters;
        // Line ends would end the segment.
        let raw = raw.replace(['\r', '\n', char::from(delimiters.field)], " ");
        let Place { segment, field, repetition: first } = self.place(path)?;
        let FieldPath { number, component, subcomponent: sub, .. } = field;
        segment.clear(path.field);
        let whole = component.is_none() && first == 1;
        for (repetition, part) in (first..).zip(parts(&raw, delimiters.repetition.filter(|_| whole))) {
            let split = delimiters.component.filter(|_| component.is_none());
            for (component, part) in (component.unwrap_or(1)..).zip(parts(part, split)) {
                let split = delimiters.subcomponent.filter(|_| sub.is_none());
                for (sub, part) in (sub.unwrap_or(1)..).zip(parts(part, split)) {
                    segment.insert((number, repetition, component, sub), part.to_owned());
                }
            }
        }
        Ok(())
    }

    /// Adds an empty segment and gives the path number under which it can be reached, from 1.
    pub fn add_segment(&mut self, name: &str) -> u16 {
        self.segments.push(Draft { name: name.into(), leaves: BTreeMap::new() });
        u16::try_from(self.segments.iter().filter(|draft| draft.name == name).count()).unwrap_or(u16::MAX)
    }

    /// The message as text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for draft in &self.segments {
            draft.write(&mut text, self.delimiters);
            text.push('\r');
        }
        text
    }

    /// The message in a character set, which MSH-18 names unless it was set; and how many characters the set has no
    /// code for.
    pub fn write(&self, charset: Charset) -> (Vec<u8>, usize) {
        let mut message = self.clone();
        if !charset.code().is_empty() {
            let msh = &mut message.segments[0].leaves;
            msh.entry((18, 1, 1, 1)).or_insert_with(|| charset.code().to_owned());
        }
        charset.encode(&message.to_text())
    }

    fn place(&mut self, path: &Path) -> Result<Place<'_>, BuildError> {
        let field = path.field.ok_or(BuildError::NoField)?;
        let (Selector::Nth(nth), Selector::Nth(repetition)) = (path.segment_selector, field.selector) else {
            return Err(BuildError::ManyPlaces);
        };
        if path.segment == "MSH" && field.number <= 2 {
            return Err(BuildError::Delimiters);
        }
        let delimiters = self.delimiters;
        let unreachable = |number: u16, separator: Option<u8>| number > 1 && separator.is_none();
        if unreachable(repetition, delimiters.repetition)
            || unreachable(field.component.unwrap_or(1), delimiters.component)
            || unreachable(field.subcomponent.unwrap_or(1), delimiters.subcomponent)
        {
            return Err(BuildError::NoDelimiter);
        }
        let segment = self.segment(&path.segment, nth)?;
        Ok(Place { segment, field, repetition })
    }

    fn segment(&mut self, name: &SmolStr, nth: u16) -> Result<&mut Draft, BuildError> {
        let mut named = self.segments.iter().enumerate().filter(|(_, draft)| draft.name == *name);
        let (count, found) = (named.clone().count(), named.nth(usize::from(nth) - 1).map(|(index, _)| index));
        if found.is_none() && usize::from(nth) > count + 1 {
            return Err(BuildError::SegmentGap);
        }
        let index = found.unwrap_or_else(|| {
            self.segments.push(Draft { name: name.clone(), leaves: BTreeMap::new() });
            self.segments.len() - 1
        });
        Ok(&mut self.segments[index])
    }
}

/// At least one part, so that an empty text clears a place and no more.
fn parts(raw: &str, separator: Option<u8>) -> Vec<&str> {
    separator.map_or_else(|| vec![raw], |separator| raw.split(char::from(separator)).collect())
}

impl Draft {
    /// Removes everything at and below the path.
    fn clear(&mut self, path: Option<FieldPath>) {
        let Some(path) = path else { return };
        self.leaves.retain(|leaf, _| {
            let inside = leaf.0 == path.number
                && (path.selector == Selector::Nth(leaf.1))
                && path.component.is_none_or(|component| component == leaf.2)
                && path.subcomponent.is_none_or(|sub| sub == leaf.3);
            !inside
        });
    }

    fn insert(&mut self, leaf: Leaf, raw: String) {
        if !raw.is_empty() {
            self.leaves.insert(leaf, raw);
        }
    }

    fn write(&self, text: &mut String, delimiters: Delimiters) {
        let separator = |byte: Option<u8>| byte.map_or(' ', char::from);
        text.push_str(&self.name);
        let mut at = (0, 1, 1, 1);
        if self.name == "MSH" {
            text.push(char::from(delimiters.field));
            text.push_str(&delimiters.encoding_characters());
            at.0 = 2;
        }
        for (leaf, raw) in &self.leaves {
            if leaf.0 > at.0 {
                push_times(text, char::from(delimiters.field), leaf.0 - at.0);
                at = (leaf.0, 1, 1, 1);
            }
            if leaf.1 > at.1 {
                push_times(text, separator(delimiters.repetition), leaf.1 - at.1);
                at = (at.0, leaf.1, 1, 1);
            }
            if leaf.2 > at.2 {
                push_times(text, separator(delimiters.component), leaf.2 - at.2);
                at = (at.0, at.1, leaf.2, 1);
            }
            push_times(text, separator(delimiters.subcomponent), leaf.3 - at.3);
            at = *leaf;
            text.push_str(raw);
        }
    }
}

fn push_times(text: &mut String, character: char, times: u16) {
    text.extend(std::iter::repeat_n(character, usize::from(times)));
}

impl std::fmt::Debug for MessageBuilder {
    /// Sizes, never values (P8).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageBuilder({} segments)", self.segments.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Message;
    use super::*;

    #[test]
    fn values_and_the_text_they_make() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], "MSH|^~\\&\r"),
            (&[("MSH-9.1", "ADT"), ("MSH-9.2", "A08")], "MSH|^~\\&|||||||ADT^A08\r"),
            (&[("PID-3[2].4.2", "a|b&c")], "MSH|^~\\&\rPID|||~^^^&a\\F\\b\\T\\c\r"),
            (&[("PID-5", "x"), ("PID-3", "y")], "MSH|^~\\&\rPID|||y||x\r"),
            (&[("PID-5.2", "x"), ("PID-5", "y")], "MSH|^~\\&\rPID|||||y\r"),
            (&[("PID-5.2", "x"), ("PID-5.2", "")], "MSH|^~\\&\rPID\r"),
            (&[("OBX-1", "1"), ("NTE-1", "1"), ("OBX[2]-1", "2")], "MSH|^~\\&\rOBX|1\rNTE|1\rOBX|2\r"),
            (&[("NTE-3", "two\nlines")], "MSH|^~\\&\rNTE|||two\\.br\\lines\r"),
        ];
        for (values, expected) in cases {
            let mut builder = MessageBuilder::default();
            for (path, text) in *values {
                builder.set(path, text).unwrap();
            }
            assert_eq!(&builder.to_text(), expected);
        }
    }

    #[test]
    fn raw_text_is_split_below_its_path() {
        let cases = [
            ("PID-3", "a^b~c&d", "PID|||a^b~c&d"),
            ("PID-3[2]", "a^b", "PID|||~a^b"),
            ("PID-3.2", "a&b", "PID|||^a&b"),
            ("PID-4", "\"\"", "PID||||\"\""),
            ("PID-5", "a|b\rc", "PID|||||a b c"),
        ];
        for (path, raw, expected) in cases {
            let mut builder = MessageBuilder::default();
            builder.set("PID-5.7", "L").unwrap();
            builder.set("PID-5.7", "").unwrap();
            builder.set_raw(path, raw).unwrap();
            assert_eq!(builder.to_text(), format!("MSH|^~\\&\r{expected}\r"));
        }
    }

    #[test]
    fn paths_that_name_no_one_place_are_refused() {
        let cases = [
            ("PID", BuildError::NoField),
            ("PID-3[*]", BuildError::ManyPlaces),
            ("OBX[*]-3", BuildError::ManyPlaces),
            ("MSH-2", BuildError::Delimiters),
            ("OBX[2]-3", BuildError::SegmentGap),
            ("PID-", BuildError::Path(PathError::FieldNumber { at: 4 })),
        ];
        for (path, expected) in cases {
            assert_eq!(MessageBuilder::default().set(path, "x"), Err(expected), "{path}");
        }
        let mut bare = MessageBuilder::new(Delimiters { subcomponent: None, ..Delimiters::default() });
        assert_eq!(bare.set("PID-3.1.2", "x"), Err(BuildError::NoDelimiter));
    }

    #[test]
    fn the_character_set_is_named_and_used() {
        let mut builder = MessageBuilder::default();
        builder.set("PID-5", "Müller €").unwrap();
        let (bytes, lost) = builder.write(Charset::Iso8859_1);
        assert_eq!(lost, 1);
        assert_eq!(bytes, b"MSH|^~\\&||||||||||||||||8859/1\rPID|||||M\xFCller ?\r");
    }

    proptest! {
        #[test]
        fn a_built_message_parses_back_to_its_values(
            values in prop::collection::btree_map((1_u16..9, 1_u16..4, 1_u16..4, 1_u16..4), r"([|^&~\\\r\n]|\PC){1,12}", 1..12),
        ) {
            let mut builder = MessageBuilder::default();
            for ((field, repetition, component, sub), text) in &values {
                builder.set(&format!("ZZ1-{field}[{repetition}].{component}.{sub}"), text).unwrap();
            }
            let (bytes, lost) = builder.write(Charset::Utf8);
            let (message, issues, _) = Message::read(&bytes, Charset::Ascii);
            prop_assert_eq!((lost, issues), (0, vec![]));
            for ((field, repetition, component, sub), text) in &values {
                let path: Path = format!("ZZ1-{field}[{repetition}].{component}.{sub}").parse().unwrap();
                prop_assert_eq!(message.get(&path).unwrap().text(), text.as_str());
            }
        }
    }
}
