//! `Patient/$merge`: two records of one patient become one; the other leads to it for ever (FHIR R5
//! patient-operation-merge, on R4; HL7 v2 ADT^A40 does the same through its door).

use super::parameters::{Input, Output};
use super::{Answered, Handler, writing};
use crate::access::Interaction as Deed;
use crate::engine::merging;
use crate::engine::request::{Change, Standing};
use crate::fhir::{Node, Resource};
use crate::profile;
use crate::record::{Counting, KindQuery, Redirect, ResourceKey, ResourceVersion, SearchQuery};
use crate::rest::answer::Answer;
use crate::rest::server::Call;
use crate::rest::{Cause, Fault, Level, Server};

pub struct Merge;

impl Handler for Merge {
    fn answer<'a>(&'a self, server: &'a Server, _level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let input = Input::of(call)?;
            let source = side(server, "source-patient", &input, call).await?;
            let target = side(server, "target-patient", &input, call).await?;
            if source.key == target.key {
                return Err(Fault::new(Cause::Unprocessable, "source and target are the same patient"));
            }
            let wanted = input.named("result-patient").find_map(|one| one.get("resource")?.as_object().cloned());
            let wanted = wanted.and_then(|object| Resource::from_object(object).ok());
            let (old, new) = (parse(&source)?, parse(&target)?);
            let result = merging::survivor(&new, &old, wanted.as_ref());
            if input.flag("preview") {
                return Ok(answer(result));
            }
            let changes = vec![
                Change::Put { resource: merging::retired(&old, &target.key.id), over: Some(Standing::of(&source)) },
                Change::Put { resource: result.clone(), over: Some(Standing::of(&target)) },
            ];
            let redirects = vec![Redirect { from: source.key, to: target.key }];
            let written = writing::submit(server, "POST Patient/$merge", changes, redirects, call).await?;
            let survivor =
                written.last().filter(|one| !one.unchanged).and_then(|one| Resource::parse(&one.content).ok());
            Ok(answer(survivor.unwrap_or(result)))
        })
    }
}

/// One side, by reference or by identifiers that name exactly one patient.
async fn side(server: &Server, name: &str, input: &Input, call: &Call<'_>) -> Result<ResourceVersion, Fault> {
    let missing = || Fault::invalid("source and target are named by a reference to a Patient, or by identifiers");
    let key = match input.object(name).and_then(|reference| reference.get("reference")?.as_str()) {
        Some(reference) => {
            let local = reference.strip_prefix(&format!("{}/", server.setup.base_url)).unwrap_or(reference);
            ResourceKey::from_reference(local).filter(|key| key.kind == "Patient").ok_or_else(missing)?
        }
        None => by_identifier(server, &format!("{name}-identifier"), input, call).await?,
    };
    server.reaches(call.caller, &key, Deed::Update).await?;
    super::meta::live(server, &key).await
}

async fn by_identifier(server: &Server, name: &str, input: &Input, call: &Call<'_>) -> Result<ResourceKey, Fault> {
    let part = |one: &Node, part: &str| one.get("valueIdentifier")?.get(part)?.as_str().map(str::to_owned);
    let pairs: Vec<(String, String)> = input
        .named(name)
        .filter_map(|one| Some(format!("{}|{}", part(one, "system")?, part(one, "value")?)))
        .map(|token| ("identifier".to_owned(), token))
        .collect();
    if pairs.is_empty() {
        return Err(Fault::invalid("source and target are named by a reference to a Patient, or by identifiers"));
    }
    let criterion = server.criterion("Patient", &pairs)?;
    let criterion = server.confined(call.caller, "Patient", criterion)?;
    let kinds = vec![KindQuery { kind: "Patient".into(), criterion, order: Vec::new() }];
    let query = SearchQuery { kinds, after: None, limit: 2, count: Counting::WhenKnown };
    let mut found = server.store.search(&query).await?.matches;
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(one.key),
        (None, _) => Err(Fault::new(Cause::Unprocessable, "the identifiers name no patient")),
        _ => {
            Err(Fault::new(Cause::MultipleMatches, "the identifiers name several patients: name one by its reference"))
        }
    }
}

fn parse(version: &ResourceVersion) -> Result<Resource, Fault> {
    Resource::parse(&version.content).map_err(|_| Fault::gone())
}

fn answer(survivor: Resource) -> Answer {
    let outcome = profile::operation_outcome(&[]);
    Answer::made(&Output::default().resource("outcome", outcome).resource("result", survivor).finish())
}
