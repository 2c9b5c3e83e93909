//! The reaction of a referral to an event: old state and event give the next state and what follows from it.
//!
//! Promises: the same event key changes nothing the second time; what a terminal state hears never moves it; an event
//! that does not apply is `NotApplicable` with a reason for a person, never silence (STANDARDS 1.8.4, 1.8.5).

use smol_str::SmolStr;

use super::appointments::{Appointments, Effect};
use super::cancellation::Cancellation;
use super::event::{Event, Happening, Reason, Request, Role, What};
use super::fulfilment::{Ending, Fulfilment, Phase};
use super::policy::Then;
use super::state::{Object, State};
use super::step::{Command, NotApplicable, Step};
use super::timers::{Context, TimerKind, rewind};
use super::{announce, decode, link};
use crate::base::Timestamp;
use crate::record::WorkItemKind;

/// Carries `event` into the referral, or opens one when there is none and the event is a request.
pub fn react(state: Option<State>, event: &Event, context: &Context) -> Result<Step, NotApplicable> {
    let Some(state) = state else { return open(event, context) };
    if state.memory.knows(&event.key) {
        return Ok(Step { next: state, events: Vec::new(), commands: Vec::new() });
    }
    let role = role_of(event, Some(&state));
    let happenings = happenings(&state, event, role, context).map_err(|reason| NotApplicable {
        state: state.fulfilment.as_str(),
        event: code_of(event),
        reason,
    })?;
    let mut draft = Draft::new(state, event, role, context);
    draft.learn_number();
    for happening in &happenings {
        draft.hear(happening)?;
    }
    Ok(draft.finish())
}

/// The part of the sender: what its feed says, else the placer when it is the one that sent the request, else the
/// filler. Before there is a referral, whoever speaks is taken for the placer.
pub fn role_of(event: &Event, state: Option<&State>) -> Role {
    event.role.unwrap_or_else(|| match state {
        Some(state) if state.placer != event.sender => Role::Filler,
        _ => Role::Placer,
    })
}

fn code_of(event: &Event) -> SmolStr {
    match &event.what {
        What::Happened(happening) => happening.code().into(),
        What::Status(report) => decode::pair_of(report).into(),
    }
}

/// Row 1.
fn open(event: &Event, context: &Context) -> Result<Step, NotApplicable> {
    let refuse = |reason| NotApplicable { state: "unknown", event: code_of(event), reason };
    let request = match &event.what {
        What::Happened(Happening::Requested(request)) => Some(request),
        What::Status(report) => match decode::meaning_of(role_of(event, None), report) {
            decode::Meaning::Request => report.request.as_ref(),
            decode::Meaning::Exception(reason) => return Err(refuse(reason)),
            _ => None,
        },
        What::Happened(_) => None,
    };
    let request = request.ok_or_else(|| refuse("there is no such referral, and this is no request for one"))?;
    let opened = State::opened(request.clone(), &event.sender, context.now);
    let happening = Happening::Requested(request.clone());
    let mut draft = Draft::new(opened, event, Role::Placer, context);
    draft.state.memory.advance(&Object::Order(Role::Placer), event.occurred_at);
    draft.note(&happening, "");
    draft.announce(&happening, Effect::None);
    draft.last = Some(happening);
    Ok(draft.finish())
}

/// Reads the event against the state: statuses by the matrix, registrations by the arrival rule, implied acceptance.
fn happenings(state: &State, event: &Event, role: Role, context: &Context) -> Result<Vec<Happening>, &'static str> {
    let happening = match &event.what {
        What::Status(report) => return decode::meaning_of(role, report).happenings(state, report),
        What::Happened(happening) => happening.clone(),
    };
    Ok(match happening {
        Happening::InterimReport(_) | Happening::FinalReport(_) if role == Role::Placer => {
            vec![Happening::InformationSupplied]
        }
        Happening::Closed if role == Role::Filler => return Err("only the referrer closes a referral"),
        Happening::Arrived(visit) if visit.maybe_registration && !link::is_arrival(state, &visit, event, context) => {
            vec![Happening::Noted("registered ahead of the visit")]
        }
        Happening::Booked(slot) if state.fulfilment == Fulfilment::Open(Phase::Received) => {
            vec![Happening::Accepted, Happening::Booked(slot)]
        }
        Happening::Moved(slot) if state.fulfilment == Fulfilment::Open(Phase::Received) => {
            vec![Happening::Accepted, Happening::Moved(slot)]
        }
        Happening::Withdrawn if !matches!(undecided(state), Some(true)) => vec![Happening::CancelRequested],
        other => vec![other],
    })
}

