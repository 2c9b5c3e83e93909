//! `Patient/x/$everything`: the patient, what is about the patient, and what that refers to (FHIR R4
//! patient-operation-everything). In pages, for a long life fills many.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use smol_str::SmolStr;

use super::parameters::Input;
use super::{Answered, Handler};
use crate::access::Interaction as Deed;
use crate::base::limits;
use crate::fhir::{Resource, definitions, references};
use crate::record::{Counting, Criterion, KindQuery, ResourceKey, ResourceVersion, SearchQuery};
use crate::rest::answer::{Answer, Content};
use crate::rest::page::links::{CURSOR, cursor, links};
use crate::rest::page::{Bundle, Mode};
use crate::rest::server::Call;
use crate::rest::{Fault, Level, Server, form};
use crate::search::{self, compartment};

pub struct Everything;

impl Handler for Everything {
    fn answer<'a>(&'a self, server: &'a Server, level: &'a Level, call: &'a Call<'a>) -> Answered<'a> {
        Box::pin(async move {
            let Level::Instance(patient) = level else { return Err(Fault::not_found()) };
            server.reaches(call.caller, patient, Deed::Read).await?;
            super::meta::live(server, patient).await?;
            let query = query(server, patient, &Input::of(call)?, call)?;
            let page = server.store.search(&query).await?;
            let around = around(server, &page.matches, call).await?;
            let next = page.more.then(|| page.matches.last().map(|version| version.number)).flatten();
            let links = links(&server.setup.base_url, call.path, &call.pairs, next);
            let total = page.total.filter(|_| around.is_empty());
            let mut bundle = Bundle::new("searchset", &server.new_id(), call.now, total, &links);
            for (versions, mode) in [(&page.matches, Mode::Match), (&around, Mode::Include)] {
                for version in versions {
                    let content = form::part(&version.content, call.terms)?;
                    bundle.found(&server.setup.base_url, &version.key, &content, mode);
                }
            }
            Ok(Answer::of(200, Content::Made(bundle.finish().into())))
        })
    }
}

/// The patient first, then the members of the compartment, type by type.
fn query(server: &Server, patient: &ResourceKey, input: &Input, call: &Call<'_>) -> Result<SearchQuery, Fault> {
    let wanted: BTreeSet<String> =
        input.texts("_type").iter().flat_map(|list| list.split(',')).map(str::to_owned).collect();
    let is_wanted = |kind: &str| wanted.is_empty() || wanted.contains(kind);
    let mut kinds = Vec::new();
    if is_wanted("Patient") {
        kinds.push(part("Patient", Criterion::Id(vec![patient.id.clone()])));
    }
    for kind in definitions::resources().filter(|kind| *kind != "Patient" && is_wanted(kind)) {
        let Some(members) = compartment::criterion("Patient", &patient.id, kind) else { continue };
        // A type that the caller may not search is left out, as in a search over several types.
        let Ok(criterion) = server.confined(call.caller, kind, members) else { continue };
        kinds.push(part(kind, narrowed(server, kind, criterion, input)?));
    }
    let after =
        call.parameter(CURSOR).map(|text| cursor(text).ok_or_else(|| Fault::invalid("the page link was changed")));
    let count = input.text("_count").and_then(|count| count.parse().ok()).filter(|count| *count > 0);
    let limit = count.unwrap_or(server.setup.policy.page_size_max).min(server.setup.policy.page_size_max);
    Ok(SearchQuery { kinds, after: after.transpose()?, limit, count: Counting::WhenKnown })
}

fn part(kind: &str, criterion: Criterion) -> KindQuery {
    KindQuery { kind: kind.into(), criterion, order: Vec::new() }
}

/// `start` and `end` look at the clinical date of a type that has one, `_since` at the time of the last change.
fn narrowed(server: &Server, kind: &str, criterion: Criterion, input: &Input) -> Result<Criterion, Fault> {
    let mut pairs = Vec::new();
    for (parameter, name, prefix) in [("start", "date", "ge"), ("end", "date", "le"), ("_since", "_lastUpdated", "ge")]
    {
        let is_known = name.starts_with('_') || search::parameter(kind, name).is_some();
        if let Some(value) = input.text(parameter).filter(|_| is_known) {
            pairs.push((name.to_owned(), format!("{prefix}{value}")));
        }
    }
    if pairs.is_empty() {
        return Ok(criterion);
    }
    Ok(Criterion::All(vec![criterion, server.criterion(kind, &pairs)?]))
}

/// What the page refers to and does not hold, as far as the caller may see it.
async fn around(server: &Server, page: &[ResourceVersion], call: &Call<'_>) -> Result<Vec<ResourceVersion>, Fault> {
    let held: HashSet<&ResourceKey> = page.iter().map(|version| &version.key).collect();
    let mut wanted: BTreeMap<SmolStr, BTreeSet<SmolStr>> = BTreeMap::new();
    for version in page {
        let Ok(resource) = Resource::parse(&version.content) else { continue };
        references::each(&resource, &mut |reference| {
            let key = ResourceKey::from_reference(reference).filter(|key| !held.contains(key) && key.kind != "Patient");
            if let Some(key) = key {
                wanted.entry(key.kind).or_default().insert(key.id);
            }
        });
    }
    let mut kinds = Vec::new();
    for (kind, ids) in wanted {
        if let Ok(criterion) = server.confined(call.caller, &kind, Criterion::Id(ids.into_iter().collect())) {
            kinds.push(part(&kind, criterion));
        }
    }
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let query = SearchQuery {
        kinds,
        after: None,
        limit: u32::try_from(limits::INCLUDED_MAX).unwrap_or(u32::MAX),
        count: Counting::WhenKnown,
    };
    Ok(server.store.search(&query).await?.matches)
}
