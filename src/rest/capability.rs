//! The CapabilityStatement: made from the definitions, the search parameters, the table of operations and the policy, so
//! that it says what is there (R4 http 3.1.0.12).

use super::operation::Operation;
use super::server::{Integrity, Setup};
use super::{Answer, Content, Server};
use crate::fhir::{Node, Object, definitions};
use crate::search::{self, Parameter, ParameterType, compartment};

/// What every resource type offers, by the codes of FHIR value set type-restful-interaction.
const INTERACTIONS: [&str; 9] =
    ["read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"];

const SYSTEM_INTERACTIONS: [&str; 4] = ["transaction", "batch", "search-system", "history-system"];

const FORMATS: [&str; 4] = ["application/fhir+json", "application/fhir+xml", "json", "xml"];

impl Server {
    pub(super) fn capabilities(&self) -> Answer {
        let content = self.capabilities.get_or_init(|| {
            let mut out = Vec::with_capacity(512 * 1024);
            self.statement().write(&mut out);
            out.into()
        });
        Answer::of(200, Content::Stored(content.clone()))
    }

    fn statement(&self) -> Object {
        let setup = &self.setup;
        let software = object([("name", "Loopgate"), ("version", setup.version)]);
        let implementation = object([("description", "Loopgate FHIR door"), ("url", &setup.base_url)]);
        [
            ("resourceType", Node::from("CapabilityStatement")),
            ("id", Node::from("loopgate")),
            ("url", Node::from(format!("{}/metadata", setup.base_url))),
            ("name", Node::from("Loopgate")),
            ("status", Node::from("active")),
            ("date", Node::from(setup.built)),
            ("kind", Node::from("instance")),
            ("software", software.into()),
            ("implementation", implementation.into()),
            ("fhirVersion", Node::from("4.0.1")),
            ("format", texts(FORMATS)),
            ("patchFormat", texts(["application/json-patch+json", "application/fhir+json", "application/fhir+xml"])),
            ("rest", vec![self.rest().into()].into()),
        ]
        .into_iter()
        .collect()
    }

    fn rest(&self) -> Object {
        let mut kinds: Vec<&'static str> = definitions::resources().collect();
        kinds.sort_unstable();
        let resources: Vec<Node> = kinds.iter().map(|kind| self.resource(kind, &kinds).into()).collect();
        let mut rest: Object = [
            ("mode", Node::from("server")),
            ("security", security(&self.setup).into()),
            ("resource", resources.into()),
            ("interaction", codes(SYSTEM_INTERACTIONS)),
        ]
        .into_iter()
        .collect();
        let operations = self.operations.iter().filter(|operation| operation.on_system);
        put_list(&mut rest, "operation", operations.map(operation).collect());
        let compartments = compartment::kinds()
            .map(|kind| Node::from(format!("http://hl7.org/fhir/CompartmentDefinition/{}", kind.to_ascii_lowercase())));
        put_list(&mut rest, "compartment", compartments.collect());
        rest
    }

    fn resource(&self, kind: &'static str, kinds: &[&'static str]) -> Object {
        let policy = self.setup.policy;
        let references = match policy.integrity {
            Integrity::Off => texts(["literal", "logical"]),
            Integrity::Enforce => texts(["literal", "logical", "enforced", "local"]),
        };
        let mut resource: Object = [
            ("type", Node::from(kind)),
            ("profile", Node::from(format!("http://hl7.org/fhir/StructureDefinition/{kind}"))),
            ("interaction", codes(INTERACTIONS)),
            ("versioning", Node::from("versioned-update")),
            ("readHistory", Node::from(true)),
            ("updateCreate", Node::from(policy.creates_by_update)),
            ("conditionalCreate", Node::from(true)),
            ("conditionalRead", Node::from("full-support")),
            ("conditionalUpdate", Node::from(true)),
            ("conditionalDelete", Node::from(if policy.conditional_delete { "single" } else { "not-supported" })),
            ("referencePolicy", references),
        ]
        .into_iter()
        .collect();
        put_list(&mut resource, "searchInclude", includes(kind).map(Node::from).collect());
        put_list(&mut resource, "searchRevInclude", reverse_includes(kind, kinds));
        put_list(&mut resource, "searchParam", search::parameters(kind).map(parameter).collect());
        let stands = |one: &&Operation| one.on_kinds.include(kind) || one.on_instances.include(kind);
        put_list(&mut resource, "operation", self.operations.iter().filter(stands).map(operation).collect());
        resource
    }
}

/// SMART Backend Services, when the door is guarded.
fn security(setup: &Setup) -> Object {
    let mut security: Object = [("cors", Node::from(false))].into_iter().collect();
    if setup.is_guarded {
        let token = [("url", Node::from("token")), ("valueUri", Node::from(format!("{}/auth/token", setup.base_url)))];
        let uris = [
            ("url", Node::from("http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris")),
            ("extension", vec![Node::Object(token.into_iter().collect())].into()),
        ];
        security.set_first("extension", vec![Node::Object(uris.into_iter().collect())]);
        let coding = object([
            ("system", "http://terminology.hl7.org/CodeSystem/restful-security-service"),
            ("code", "SMART-on-FHIR"),
        ]);
        let service: Object = [("coding", Node::from(vec![Node::from(coding)]))].into_iter().collect();
        security.set("service", vec![Node::from(service)]);
    }
    security
}

fn parameter(parameter: &Parameter) -> Node {
    object([("name", parameter.code), ("definition", &parameter.url), ("type", parameter.kind.as_str())]).into()
}

fn operation(operation: &Operation) -> Node {
    object([("name", operation.name), ("definition", operation.definition)]).into()
}

fn references(kind: &str) -> impl Iterator<Item = &'static Parameter> {
    search::parameters(kind).filter(|parameter| parameter.kind == ParameterType::Reference)
}

fn includes(kind: &'static str) -> impl Iterator<Item = String> {
    references(kind).map(move |parameter| format!("{kind}:{}", parameter.code))
}

/// The reference parameters of all types that may point here.
fn reverse_includes(kind: &str, kinds: &[&'static str]) -> Vec<Node> {
    let points_here = |parameter: &&Parameter| parameter.targets.contains(&kind);
    let sources = kinds.iter().flat_map(|source| references(source).map(move |parameter| (source, parameter)));
    let here = sources.filter(|(_, parameter)| points_here(parameter));
    here.map(|(source, parameter)| Node::from(format!("{source}:{}", parameter.code))).collect()
}

fn codes<const N: usize>(codes: [&str; N]) -> Node {
    codes.into_iter().map(|code| Node::Object(object([("code", code)]))).collect::<Vec<_>>().into()
}

fn texts<const N: usize>(texts: [&str; N]) -> Node {
    texts.into_iter().map(Node::from).collect::<Vec<_>>().into()
}

fn object<const N: usize>(members: [(&str, &str); N]) -> Object {
    members.into_iter().map(|(name, text)| (name, Node::from(text))).collect()
}

/// FHIR has no empty lists.
fn put_list(object: &mut Object, name: &str, list: Vec<Node>) {
    if !list.is_empty() {
        object.set(name, list);
    }
}
