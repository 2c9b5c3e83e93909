//! Where a value goes: `name`, `period.start`, `extension[urn:loopgate:trigger].valueCode`, `$this`.
//!
//! A list in the middle of a path means its first item, made when it is missing; a list at the end is appended to.
//! An extension is named by its URL in brackets and is always a fresh one: to put several things into one, a rule
//! with `rules` is used.

use smol_str::SmolStr;

use super::Fault;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: SmolStr,
    /// Of `extension[…]`.
    pub url: Option<SmolStr>,
}

/// The steps to an element; none for `$this`, the element at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPath {
    pub steps: Vec<Step>,
}

impl TargetPath {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut steps = Vec::new();
        if text == "$this" {
            return Ok(Self { steps });
        }
        let mut at = 0;
        loop {
            let (step, length) = step(&text[at..]).map_err(|fault| Fault::new(at + fault.offset, fault.expected))?;
            steps.push(step);
            at += length;
            match text[at..].chars().next() {
                None => return Ok(Self { steps }),
                Some('.') => at += 1,
                Some(_) => return Err(Fault::new(at, "a dot or the end")),
            }
        }
    }
}

fn step(text: &str) -> Result<(Step, usize), Fault> {
    let length = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let name = &text[..length];
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(Fault::new(0, "the name of an element, such as `birthDate`"));
    }
    let Some(inner) = text[length..].strip_prefix('[') else {
        return Ok((Step { name: name.into(), url: None }, length));
    };
    if !matches!(name, "extension" | "modifierExtension") {
        return Err(Fault::new(length, "no brackets: only an extension has them"));
    }
    let url = inner.find(']').map(|end| &inner[..end]).filter(|url| !url.is_empty());
    let url = url.ok_or_else(|| Fault::new(length, "the URL of the extension and a closing bracket"))?;
    Ok((Step { name: name.into(), url: Some(url.into()) }, length + url.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read() {
        let names = |text| -> Vec<String> {
            let path = TargetPath::parse(text).unwrap();
            path.steps.iter().map(|step| format!("{}|{}", step.name, step.url.as_deref().unwrap_or(""))).collect()
        };
        assert_eq!(names("period.start"), ["period|", "start|"]);
        assert_eq!(
            names("extension[http://a.b/c].extension[code].valueCode"),
            ["extension|http://a.b/c", "extension|code", "valueCode|"]
        );
        assert!(names("$this").is_empty());
    }

    #[test]
    fn faults_point_at_their_place() {
        for (text, offset) in [
            ("", 0),
            ("Name", 0),
            ("name.", 5),
            ("name[1]", 4),
            ("extension[", 9),
            ("extension[]", 9),
            ("a b", 1),
            ("a..b", 2),
        ] {
            assert_eq!(TargetPath::parse(text).map_err(|fault| fault.offset), Err(offset), "{text:?}");
        }
    }
}
