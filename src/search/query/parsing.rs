//! The pairs of a search, one after the other: what is asked of the resources, and what of the answer.

use smol_str::SmolStr;

use super::criterion::criterion;
use super::fault::Fault;
use super::value::{split, unescape};
use super::{Context, Handling, Include, Query, Summary, Total};
use crate::base::limits::{SEARCH_INCLUDES_MAX, SEARCH_ORDERS_MAX, SEARCH_PARAMETERS_MAX};
use crate::base::{Issue, Severity};
use crate::fhir::definitions;
use crate::record::{Criterion, KindQuery, Order, Space, VersionNumber};
use crate::search::parameters::{ParameterType, parameter};

/// A search that is being read.
pub(super) struct Parsing<'a> {
    context: &'a Context<'a>,
    /// The types that are searched, each with what was asked of it so far.
    kinds: Vec<(&'static str, Vec<Criterion>)>,
    query: Query,
    errors: Vec<Issue>,
}

impl<'a> Parsing<'a> {
    pub(super) fn new(kinds: &[&str], context: &'a Context<'a>) -> Self {
        let kinds = kinds.iter().filter_map(|kind| definitions::resource(kind)).map(|kind| (kind, Vec::new()));
        Self { context, kinds: kinds.collect(), query: Query::default(), errors: Vec::new() }
    }

    pub(super) fn run(mut self, pairs: &[(String, String)]) -> Result<Query, Vec<Issue>> {
        if pairs.len() > SEARCH_PARAMETERS_MAX {
            let fault = Fault::TooMany("are more parameters than one search may have");
            return Err(vec![fault.issue(Severity::Error, "", "")]);
        }
        // Which types are searched says which parameters there are.
        let (types, others): (Vec<_>, Vec<_>) = pairs.iter().partition(|(name, _)| name == "_type");
        for (name, value) in types.into_iter().chain(others) {
            match self.take(name, value) {
                Ok(()) if name == "_cursor" => {}
                Ok(()) => self.query.applied.push((name.clone(), value.clone())),
                Err(fault) => self.refuse(fault, name),
            }
        }
        self.finish()
    }

    fn refuse(&mut self, fault: Fault, name: &str) {
        let kind = self.kinds.first().map_or("", |(kind, _)| kind);
        if fault.may_be_left_out() && self.context.handling == Handling::Lenient {
            self.query.warnings.push(fault.issue(Severity::Warning, kind, name));
        } else {
            self.errors.push(fault.issue(Severity::Error, kind, name));
        }
    }

    fn finish(mut self) -> Result<Query, Vec<Issue>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let orders = self.query.order.clone();
        let query = |(kind, mut all): (&'static str, Vec<Criterion>)| KindQuery {
            kind: kind.into(),
            criterion: if all.len() == 1 { all.remove(0) } else { Criterion::All(all) },
            order: orders
                .iter()
                .map(|(code, descending)| Order { space: Space::of(kind, code), descending: *descending })
                .collect(),
        };
        self.query.kinds = self.kinds.into_iter().map(query).collect();
        Ok(self.query)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        if value.is_empty() {
            return Err(Fault::Empty);
        }
        match name {
            "_type" => self.kinds(value)?,
            "_sort" => self.sort(value)?,
            "_count" => self.query.count = Some(number(value)?),
            "_cursor" => self.query.cursor = Some(VersionNumber(number(value)?)),
            "_total" => self.query.total = Some(total(value)?),
            "_summary" => self.query.summary = Some(summary(value)?),
            "_elements" => self.query.elements.extend(value.split(',').map(SmolStr::from)),
            "_contained" if value != "false" => return Err(Fault::Contained),
            "_format" | "_pretty" | "_contained" => {}
            "_include" | "_include:iterate" | "_revinclude" | "_revinclude:iterate" => self.include(name, value)?,
            "_list" => self.list(value)?,
            _ => self.criterion(name, value)?,
        }
        Ok(())
    }

    /// `_type`: only these of the types that may be searched.
    fn kinds(&mut self, value: &str) -> Result<(), Fault> {
        let wanted: Vec<&str> = value.split(',').collect();
        if !wanted.iter().all(|kind| definitions::is_resource(kind)) {
            return Err(Fault::Malformed("expected resource types with commas between them"));
        }
        self.kinds.retain(|(kind, _)| wanted.contains(kind));
        Ok(())
    }

    fn sort(&mut self, value: &str) -> Result<(), Fault> {
        for key in value.split(',') {
            let (code, descending) = key.strip_prefix('-').map_or((key, false), |code| (code, true));
            let code = self.sortable(code)?;
            self.query.order.push((code, descending));
        }
        let many = self.query.order.len() > SEARCH_ORDERS_MAX;
        if many { Err(Fault::TooMany("has more orders than one search may have")) } else { Ok(()) }
    }

    /// The code of a parameter of all types whose keys have an order that means something.
    fn sortable(&self, code: &str) -> Result<&'static str, Fault> {
        let mut found = Err(Fault::Order);
        for (kind, _) in &self.kinds {
            let parameter = parameter(kind, code).ok_or(Fault::Order)?;
            let ordered = !matches!(parameter.kind, ParameterType::Composite | ParameterType::Special);
            if !ordered || parameter.expression.is_empty() || code == "_id" {
                return Err(Fault::Order);
            }
            found = Ok(parameter.code);
        }
        found
    }

    fn include(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let include = Include::parse(value, name.starts_with("_rev"), name.ends_with(":iterate"))?;
        self.query.includes.push(include);
        let many = self.query.includes.len() > SEARCH_INCLUDES_MAX;
        if many { Err(Fault::TooMany("is one inclusion more than one search may have")) } else { Ok(()) }
    }

    /// `_list`: what the items of a List are about.
    fn list(&mut self, value: &str) -> Result<(), Fault> {
        if value.starts_with('$') {
            return Err(Fault::Unsupported("names a list that is not kept as a List resource, which is not supported"));
        }
        let ids: Vec<SmolStr> = split(value, ',').into_iter().map(|id| unescape(id).into()).collect();
        for (_, all) in &mut self.kinds {
            let criterion = Box::new(Criterion::Id(ids.clone()));
            all.push(Criterion::ReferredBy { space: Space::of("List", "item"), kind: "List".into(), criterion });
        }
        Ok(())
    }

    /// A parameter must be one of every type that is searched: what is left out for one of them would find all of it.
    fn criterion(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        let of = |(kind, _): &(&'static str, _)| criterion(kind, name, value, self.context, 1);
        let found: Vec<Criterion> = self.kinds.iter().map(of).collect::<Result<_, _>>()?;
        self.kinds.iter_mut().zip(found).for_each(|((_, all), one)| all.push(one));
        Ok(())
    }
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, Fault> {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| value.parse().ok()).flatten();
    number.ok_or(Fault::Malformed("expected a whole number that is not negative"))
}

fn total(value: &str) -> Result<Total, Fault> {
    match value {
        "none" => Ok(Total::None),
        "estimate" => Ok(Total::Estimate),
        "accurate" => Ok(Total::Accurate),
        _ => Err(Fault::Malformed("expected none, estimate or accurate")),
    }
}

fn summary(value: &str) -> Result<Summary, Fault> {
    match value {
        "true" => Ok(Summary::True),
        "text" => Ok(Summary::Text),
        "data" => Ok(Summary::Data),
        "count" => Ok(Summary::Count),
        "false" => Ok(Summary::False),
        _ => Err(Fault::Malformed("expected true, text, data, count or false")),
    }
}
