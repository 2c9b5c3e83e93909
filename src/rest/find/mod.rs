//! Searches: of a type, of the system, of a compartment (R4 search 3.1.1).
//!
//! Cast: `search` says what the parameters mean; the store finds; *inclusions* bring what is to come with the matches;
//! the page is written around the kept bytes.

mod include;

use include::Inclusions;

use super::answer::{Answer, Content};
use super::history::bad_cursor;
use super::page::links::{CURSOR, cursor, links};
use super::page::{Bundle, Mode};
use super::server::Call;
use super::{Cause, Fault, SearchScope, Server, form};
use crate::access::{Caller, Interaction as Deed, Permission};
use crate::fhir::subset::Summary;
use crate::fhir::{Resource, definitions};
use crate::profile;
use crate::record::{Counting, Criterion, KindQuery, ResourceKey, SearchPage, SearchQuery};
use crate::search::{self, Handling, Query, Total, compartment};

impl Server {
    pub(super) async fn search(&self, scope: SearchScope, call: &Call<'_>) -> Result<Answer, Fault> {
        let kinds = searched(&scope, call.caller)?;
        let query = self.parsed(&kinds, call)?;
        let store_query = self.store_query(&scope, &query, call)?;
        let page = self.store.search(&store_query).await?;
        let inclusions = if query.includes.is_empty() || page.matches.is_empty() {
            Inclusions::default()
        } else {
            self.inclusions(&query.includes, &page.matches, call).await?
        };
        let provenances = self.provenances(&query, &page.matches, call).await?;
        self.found(&query, &page, &inclusions, &provenances, call)
    }

    fn parsed(&self, kinds: &[&str], call: &Call<'_>) -> Result<Query, Fault> {
        let handling = if call.terms.prefer.is_strict { Handling::Strict } else { Handling::Lenient };
        let context = search::Context { base_url: &self.setup.base_url, now: call.now, handling };
        search::parse(kinds, &call.pairs, &context).map_err(|issues| Fault::of_issues(Cause::Invalid, issues))
    }

    /// What the store is asked: each type within the scope and within what the caller may see.
    fn store_query(&self, scope: &SearchScope, query: &Query, call: &Call<'_>) -> Result<SearchQuery, Fault> {
        let only_count = query.count == Some(0) || call.terms.summary == Some(Summary::Count);
        let mut kinds = Vec::with_capacity(query.kinds.len());
        for asked in &query.kinds {
            let mut criterion = self.confined(call.caller, &asked.kind, asked.criterion.clone())?;
            if let SearchScope::Compartment(owner, _) = scope {
                let Some(members) = compartment::criterion(&owner.kind, &owner.id, &asked.kind) else { continue };
                criterion = Criterion::All(vec![members, criterion]);
            }
            kinds.push(KindQuery { kind: asked.kind.clone(), criterion, order: asked.order.clone() });
        }
        let after = call.parameter(CURSOR).map(|text| cursor(text).ok_or_else(bad_cursor)).transpose()?;
        let limit = query.count.unwrap_or(self.setup.policy.page_size).min(self.setup.policy.page_size_max);
        let is_counted = only_count || matches!(query.total, Some(Total::Accurate | Total::Estimate));
        Ok(SearchQuery {
            kinds,
            after,
            limit: if only_count { 0 } else { limit },
            count: if is_counted { Counting::Exactly } else { Counting::WhenKnown },
        })
    }

