//! One attempt at a request: from wishes to answers, or "others were faster".

use std::collections::HashMap;

use super::aim::Aim;
use super::outcome::{self, Said};
use super::references::{Renames, rename};
use super::step::{Step, judge};
use super::{Letter, Wish};
use crate::access::Interaction;
use crate::engine::request::{Change, Standing, Submission, Submitted};
use crate::record::{ResourceKey, ResourceVersion};
use crate::rest::answer::Answer;
use crate::rest::body::in_order;
use crate::rest::interaction::is_id;
use crate::rest::server::{Call, Integrity};
use crate::rest::{Cause, Fault, Server};

/// A step with the wish it comes from, for faults.
pub struct Placed {
    pub step: Step,
    pub place: Option<smol_str::SmolStr>,
}

impl Placed {
    pub fn fault(&self, fault: Fault) -> Fault {
        match &self.place {
            Some(place) => fault.at(place.clone()),
            None => fault,
        }
    }
}

impl Server {
    /// Nothing when others changed the same resources meanwhile.
    pub(super) async fn attempt(
        &self,
        wishes: Vec<Wish>,
        letter: &Letter,
        call: &Call<'_>,
    ) -> Result<Option<Vec<Answer>>, Fault> {
        let mut aims = self.aims(&wishes, call).await?;
        let standing = self.standing(aims.iter().filter(|aim| !aim.is_fresh).filter_map(|aim| aim.key.clone())).await?;
        self.may_touch(&wishes, &aims, &standing, call).await?;
        let renames = if letter.is_transaction { renames(&wishes, &aims)? } else { Renames::new() };
        let mut steps = self.steps(wishes, &aims, standing)?;
        for resource in steps.iter_mut().filter_map(|placed| resource_mut(&mut placed.step)) {
            rename(resource, &renames);
        }
        if letter.is_transaction {
            self.resolve_conditional(&mut steps, call).await?;
        }
        for (placed, resource) in steps.iter().filter_map(|placed| Some((placed, placed.step.resource()?))) {
            in_order(resource).map_err(|fault| placed.fault(fault))?;
        }
        self.may_write(&steps, call).await?;
        if self.setup.policy.integrity == Integrity::Enforce {
            self.leads_somewhere(&steps).await?;
            self.is_not_needed(&steps).await?;
        }
        let guards = aims.iter_mut().filter_map(|aim| aim.guard.take()).collect();
        self.submit(steps, guards, letter, call).await
    }

    /// What is out of reach is not there, whatever is asked of it: before versions are compared or patches tried.
    async fn may_touch(
        &self,
        wishes: &[Wish],
        aims: &[Aim],
        standing: &HashMap<ResourceKey, ResourceVersion>,
        call: &Call<'_>,
    ) -> Result<(), Fault> {
        for (wish, aim) in wishes.iter().zip(aims) {
            let deed = match wish.deed {
                super::Deed::Create(_) => continue,
                super::Deed::Update(_) | super::Deed::Patch(_) => Interaction::Update,
                super::Deed::Delete => Interaction::Delete,
            };
            let Some(version) = aim.key.as_ref().and_then(|key| standing.get(key)) else { continue };
            // A deleted resource has no keys to judge it by, and its history is somebody's.
            if version.deleted && self.bounds(call.caller, &version.key.kind, deed)?.is_some() {
                return Err(Fault::not_found());
            }
            if !version.deleted {
                self.reaches(call.caller, &version.key, deed).await?;
            }
        }
        Ok(())
    }

    fn steps(
        &self,
        wishes: Vec<Wish>,
        aims: &[Aim],
        mut standing: HashMap<ResourceKey, ResourceVersion>,
    ) -> Result<Vec<Placed>, Fault> {
        let mut steps = Vec::with_capacity(wishes.len());
        for (wish, aim) in wishes.into_iter().zip(aims) {
            let place = wish.place.clone();
            let at_key = aim.key.as_ref().and_then(|key| standing.remove(key));
            let step = judge(wish, aim, at_key, self.setup.policy).and_then(with_id);
            let step = step.map_err(|fault| match &place {
                Some(place) => fault.at(place.clone()),
                None => fault,
            })?;
            steps.push(Placed { step, place });
        }
        Ok(steps)
    }

