//! Bodies: the resource or the patch that a request or an entry brings.

use base64::Engine as _;
use bytes::Bytes;

use super::negotiation::Format;
use super::{Cause, Fault};
use crate::base::Issue;
use crate::base::issue::Severity;
use crate::fhir::patch::{self, PatchCause, PatchFault};
use crate::fhir::{Node, Object, Resource, xml};
use crate::profile;

/// What comes with an interaction. It can be read again, since a write that met another is tried again.
pub enum Body<'b> {
    /// Of a request.
    Sent { content_type: Option<&'b str>, bytes: &'b Bytes },
    /// Of an entry.
    Entry(Option<&'b Resource>),
}

/// A change of parts of a resource.
pub enum Patch {
    Json(Node),
    FhirPath(Resource),
    /// Members put over those that stand.
    Merge(Object),
}

impl Body<'_> {
    /// The resource, of any type. 400 when it cannot be read, 415 when it is in a form that is not ours.
    pub fn resource(&self) -> Result<Resource, Fault> {
        match self {
            Self::Sent { content_type, bytes } => read(bytes, Format::of_body(*content_type)?),
            Self::Entry(Some(resource)) => Ok((*resource).clone()),
            Self::Entry(None) => Err(Fault::invalid("the entry needs a resource")),
        }
    }

    /// The resource, of this type. Whether it is in order is looked at when its references are what they are to be.
    pub fn resource_of(&self, kind: &str) -> Result<Resource, Fault> {
        let resource = self.resource()?;
        if resource.kind() != kind {
            return Err(Fault::invalid("the resource is not of the type that the URL names"));
        }
        Ok(resource)
    }

    pub fn patch(&self) -> Result<Patch, Fault> {
        match self {
            Self::Sent { content_type: Some(content_type), bytes } if is_json_patch(content_type) => json_patch(bytes),
            Self::Sent { content_type: Some(content_type), bytes } if is_plain_json(content_type) => plain_patch(bytes),
            Self::Entry(Some(resource)) if resource.kind() == "Binary" => json_patch(&binary(resource)?),
            _ => parameters(self.resource()?),
        }
    }

    /// The bytes for the journal.
    pub fn bytes(&self) -> Bytes {
        match self {
            Self::Sent { bytes, .. } => (*bytes).clone(),
            Self::Entry(resource) => resource.map(Resource::to_json).unwrap_or_default().into(),
        }
    }
}

/// A resource in either form.
pub fn read(bytes: &[u8], format: Format) -> Result<Resource, Fault> {
    match format {
        Format::Json => Resource::parse(bytes).map_err(|fault| Fault::invalid(fault.to_string())),
        Format::Xml => xml::read(bytes).map_err(|fault| Fault::invalid(fault.to_string())),
    }
}

/// Known elements, types, cardinality: what must hold for a resource to be kept (R4 3.1.0.8: 422).
pub fn in_order(resource: &Resource) -> Result<(), Fault> {
    let issues: Vec<Issue> = profile::check_structure(resource);
    if issues.iter().any(|issue| issue.severity >= Severity::Error) {
        return Err(Fault::of_issues(Cause::Unprocessable, issues));
    }
    Ok(())
}

fn is_json_patch(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("application/json-patch+json"))
}

/// Kinds of content by which clients send whatever patch of JSON they have.
fn is_plain_json(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/merge-patch+json"].iter().any(|known| media.eq_ignore_ascii_case(known))
}

/// A list is a JSON Patch, Parameters are a FHIRPath Patch, any other object is a merge patch.
fn plain_patch(bytes: &[u8]) -> Result<Patch, Fault> {
    match Node::parse(bytes).map_err(|fault| Fault::invalid(fault.to_string()))? {
        Node::Object(object) => match Resource::from_object(object) {
            Ok(resource) if resource.kind() == "Parameters" => Ok(Patch::FhirPath(resource)),
            Ok(resource) => Ok(Patch::Merge(resource.object().clone())),
            Err(object) => Ok(Patch::Merge(object)),
        },
        patch => Ok(Patch::Json(patch)),
    }
}

fn json_patch(bytes: &[u8]) -> Result<Patch, Fault> {
    Node::parse(bytes).map(Patch::Json).map_err(|fault| Fault::invalid(fault.to_string()))
}

/// A JSON Patch travels in a Bundle as a Binary (R4 3.1.0.11.3).
fn binary(resource: &Resource) -> Result<Vec<u8>, Fault> {
    let data = resource.text(&["data"]).unwrap_or_default();
    base64::engine::general_purpose::STANDARD
        .decode(data)
        .map_err(|_| Fault::invalid("a patch in a Bundle is a Parameters resource, or a Binary with a JSON Patch"))
}

fn parameters(resource: Resource) -> Result<Patch, Fault> {
    if resource.kind() != "Parameters" {
        return Err(Fault::new(
            Cause::UnsupportedMedia,
            "a patch is application/json-patch+json, or a Parameters resource (FHIRPath Patch)",
        ));
    }
    Ok(Patch::FhirPath(resource))
}

impl Patch {
    /// The resource after the patch; it keeps its type and id.
    pub fn apply(&self, resource: &Resource) -> Result<Resource, Fault> {
        let patched = match self {
            Self::Json(patch) => patch::json_patch(resource, patch),
            Self::FhirPath(parameters) => patch::fhirpath_patch(resource, parameters),
            Self::Merge(members) => Ok(patch::merge_patch(resource, members)),
        };
        let patched = patched.map_err(|fault| refused(&fault))?;
        if patched.kind() != resource.kind() || patched.id() != resource.id() {
            return Err(Fault::new(Cause::Unprocessable, "a patch leaves the type and the id of a resource alone"));
        }
        Ok(patched)
    }
}

fn refused(fault: &PatchFault) -> Fault {
    let cause = if fault.cause == PatchCause::Malformed { Cause::Invalid } else { Cause::Unprocessable };
    Fault::new(cause, fault.to_string())
}
