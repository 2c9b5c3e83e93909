//! What comes with the matches of a search: `_include` and `_revinclude`, once or again and again (R4 search 3.1.1.5.4).
//!
//! Each round asks the store once, within what the caller may see. Rounds and resources have limits; a page that would
//! have had more says so.

use std::collections::{BTreeMap, HashSet};

use smol_str::SmolStr;

use crate::access::Interaction as Deed;
use crate::base::{Issue, IssueCode, limits};
use crate::record::{Counting, Criterion, KindQuery, ResourceKey, ResourceVersion, SearchQuery};
use crate::rest::server::Call;
use crate::rest::{Fault, Server, form};
use crate::search::Include;

/// What was included.
#[derive(Default)]
pub struct Inclusions {
    pub versions: Vec<ResourceVersion>,
    /// A limit was met: there would have been more.
    is_cut: bool,
}

impl Inclusions {
    /// What is said when not all of it is there.
    pub fn remark(&self) -> Option<Issue> {
        let text = "more resources would have been included than a page may have: ask for fewer matches (_count)";
        self.is_cut.then(|| Issue::warning(IssueCode::ValueTooLong, text))
    }
}

/// What a round is to fetch, by type: resources by their ids, and those that refer.
#[derive(Default)]
struct Wanted {
    ids: BTreeMap<SmolStr, Vec<SmolStr>>,
    referring: BTreeMap<SmolStr, Vec<Criterion>>,
}

impl Server {
    pub(super) async fn inclusions(
        &self,
        includes: &[Include],
        matches: &[ResourceVersion],
        call: &Call<'_>,
    ) -> Result<Inclusions, Fault> {
        let mut known: HashSet<ResourceKey> = matches.iter().map(|version| version.key.clone()).collect();
        let mut inclusions = Inclusions::default();
        let mut wanted = wanted(includes.iter(), matches, &known)?;
        for _ in 0..limits::INCLUDE_ROUNDS_MAX {
            let found = self.fetch(wanted, &mut inclusions, call).await?;
            let fresh: Vec<ResourceVersion> =
                found.into_iter().filter(|version| known.insert(version.key.clone())).collect();
            if fresh.is_empty() {
                return Ok(inclusions);
            }
            wanted = self::wanted(includes.iter().filter(|include| include.iterate), &fresh, &known)?;
            inclusions.versions.extend(fresh);
        }
        inclusions.is_cut |= !wanted.is_empty();
        Ok(inclusions)
    }

    async fn fetch(
        &self,
        wanted: Wanted,
        inclusions: &mut Inclusions,
        call: &Call<'_>,
    ) -> Result<Vec<ResourceVersion>, Fault> {
        let kinds = self.within_bounds(wanted, call);
        let room = limits::INCLUDED_MAX.saturating_sub(inclusions.versions.len());
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        if kinds.is_empty() || limit == 0 {
            inclusions.is_cut |= !kinds.is_empty();
            return Ok(Vec::new());
        }
        let query = SearchQuery { kinds, after: None, limit, count: Counting::WhenKnown };
        let page = self.store.search(&query).await?;
        inclusions.is_cut |= page.more;
        Ok(page.matches)
    }

    /// Types that the caller may not search bring nothing.
    fn within_bounds(&self, wanted: Wanted, call: &Call<'_>) -> Vec<KindQuery> {
        let mut criteria: BTreeMap<SmolStr, Vec<Criterion>> = wanted.referring;
        for (kind, ids) in wanted.ids {
            criteria.entry(kind).or_default().push(Criterion::Id(ids));
        }
        let queries = criteria.into_iter().filter_map(|(kind, any)| {
            let bounds = self.bounds(call.caller, &kind, Deed::Search).ok()?;
            let all = [Some(Criterion::Any(any)), bounds].into_iter().flatten().collect();
            Some(KindQuery { kind, criterion: Criterion::All(all), order: Vec::new() })
        });
        queries.collect()
    }
}

impl Wanted {
    fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.referring.is_empty()
    }
}

fn wanted<'i>(
    includes: impl Iterator<Item = &'i Include>,
    from: &[ResourceVersion],
    known: &HashSet<ResourceKey>,
) -> Result<Wanted, Fault> {
    let (reverse, forward): (Vec<&Include>, Vec<&Include>) = includes.partition(|include| include.reverse);
    let mut wanted = Wanted::default();
    if !forward.is_empty() {
        let mut asked = HashSet::new();
        for version in from {
            let resource = form::parsed(&version.content)?;
            for key in forward.iter().flat_map(|include| include.references(&resource)) {
                if !known.contains(&key) && asked.insert(key.clone()) {
                    wanted.ids.entry(key.kind).or_default().push(key.id);
                }
            }
        }
    }
    if !reverse.is_empty() {
        let targets: Vec<ResourceKey> = from.iter().map(|version| version.key.clone()).collect();
        for KindQuery { kind, criterion, .. } in reverse.iter().filter_map(|include| include.referrers(&targets)) {
            wanted.referring.entry(kind).or_default().push(criterion);
        }
    }
    Ok(wanted)
}