    async fn submit(
        &self,
        steps: Vec<Placed>,
        guards: Vec<crate::record::Guard>,
        letter: &Letter,
        call: &Call<'_>,
    ) -> Result<Option<Vec<Answer>>, Fault> {
        let place = if let [only] = steps.as_slice() { only.place.clone() } else { None };
        let (changes, said) = sorted(steps);
        if changes.is_empty() {
            return Ok(Some(outcome::answers(said, &[], call)));
        }
        let submission = Submission {
            client: call.caller.name().clone(),
            sender: call.caller.name().as_str().into(),
            label: letter.label.clone(),
            control_id: call.request_id.into(),
            body: letter.body.clone(),
            received_at: call.now,
            changes,
            redirects: Vec::new(),
            guards,
        };
        match self.requests.submit(submission).await? {
            Submitted::Done { written, .. } => Ok(Some(outcome::answers(said, &written, call))),
            Submitted::Conflict | Submitted::GuardFailed(_) => Ok(None),
            Submitted::Refused(issues) => Err(Fault { place, ..Fault::of_issues(Cause::Unprocessable, issues) }),
        }
    }
}

/// The changes in the order of a transaction, and for each wish what is to be said of it.
fn sorted(steps: Vec<Placed>) -> (Vec<Change>, Vec<Said>) {
    let mut order: Vec<(u8, usize)> = steps.iter().enumerate().map(|(at, placed)| (placed.step.rank(), at)).collect();
    order.sort_unstable();
    let mut steps: Vec<Option<Placed>> = steps.into_iter().map(Some).collect();
    let mut said: Vec<Option<Said>> = steps.iter().map(|_| None).collect();
    let mut changes = Vec::with_capacity(steps.len());
    for (_, at) in order {
        let Some(placed) = steps[at].take() else { continue };
        let (change, over) = match placed.step {
            Step::Put { resource, over, .. } => (Change::Put { resource, over: over.as_ref().map(Standing::of) }, over),
            Step::Delete { over } => (Change::Delete { key: over.key.clone(), over: Standing::of(&over) }, Some(over)),
            Step::Keep(version) => {
                said[at] = Some(Said::Kept(version));
                continue;
            }
            Step::Nothing => {
                said[at] = Some(Said::Nothing);
                continue;
            }
        };
        said[at] = Some(Said::Change { at: changes.len(), over });
        changes.push(change);
    }
    (changes, said.into_iter().flatten().collect())
}

/// A resource is written under an id of the right form only; entries of a Bundle come without a checked path.
fn with_id(step: Step) -> Result<Step, Fault> {
    match &step {
        Step::Put { key, .. } if !is_id(&key.id) => {
            Err(Fault::invalid("a logical id has 1 to 64 letters, digits, `-` and `.`"))
        }
        _ => Ok(step),
    }
}

const fn resource_mut(step: &mut Step) -> Option<&mut crate::fhir::Resource> {
    match step {
        Step::Put { resource, .. } => Some(resource),
        _ => None,
    }
}

/// What the entries are known by, with what they turned out to be.
fn renames(wishes: &[Wish], aims: &[Aim]) -> Result<Renames, Fault> {
    let mut renames = Renames::new();
    for (wish, key) in wishes.iter().zip(aims).filter_map(|(wish, aim)| Some((wish, aim.key.as_ref()?))) {
        let to = smol_str::format_smolstr!("{key}");
        for alias in wish.aliases.iter().filter(|alias| **alias != to) {
            let known = renames.insert(alias.clone(), to.clone());
            if known.is_some_and(|known| known != to) {
                let text = "two entries are known by the same fullUrl: a reference to it would be to either";
                return Err(Fault::invalid(text).at(wish.place.clone().unwrap_or_default()));
            }
        }
    }
    Ok(renames)
}