fn undecided(state: &State) -> Option<bool> {
    state.fulfilment.phase().map(|phase| matches!(phase, Phase::Received | Phase::AwaitingInformation))
}

/// A step being made.
struct Draft<'a> {
    state: State,
    event: &'a Event,
    role: Role,
    context: &'a Context<'a>,
    hook_before: Option<super::timers::Running>,
    events: Vec<(SmolStr, SmolStr)>,
    commands: Vec<Command>,
    /// The last event that moved something: what the clocks are set by.
    last: Option<Happening>,
}

impl<'a> Draft<'a> {
    fn new(state: State, event: &'a Event, role: Role, context: &'a Context<'a>) -> Self {
        let hook_before = state.clocks.hook;
        Self { state, event, role, context, hook_before, events: Vec::new(), commands: Vec::new(), last: None }
    }

    fn finish(mut self) -> Step {
        self.state.memory.remember(&self.event.key);
        if let Some(happening) = self.last.take() {
            let before = super::timers::Moment { hook: self.hook_before };
            let commands = rewind(&mut self.state, &happening, before, self.context);
            self.commands.extend(commands);
        }
        Step { next: self.state, events: self.events, commands: self.commands }
    }

    fn refuse(&self, happening: &Happening, reason: &'static str) -> NotApplicable {
        NotApplicable { state: self.state.fulfilment.as_str(), event: happening.code().into(), reason }
    }

    fn note(&mut self, happening: &Happening, note: &str) {
        self.events.push((happening.code().into(), note.into()));
    }

    fn open_task(&mut self, kind: WorkItemKind, text: &'static str) {
        self.commands.push(Command::OpenTask { kind, text: SmolStr::new_static(text) });
    }

    fn announce(&mut self, happening: &Happening, effect: Effect) {
        let announced = announce::announcement(&mut self.state, happening, effect, self.event.occurred_at);
        self.commands.extend(announced.map(Command::Announce));
    }

    /// The filler's number for the referral, when its status gives one.
    fn learn_number(&mut self) {
        if let (Role::Filler, What::Status(report)) = (self.role, &self.event.what) {
            let known = self.state.request.filler_number.take();
            self.state.request.filler_number = report.filler_number.clone().or(known);
        }
    }

    fn hear(&mut self, happening: &Happening) -> Result<(), NotApplicable> {
        if self.is_late(happening) {
            self.note(happening, "late: recorded, not applied");
            return Ok(());
        }
        self.advance_clock(happening);
        match happening {
            Happening::Noted(note) => self.note(happening, note),
            Happening::TimerRanOut { kind, due_at } => self.timer_ran_out(happening, *kind, *due_at),
            Happening::Requested(request) => return self.requested_again(happening, request),
            Happening::InterimReport(report) | Happening::FinalReport(report) if self.is_reported() => {
                self.addendum(happening, report.as_deref());
            }
            _ if self.state.fulfilment.is_terminal() => {
                return Err(self.refuse(happening, "the referral has ended: reopen it, or open a new one"));
            }
            Happening::TakenIn => self.note(happening, ""),
            Happening::CancelRequested if self.state.cancellation == Cancellation::Requested => {
                self.note(happening, "asked before");
            }
            _ => return self.carry(happening),
        }
        Ok(())
    }

