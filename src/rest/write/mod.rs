//! Writes: create, update, patch and delete, each also by criteria, alone or many in one transaction.
//!
//! Cast: a *wish* is one change as a client asks for it; its *aim* is the resource that it turns out to be about; a
//! *step* is what is to be done about it, judged by the version that stands there. All steps of a request are one
//! submission to the engine: all of it is written, or nothing.
//!
//! ```text
//! wishes ─▶ aims (searches) ─▶ standing versions ─▶ steps ─▶ references ─▶ checks ─▶ submission ─▶ answers
//! ```
//!
//! When a resource moved on between the look and the commit, all of it is done again from the body of the request: a
//! client that named a version is then refused, any other does not notice.

mod aim;
mod attempt;
mod conditional;
mod integrity;
mod outcome;
mod references;
mod step;
mod within;

use bytes::Bytes;
use smol_str::SmolStr;

use super::answer::Answer;
use super::body::Patch;
use super::conditions::Conditions;
use super::query::{self, Pairs};
use super::server::Call;
use super::{Cause, Fault, Interaction, Server};
use crate::base::limits;
use crate::fhir::Resource;
use crate::record::ResourceKey;

/// One change that a client asks for.
pub struct Wish {
    pub deed: Deed,
    pub kind: &'static str,
    pub target: Target,
    pub conditions: Conditions,
    /// Where it stands in a Bundle, for faults.
    pub place: Option<SmolStr>,
    /// By what the other entries of its Bundle refer to it.
    pub aliases: Vec<SmolStr>,
}

/// What is to be done.
pub enum Deed {
    Create(Resource),
    Update(Resource),
    Patch(Patch),
    Delete,
}

/// To which resource.
pub enum Target {
    /// To one that is not there yet.
    New,
    Key(ResourceKey),
    /// To the one that meets these criteria.
    Criteria(Pairs),
}

/// What the journal keeps of a request.
pub struct Letter {
    /// Method and type, without ids and criteria.
    pub label: SmolStr,
    pub body: Bytes,
    /// Whether the wishes are entries that may refer to one another.
    pub is_transaction: bool,
}

impl Server {
    /// A write that stands alone.
    pub(super) async fn write_one(&self, interaction: Interaction, call: &Call<'_>) -> Result<Answer, Fault> {
        let kind = interaction.name();
        let letter = Letter { label: label(&interaction), body: call.body.bytes(), is_transaction: false };
        let answers = self.write(|| Ok(vec![wish(&interaction, call)?]), &letter, call).await?;
        debug_assert!(answers.len() == 1, "{kind}");
        answers.into_iter().next().ok_or_else(|| Fault::new(Cause::Internal, "a write was not answered"))
    }

    /// Makes all wishes true, or none. `make` reads them from the request, once for each attempt.
    pub(super) async fn write(
        &self,
        mut make: impl FnMut() -> Result<Vec<Wish>, Fault> + Send,
        letter: &Letter,
        call: &Call<'_>,
    ) -> Result<Vec<Answer>, Fault> {
        for _ in 0..limits::CONFLICTS_MAX {
            if let Some(answers) = self.attempt(make()?, letter, call).await? {
                return Ok(answers);
            }
        }
        Err(Fault::new(Cause::Conflict, "others write the same resources all the time: read them again and try again"))
    }
}

fn label(interaction: &Interaction) -> SmolStr {
    let (method, kind): (&str, &str) = match interaction {
        Interaction::Create(kind) => ("POST", kind),
        Interaction::Update(key) => ("PUT", &key.kind),
        Interaction::ConditionalUpdate(kind) => ("PUT", kind),
        Interaction::Patch(key) => ("PATCH", &key.kind),
        Interaction::ConditionalPatch(kind) => ("PATCH", kind),
        Interaction::Delete(key) => ("DELETE", &key.kind),
        Interaction::ConditionalDelete(kind) => ("DELETE", kind),
        other => (other.name(), ""),
    };
    smol_str::format_smolstr!("{method} {kind}")
}

/// The wish of an interaction that writes.
pub fn wish(interaction: &Interaction, call: &Call<'_>) -> Result<Wish, Fault> {
    let known = |key: &ResourceKey| crate::fhir::definitions::resource(&key.kind).ok_or_else(Fault::not_found);
    let (deed, kind, target) = match interaction {
        Interaction::Create(kind) => (Deed::Create(call.body.resource_of(kind)?), *kind, created(call)?),
        Interaction::Update(key) => {
            (Deed::Update(call.body.resource_of(&key.kind)?), known(key)?, Target::Key(key.clone()))
        }
        Interaction::ConditionalUpdate(kind) => (Deed::Update(call.body.resource_of(kind)?), *kind, by_criteria(call)?),
        Interaction::Patch(key) => (Deed::Patch(call.body.patch()?), known(key)?, Target::Key(key.clone())),
        Interaction::ConditionalPatch(kind) => (Deed::Patch(call.body.patch()?), *kind, by_criteria(call)?),
        Interaction::Delete(key) => (Deed::Delete, known(key)?, Target::Key(key.clone())),
        Interaction::ConditionalDelete(kind) => (Deed::Delete, *kind, by_criteria(call)?),
        _ => return Err(Fault::new(Cause::Internal, "an interaction that does not write was taken for one that does")),
    };
    Ok(Wish { deed, kind, target, conditions: call.conditions.clone(), place: None, aliases: Vec::new() })
}

/// `If-None-Exist` makes a create conditional (R4 3.1.0.8.1).
fn created(call: &Call<'_>) -> Result<Target, Fault> {
    match call.conditions.if_none_exist.as_deref() {
        // Criteria behind the `?` of a create mean the same; to leave them out would make doubles without a word.
        None if call.pairs.iter().any(|(name, _)| !FORM.contains(&name.as_str())) => by_criteria(call),
        None => Ok(Target::New),
        Some(text) => criteria(query::decode(text.split_once('?').map_or(text, |(_, query)| query))?),
    }
}

fn by_criteria(call: &Call<'_>) -> Result<Target, Fault> {
    criteria(call.pairs.clone())
}

/// Parameters that say the form of the answer.
const FORM: [&str; 4] = ["_format", "_pretty", "_summary", "_elements"];

/// What says the form of the answer is no criterion; nothing that is one would mean any resource of the type.
fn criteria(pairs: Pairs) -> Result<Target, Fault> {
    let pairs: Pairs = pairs.into_iter().filter(|(name, _)| !FORM.contains(&name.as_str())).collect();
    if pairs.is_empty() {
        return Err(Fault::new(
            Cause::Precondition,
            "without an id, the criteria of a search say which resource is meant: Type?identifier=system|value",
        ));
    }
    Ok(Target::Criteria(pairs))
}
