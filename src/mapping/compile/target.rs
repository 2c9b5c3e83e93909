//! Targets: paths walked through R4.

use smol_str::{SmolStr, format_smolstr};

use super::Compiler;
use super::source::width;
use crate::base::nearest;
use crate::fhir::bindings::{self, ValueSet};
use crate::fhir::definitions::{self, Primitive};
use crate::fhir::extensions;
use crate::mapping::diagnostic::{Mistake, Place};
use crate::mapping::notation::{self, TargetPath};
use crate::mapping::plan::Step;
use crate::mapping::yaml::Scalar;

/// Where a target path ends.
pub(super) struct End {
    pub steps: Vec<Step>,
    pub kind: SmolStr,
    /// What codes it may have.
    pub bound: Option<&'static ValueSet>,
}

impl Compiler<'_> {
    pub(super) fn target(&mut self, to: Option<&Scalar>, owner: &str) -> Option<End> {
        let Some(to) = to else {
            return Some(End { steps: Vec::new(), kind: owner.into(), bound: None });
        };
        let path = match TargetPath::parse(&to.text) {
            Ok(path) => path,
            Err(fault) => {
                self.fault(Mistake::TargetSyntax, to, &fault);
                return None;
            }
        };
        let mut end = End { steps: Vec::new(), kind: owner.into(), bound: None };
        let mut offset = 0;
        for step in path.steps {
            offset += to.text[offset..].find(step.name.as_str()).unwrap_or(0);
            let place = Place { width: width(&step.name), ..self.inside(to, offset) };
            self.extension_fits(&end, &step, place);
            offset += step.name.len() + step.url.as_ref().map_or(0, |url| url.len() + 2);
            if let Err(name) = walk(&mut end, step) {
                let message = format!("{} has no element `{name}`", end.kind);
                self.report(Mistake::TargetPath, place, message, suggestion(&end.kind, &name));
                return None;
            }
        }
        Some(end)
    }

    /// Of an extension that R4 defines, the value has a type that it says. Another URL may be anyone's, but not a slip.
    fn extension_fits(&mut self, end: &End, step: &notation::Step, place: Place) {
        if let Some(url) = &step.url
            && extensions::value_types(url).is_none()
            && let Some(meant) = extensions::nearest(url)
        {
            let place = Place { column: place.column + place.width + 1, width: width(url), ..place };
            let hint = format!("did you mean `{meant}`?");
            self.report(Mistake::Extension, place, "R4 has no extension of that URL", hint);
        }
        let url = end.steps.last().and_then(|last| last.url.as_ref());
        let types = url.and_then(|url| extensions::value_types(url));
        let (Some(types), Some(kind)) = (types, step.name.strip_prefix("value")) else { return };
        if types.iter().any(|known| known.eq_ignore_ascii_case(kind)) || types.contains(&"*") {
            return;
        }
        let hint = if types.is_empty() { "extensions are in it instead".to_owned() } else { types.join(", ") };
        self.report(Mistake::Extension, place, format!("this extension has no value of type {kind}"), hint);
    }
}

/// Goes one step on. A primitive that is stepped into holds its extensions beside it, under `_name`.
fn walk(end: &mut End, step: notation::Step) -> Result<(), SmolStr> {
    if Primitive::of(&end.kind).is_some() {
        let last = end.steps.last_mut().filter(|last| !last.list).ok_or_else(|| step.name.clone())?;
        last.key = format_smolstr!("_{}", last.key);
        end.kind = SmolStr::new_static("Element");
    }
    let found = match end.kind.as_str() {
        "Element" if step.name == "extension" => definitions::find("Extension", "extension"),
        kind => definitions::find(kind, &step.name),
    };
    let found = found.ok_or_else(|| step.name.clone())?;
    let coded = matches!((end.kind.as_str(), step.name.as_str()), ("CodeableConcept", "coding") | ("Coding", "code"));
    end.bound = bindings::required(&end.kind, &step.name).or(end.bound.filter(|_| coded));
    end.steps.push(Step { key: step.name, list: found.list, url: step.url });
    end.kind = SmolStr::new_static(found.kind);
    Ok(())
}

fn suggestion(kind: &str, name: &str) -> String {
    let stem = |element: &definitions::Element| element.name.trim_end_matches("[x]");
    let near = |element: &&definitions::Element| {
        let stem = stem(element);
        stem.eq_ignore_ascii_case(name) || (name.len() > 3 && (stem.starts_with(name) || name.starts_with(stem)))
    };
    let elements = definitions::elements(kind);
    let meant = || nearest(name, elements.iter().map(stem));
    let element = elements.iter().find(near).or_else(|| {
        let meant = meant()?;
        elements.iter().find(|element| stem(element) == meant)
    });
    element.map_or_else(String::new, |element| {
        let types: Vec<_> = element.types().take(6).collect();
        format!("there is `{}`: {}", element.name, types.join(", "))
    })
}
