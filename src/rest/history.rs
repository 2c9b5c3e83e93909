//! Histories of a resource, a type and the system (R4 http 3.1.0.10), newest first.

use super::answer::{Answer, Content};
use super::page::links::{CURSOR, cursor, links};
use super::page::{Bundle, EntryResponse, Past};
use super::period::Period;
use super::server::Call;
use super::{Fault, Server, form};
use crate::access::Interaction as Deed;
use crate::record::{HistoryPage, HistoryQuery, HistoryScope, ResourceVersion};

impl Server {
    pub(super) async fn history(&self, scope: HistoryScope, call: &Call<'_>) -> Result<Answer, Fault> {
        let is_confined = self.may_follow(&scope, call).await?;
        let at = call.parameter("_at").map(Period::of).transpose()?;
        let since = call.parameter("_since").map(Period::of).transpose()?;
        let query = HistoryQuery {
            scope,
            since: since.map(|period| period.from),
            until: at.map(|period| period.to),
            before: call.parameter(CURSOR).map(|text| cursor(text).ok_or_else(bad_cursor)).transpose()?,
            limit: self.page_size(call)?,
        };
        let mut page = self.store.history_page(&query).await?;
        if page.versions.is_empty() && query.before.is_none() && matches!(query.scope, HistoryScope::Resource(_)) {
            self.exists(&query.scope).await?;
        }
        let next = page.more.then(|| page.versions.last().map(|version| version.number)).flatten();
        if let Some(at) = at {
            page.total = None;
            self.keep_current_in(at, &mut page).await?;
        }
        if is_confined {
            page.total = None;
            self.keep_visible(&mut page, call).await?;
        }
        let links = links(&self.setup.base_url, call.path, &call.pairs, next);
        let mut bundle = Bundle::new("history", &self.new_id(), call.now, page.total, &links);
        for version in &page.versions {
            let content = (!version.deleted).then(|| form::part(&version.content, call.terms)).transpose()?;
            bundle.past(&self.setup.base_url, &version.key, content.as_deref(), &past(version));
        }
        Ok(Answer::of(200, Content::Made(bundle.finish().into())))
    }

    /// Whether the caller sees only some of it; a fault when it sees nothing.
    async fn may_follow(&self, scope: &HistoryScope, call: &Call<'_>) -> Result<bool, Fault> {
        match scope {
            HistoryScope::Resource(key) => {
                self.reaches(call.caller, key, Deed::Read).await?;
                Ok(false)
            }
            HistoryScope::Kind(kind) => Ok(self.bounds(call.caller, kind, Deed::Search)?.is_some()),
            HistoryScope::System => {
                let is_open = call.caller.scopes().permit_every_kind(Deed::Search);
                Ok(!is_open || call.caller.organization().is_some())
            }
        }
    }

    async fn exists(&self, scope: &HistoryScope) -> Result<(), Fault> {
        let HistoryScope::Resource(key) = scope else { return Ok(()) };
        self.store.read(key, None).await?.map(|_| ()).ok_or_else(Fault::not_found)
    }

    /// Leaves out what was no longer current when the period began.
    async fn keep_current_in(&self, period: Period, page: &mut HistoryPage) -> Result<(), Fault> {
        let mut kept = Vec::with_capacity(page.versions.len());
        for version in std::mem::take(&mut page.versions) {
            let next = if version.updated_at < period.from {
                self.store.read(&version.key, Some(version.version + 1)).await?
            } else {
                None
            };
            if next.is_none_or(|next| next.updated_at > period.from) {
                kept.push(version);
            }
        }
        page.versions = kept;
        Ok(())
    }

    /// Leaves out what the caller may not see now.
    async fn keep_visible(&self, page: &mut HistoryPage, call: &Call<'_>) -> Result<(), Fault> {
        let keys: Vec<_> = page.versions.iter().map(|version| version.key.clone()).collect();
        let visible = self.visible_among(&keys, call.caller).await?;
        page.versions.retain(|version| visible.contains(&version.key));
        Ok(())
    }
}

fn past(version: &ResourceVersion) -> Past<'static> {
    let (method, url, status) = match (version.deleted, version.version) {
        (true, _) => ("DELETE", version.key.to_string(), 204),
        (false, 1) => ("POST", version.key.kind.to_string(), 201),
        (false, _) => ("PUT", version.key.to_string(), 200),
    };
    let response = EntryResponse {
        status,
        version: Some((version.version, version.updated_at)),
        location: Some(format!("{}/_history/{}", version.key, version.version)),
        outcome: None,
    };
    Past { method, url, response }
}

impl Server {
    /// `_count`, within what a page may have.
    fn page_size(&self, call: &Call<'_>) -> Result<u32, Fault> {
        let Some(text) = call.parameter("_count") else { return Ok(self.setup.policy.page_size) };
        let asked: u32 = text.parse().map_err(|_| Fault::invalid("_count is a number"))?;
        Ok(asked.clamp(1, self.setup.policy.page_size_max))
    }
}

pub fn bad_cursor() -> Fault {
    Fault::invalid("_cursor comes from the `next` link of a page: follow it as it is")
}
