//! Message maps: the structure read, resources tied to segments and to one another.

use smol_str::SmolStr;

use super::source::Item;
use super::{Compiled, Compiler};
use crate::fhir::definitions;
use crate::mapping::diagnostic::{Mistake, meant};
use crate::mapping::notation::structure::SlotKind;
use crate::mapping::notation::{Structure, structure};
use crate::mapping::plan::{MessagePlan, Origin, ResourcePlan};
use crate::mapping::written::{MessageFile, ResourceEntry};
use crate::mapping::yaml::Scalar;

impl Compiler<'_> {
    pub(super) fn message(&mut self, file: MessageFile, compiled: &mut Compiled) {
        for event in &file.events {
            let taken = compiled.events.insert(event.text.as_str().into(), compiled.messages.len()).is_some();
            self.refuse_double(taken, event);
        }
        let structure = match Structure::parse(&file.structure.text) {
            Ok(structure) => structure,
            Err(fault) => return self.fault(Mistake::Structure, &file.structure, &fault),
        };
        for group in &structure.groups {
            for slot in &group.slots {
                if let SlotKind::Segment(name) = &slot.kind {
                    self.segment_is_known(name, &file.structure);
                }
            }
        }
        self.scope = file.name.text.as_str().into();
        self.unmapped(file.unmapped, &[]);
        let names: Vec<SmolStr> = file.resources.iter().map(|entry| entry.name.clone()).collect();
        let mut resources = Vec::new();
        for entry in file.resources {
            let (place, maps) = (entry.make.place, entry.maps.len());
            if let Some(resource) = self.resource(entry, &structure, &names) {
                if resource.maps.len() == maps {
                    self.makes.push((compiled.messages.len(), resources.len(), place));
                }
                resources.push(resource);
            }
        }
        compiled.messages.push(MessagePlan { name: file.name.text.into(), structure, resources });
    }

    fn resource(&mut self, entry: ResourceEntry, structure: &Structure, names: &[SmolStr]) -> Option<ResourcePlan> {
        if !definitions::is_resource(&entry.make.text) {
            let message = format!("`{}` is no resource type", entry.make.text);
            self.report(Mistake::TargetPath, entry.make.place, message, "");
            return None;
        }
        self.segment_fits(&entry.from, structure);
        let kind = SmolStr::from(entry.make.text.as_str());
        let maps = entry.maps.iter().filter_map(|map| self.segment_map(map, &kind, structure)).collect();
        let when = entry.when.as_ref().map(|when| self.condition(when, &Item::None));
        let key = entry.key.as_ref().map(|key| self.path(key, &Item::None));
        self.resource_names = Some(names.to_vec());
        let links = self.rules(entry.rules, &kind, &Item::None);
        self.resource_names = None;
        if matches!(when, Some(None)) || matches!(key, Some(None)) {
            return None;
        }
        Some(ResourcePlan {
            number: 0,
            origin: Origin { file: entry.make.place.file, line: entry.make.place.line },
            from: entry.from.text.into(),
            kind,
            name: entry.name,
            maps,
            when: when.flatten(),
            key: key.flatten(),
            links,
        })
    }

    fn segment_fits(&mut self, from: &Scalar, structure: &Structure) {
        if !structure::has_segment(structure, &from.text) {
            let message = format!("the structure has no segment `{}`", from.text);
            self.report(Mistake::SourcePath, from.place, message, "what has no slot in the structure is not mapped");
        }
    }

    fn segment_map(&mut self, name: &Scalar, kind: &str, structure: &Structure) -> Option<(SmolStr, usize)> {
        let Some(signature) = self.maps.get(name.text.as_str()).cloned() else {
            let hint = meant(&name.text, self.maps.keys().map(SmolStr::as_str));
            self.report(Mistake::UnknownMap, name.place, format!("there is no map `{}`", name.text), hint);
            return None;
        };
        if signature.datatype || signature.target != kind {
            let message = format!("`{}` makes no {kind} of a segment", name.text);
            self.report(Mistake::TypeClash, name.place, message, "");
            return None;
        }
        let segment = Scalar { place: name.place, text: signature.source.to_string() };
        self.segment_fits(&segment, structure);
        Some((signature.source, signature.index))
    }
}