    fn found(
        &self,
        query: &Query,
        page: &SearchPage,
        inclusions: &Inclusions,
        provenances: &[(Resource, Mode)],
        call: &Call<'_>,
    ) -> Result<Answer, Fault> {
        let base = &self.setup.base_url;
        let next = page.more.then(|| page.matches.last().map(|version| version.number)).flatten();
        let path = call.path.trim_end_matches('/').trim_end_matches("_search").trim_end_matches('/');
        let links = links(base, path, &applied(query, call), next);
        let computed = provenances.iter().filter(|(_, mode)| *mode == Mode::Match).count() as u64;
        let total = page.total.filter(|_| query.total != Some(Total::None)).map(|total| total + computed);
        let mut bundle = Bundle::new("searchset", &self.new_id(), call.now, total, &links);
        for version in &page.matches {
            let content = form::part(&version.content, call.terms)?;
            bundle.found(base, &version.key, &content, Mode::Match);
        }
        for version in &inclusions.versions {
            let content = form::part(&version.content, call.terms)?;
            bundle.found(base, &version.key, &content, Mode::Include);
        }
        for (provenance, mode) in provenances {
            let key = ResourceKey::new(provenance.kind(), provenance.id().unwrap_or_default());
            bundle.found(base, &key, &form::part(&provenance.to_json().into(), call.terms)?, *mode);
        }
        let remarks: Vec<_> = query.warnings.iter().cloned().chain(inclusions.remark()).collect();
        if !remarks.is_empty() {
            bundle.remark(&profile::operation_outcome(&remarks));
        }
        Ok(Answer::of(200, Content::Made(bundle.finish().into())))
    }

    /// Which of these the caller may see now.
    pub(super) async fn visible_among(
        &self,
        keys: &[ResourceKey],
        caller: &Caller,
    ) -> Result<std::collections::HashSet<ResourceKey>, Fault> {
        let mut by_kind: std::collections::BTreeMap<_, Vec<_>> = std::collections::BTreeMap::new();
        for key in keys {
            by_kind.entry(key.kind.clone()).or_default().push(key.id.clone());
        }
        let mut kinds = Vec::new();
        for (kind, ids) in by_kind {
            let Ok(bounds) = self.bounds(caller, &kind, Deed::Search) else { continue };
            let criteria = [Some(Criterion::Id(ids)), bounds].into_iter().flatten().collect();
            kinds.push(KindQuery { kind, criterion: Criterion::All(criteria), order: Vec::new() });
        }
        if kinds.is_empty() {
            return Ok(std::collections::HashSet::new());
        }
        let limit = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let page = self.store.search(&SearchQuery { kinds, after: None, limit, count: Counting::WhenKnown }).await?;
        Ok(page.matches.into_iter().map(|version| version.key).collect())
    }

    /// A fresh logical id: in the order of time, so that what is written together lies together.
    pub(super) fn new_id(&self) -> String {
        self.random.uuid(self.clock.now()).to_string()
    }
}

/// The types that are searched. Over several types, those that the caller may not search are left out.
fn searched(scope: &SearchScope, caller: &Caller) -> Result<Vec<&'static str>, Fault> {
    let is_open = |kind: &&str| caller.permits(kind, Deed::Search) != Permission::None;
    let kinds: Vec<&'static str> = match scope {
        SearchScope::Kind(kind) => return Ok(vec![kind]),
        SearchScope::System => definitions::resources().filter(is_open).collect(),
        SearchScope::Compartment(owner, member) => {
            if !compartment::kinds().any(|kind| kind == owner.kind) {
                return Err(Fault::new(Cause::NotFound, "this resource type has no compartment"));
            }
            let belongs = |kind: &&str| compartment::criterion(&owner.kind, &owner.id, kind).is_some();
            match member {
                Some(member) if !belongs(member) => {
                    return Err(Fault::new(Cause::NotFound, "resources of this type are in no such compartment"));
                }
                Some(member) => return Ok(vec![member]),
                None => definitions::resources().filter(belongs).filter(is_open).collect(),
            }
        }
    };
    if kinds.is_empty() { Err(super::guard::forbidden()) } else { Ok(kinds) }
}

/// The pairs for the links: those that counted, and those that say the form.
fn applied(query: &Query, call: &Call<'_>) -> Vec<(String, String)> {
    const FORM: [&str; 5] = ["_format", "_pretty", "_summary", "_elements", CURSOR];
    let mut applied = query.applied.clone();
    for (name, value) in call.pairs.iter().filter(|(name, _)| FORM.contains(&name.as_str())) {
        if !applied.iter().any(|(known, _)| known == name) {
            applied.push((name.clone(), value.clone()));
        }
    }
    applied
}
