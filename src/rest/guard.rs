//! What the caller may reach: asked before every look and every change, wherever the interaction stands.
//!
//! Scopes say which types and deeds are open (403 when not); scope restrictions and the compartment of the caller's
//! organisation say which resources. What a caller may not see is not there for it (404).

use super::query::{self, Pairs};
use super::{Cause, Fault, Server};
use crate::access::{Caller, Interaction as Deed, Permission};
use crate::record::{Counting, Criterion, KindQuery, ResourceKey, SearchQuery};
use crate::search;

impl Server {
    /// What resources of a type must be for the caller to reach them; nothing: all are open. 403 when none is.
    pub(super) fn bounds(&self, caller: &Caller, kind: &str, deed: Deed) -> Result<Option<Criterion>, Fault> {
        Ok(match (self.restrictions(caller, kind, deed)?, caller.visible(kind)) {
            (Some(restrictions), Some(visible)) => Some(Criterion::All(vec![restrictions, visible])),
            (restrictions, visible) => restrictions.or(visible),
        })
    }

    /// What the scopes alone ask of the resources of a type.
    pub(super) fn restrictions(&self, caller: &Caller, kind: &str, deed: Deed) -> Result<Option<Criterion>, Fault> {
        match caller.permits(kind, deed) {
            Permission::None => Err(forbidden()),
            Permission::All => Ok(None),
            Permission::Within(searches) => {
                let criteria = searches.iter().map(|search| self.restriction(kind, search));
                Ok(Some(Criterion::Any(criteria.collect::<Result<_, _>>()?)))
            }
        }
    }

    /// A restriction of a scope was checked when the client was registered.
    fn restriction(&self, kind: &str, search: &str) -> Result<Criterion, Fault> {
        self.criterion(kind, &query::decode(search)?)
            .map_err(|_| Fault::new(Cause::Forbidden, "the restriction of a scope cannot be read: tell the operator"))
    }

    /// Criteria as they are in conditional interactions: all of them count, and none is left out.
    pub(super) fn criterion(&self, kind: &str, pairs: &Pairs) -> Result<Criterion, Fault> {
        let context = search::Context {
            base_url: &self.setup.base_url,
            now: self.clock.now(),
            handling: search::Handling::Strict,
        };
        let query =
            search::parse(&[kind], pairs, &context).map_err(|issues| Fault::of_issues(Cause::Invalid, issues))?;
        let criterion = query.kinds.into_iter().next().map(|query| query.criterion);
        criterion.ok_or_else(|| Fault::invalid("the criteria name no type that can be searched"))
    }

    /// A search as the caller may make it: within its bounds, and over chains through what it may search.
    pub(super) fn confined(&self, caller: &Caller, kind: &str, criterion: Criterion) -> Result<Criterion, Fault> {
        let restrictions = self.restrictions(caller, kind, Deed::Search)?;
        let criterion = caller.confine(kind, criterion);
        Ok(match restrictions {
            Some(restrictions) => Criterion::All(vec![restrictions, criterion]),
            None => criterion,
        })
    }

    /// 403 when the deed is not open, 404 when this resource is out of reach.
    pub(super) async fn reaches(&self, caller: &Caller, key: &ResourceKey, deed: Deed) -> Result<(), Fault> {
        let Some(bounds) = self.bounds(caller, &key.kind, deed)? else { return Ok(()) };
        let within = Criterion::All(vec![Criterion::Id(vec![key.id.clone()]), bounds]);
        if self.any(&key.kind, within).await? { Ok(()) } else { Err(Fault::not_found()) }
    }

    /// Whether any resource of the type meets the criterion.
    pub(super) async fn any(&self, kind: &str, criterion: Criterion) -> Result<bool, Fault> {
        let kinds = vec![KindQuery { kind: kind.into(), criterion, order: Vec::new() }];
        let query = SearchQuery { kinds, after: None, limit: 1, count: Counting::WhenKnown };
        Ok(!self.store.search(&query).await?.matches.is_empty())
    }
}

/// No scope opens it.
pub fn forbidden() -> Fault {
    Fault::new(Cause::Forbidden, "the scopes of this client do not open this: ask for a token with wider ones")
}