    /// Rows 2 to 4.
    fn requested_again(&mut self, happening: &Happening, request: &Request) -> Result<(), NotApplicable> {
        if self.state.fulfilment.is_terminal() {
            return Err(
                self.refuse(happening, "the referral number is known and has ended: reopen it, or open a new one?")
            );
        }
        if self.role == Role::Filler {
            return Err(self.refuse(happening, "the referral number is known, and another sender uses it"));
        }
        if request.digest == self.state.request.digest {
            self.note(happening, "duplicate");
            return Ok(());
        }
        let known = &self.state.request;
        let filler_number = request.filler_number.clone().or_else(|| known.filler_number.clone());
        self.state.request =
            Request { referral: known.referral, task: known.task.clone(), filler_number, ..request.clone() };
        self.carry(&Happening::Updated)
    }

    /// Row 25.
    fn addendum(&mut self, happening: &Happening, report: Option<&str>) {
        self.note(happening, "addendum");
        if let Some(report) = report {
            self.keep_output(report);
            self.announce(happening, Effect::None);
        }
    }

    /// Moves the regions, tells of it; `NotApplicable` when no row fits.
    fn carry(&mut self, happening: &Happening) -> Result<(), NotApplicable> {
        let before = self.state.fulfilment;
        let (appointments, effect) = self.state.appointments.clone().after(happening);
        let next = before.after(happening, self.state.cancellation, appointments.has_booked());
        let cancellation = self.state.cancellation.after(happening).filter(|_| before.phase().is_some());
        if next.is_none() && cancellation.is_none() {
            return self.without_a_row(happening, effect);
        }
        let known = std::mem::replace(&mut self.state.appointments, appointments);
        self.state.cancellation = cancellation.unwrap_or(self.state.cancellation);
        self.move_to(next.unwrap_or(before), happening);
        self.write_back(&known, happening);
        self.flag(before, happening);
        self.note(happening, "");
        self.announce(happening, effect);
        self.last = Some(happening.clone());
        Ok(())
    }

    /// No row: an update is content only; older than the last move it is late; else it is for a person.
    fn without_a_row(&mut self, happening: &Happening, effect: Effect) -> Result<(), NotApplicable> {
        let note = match happening {
            Happening::Updated | Happening::InformationSupplied => "content",
            _ if self.state.fulfilment.is_confirmed_by(happening) => {
                self.note(happening, "known");
                return Ok(());
            }
            Happening::Changed(_) if effect == Effect::Touched => "nothing of weight changed",
            _ if self.state.memory.is_before_last_move(self.event.occurred_at) => "late: recorded, not applied",
            _ => return Err(self.refuse(happening, "no transition leads from here")),
        };
        self.state.appointments = std::mem::take(&mut self.state.appointments).after(happening).0;
        self.note(happening, note);
        Ok(())
    }

    fn move_to(&mut self, next: Fulfilment, happening: &Happening) {
        if next != self.state.fulfilment {
            self.state.breached = false;
            self.state.memory.note_move(self.event.occurred_at);
            self.state.changed_at = self.context.now;
        }
        self.state.fulfilment = next;
        self.state.begun |= next.phase().is_some_and(Phase::has_begun);
        self.state.no_shows += u32::from(matches!(happening, Happening::NoShow(_)));
        self.state.contact_attempts += u32::from(matches!(happening, Happening::OutreachBegun));
        if let Happening::InterimReport(Some(report)) | Happening::FinalReport(Some(report)) = happening {
            self.keep_output(report);
        }
        if let Some(reason) = happening.reason() {
            self.state.reason = Some(reason.clone());
        }
        if matches!(next, Fulfilment::Ended(ending) if ending != Ending::Closed) {
            self.state.appointments = std::mem::take(&mut self.state.appointments).called_off();
        }
    }

    /// Appointments that a visit or the end of the referral changed: their own source has not said so.
    fn write_back(&mut self, known: &Appointments, happening: &Happening) {
        if happening.slot().is_some() {
            return;
        }
        for after in self.state.appointments.iter() {
            if known.get(&after.id).is_some_and(|before| before.status != after.status) {
                self.commands.push(Command::SetAppointment { id: SmolStr::new(&after.id), status: after.status });
            }
        }
    }

    fn keep_output(&mut self, report: &str) {
        if !self.state.outputs.iter().any(|known| known == report) {
            self.state.outputs.push(report.to_owned());
        }
    }

    /// Rows that want a person though they apply.
    fn flag(&mut self, before: Fulfilment, happening: &Happening) {
        match happening {
            Happening::FinalReport(_)
                if matches!(before, Fulfilment::Open(Phase::NoShow | Phase::AppointmentCancelled)) =>
            {
                self.open_task(
                    WorkItemKind::NotApplicable,
                    "a report came though the visit did not take place: check it",
                );
            }
            Happening::Voided => {
                self.open_task(
                    WorkItemKind::NotApplicable,
                    "the referral was entered in error: check what was done for it",
                );
            }
            Happening::CancelRequested => {
                self.open_task(WorkItemKind::Overdue, "the referrer asks to cancel: confirm or refuse");
            }
            Happening::Held if self.role == Role::Placer => {
                self.open_task(WorkItemKind::Overdue, "the referrer asks to hold: it is on hold now");
            }
            _ => {}
        }
    }

    /// Rows 35 to 39.
    fn timer_ran_out(&mut self, happening: &Happening, kind: TimerKind, due_at: Timestamp) {
        let running = [self.state.clocks.hook, self.state.clocks.whole].into_iter().flatten();
        if !running.into_iter().any(|running| running.kind == kind && running.due_at == due_at) {
            return;
        }
        self.note(happening, kind.as_str());
        if self.consequence(kind).is_some_and(|consequence| self.carry(&consequence).is_ok()) {
            return;
        }
        self.state.breached = true;
        self.last = Some(happening.clone());
        self.open_task(WorkItemKind::Overdue, kind.overdue());
    }

    /// What the policy lets happen by itself. A referral is given back only at the second time of asking: the first
    /// one asks a person to tell the referrer.
    fn consequence(&self, kind: TimerKind) -> Option<Happening> {
        match (kind, self.context.policy.rule(kind).then) {
            (TimerKind::Decision, Then::Decline) => Some(Happening::Declined(Reason::coded("no-capacity"))),
            (TimerKind::Answer, Then::Decline) => Some(Happening::Declined(Reason::coded("insufficient-information"))),
            (TimerKind::Rebooking, Then::Fail) => {
                let tried = self.state.contact_attempts >= self.context.policy.contact_attempts;
                (tried && self.state.breached).then(|| Happening::Failed(Reason::coded("unable-to-reach")))
            }
            (TimerKind::Closing, Then::Close) => Some(Happening::Closed),
            (TimerKind::Loop, Then::Expire) => Some(Happening::Expired),
            _ => None,
        }
    }

    const fn is_reported(&self) -> bool {
        matches!(self.state.fulfilment, Fulfilment::Outcome | Fulfilment::Ended(Ending::Closed))
    }

    fn is_late(&self, happening: &Happening) -> bool {
        let at = self.event.occurred_at;
        match happening {
            Happening::TimerRanOut { .. } | Happening::Noted(_) => false,
            Happening::AppointmentCancelled(slot) | Happening::AppointmentDeleted(slot) => {
                self.state.memory.is_late(&Object::Booking(&slot.appointment), at)
            }
            _ => self.state.memory.is_late(&object_of(happening, self.role), at),
        }
    }

    fn advance_clock(&mut self, happening: &Happening) {
        if matches!(happening, Happening::TimerRanOut { .. } | Happening::Noted(_)) {
            return;
        }
        self.state.memory.advance(&object_of(happening, self.role), self.event.occurred_at);
        if let Happening::Booked(slot) | Happening::Moved(slot) = happening {
            self.state.memory.advance(&Object::Booking(&slot.appointment), self.event.occurred_at);
        }
    }
}

fn object_of(happening: &Happening, role: Role) -> Object<'_> {
    match (happening.slot(), happening.visit()) {
        (Some(slot), _) => Object::Appointment(&slot.appointment),
        (None, Some(visit)) => Object::Visit(&visit.object),
        (None, None) => Object::Order(role),
    }
}
