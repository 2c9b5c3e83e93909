//! A plan as a document: which messages a new release concerns, and what each must come to.
//!
//! ```json
//! { "format": "loopgate-plan-1", "from": "…", "to": "…", "exact": 17,
//!   "messages": [{ "message": "a.hl7", "outcome": "changed", "result": "…" }] }
//! ```
//!
//! `from` and `to` are digests of releases, `result` is the digest of what the new release makes of the message.

use serde::{Deserialize, Serialize};

use super::{Difference, Outcome};
use crate::base::Digest;

/// The name and version of the document.
pub const FORMAT: &str = "loopgate-plan-1";

/// Which messages a new release concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub from: String,
    pub to: String,
    /// How many messages come to the same; they are not listed.
    pub exact: u64,
    pub messages: Vec<Planned>,
}

/// A message that does not come to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The id of a stored message, or the name of a file.
    pub message: String,
    pub outcome: Outcome,
    /// In hexadecimal.
    pub result: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanDocument {
    format: String,
    from: String,
    to: String,
    exact: u64,
    messages: Vec<PlannedDocument>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlannedDocument {
    message: String,
    outcome: String,
    result: String,
}

/// Why a text is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanFault {
    #[error("expected a plan of format {FORMAT}")]
    Format,
    #[error("expected a plan of format {FORMAT}: {0}")]
    Json(#[from] serde_json::Error),
    #[error("expected exact, changed, fixed or newly-failing as the outcome of message {message}")]
    Outcome { message: String },
}

impl Plan {
    pub fn new(from: Digest, to: Digest) -> Self {
        Self { from: from.to_string(), to: to.to_string(), exact: 0, messages: Vec::new() }
    }

    pub fn add(&mut self, message: &str, difference: &Difference) {
        if difference.outcome == Outcome::Exact {
            self.exact += 1;
            return;
        }
        let (message, result) = (message.to_owned(), difference.result.to_string());
        self.messages.push(Planned { message, outcome: difference.outcome, result });
    }

    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let messages = self.messages.iter().map(|planned| PlannedDocument {
            message: planned.message.clone(),
            outcome: planned.outcome.as_str().to_owned(),
            result: planned.result.clone(),
        });
        serde_json::to_string_pretty(&PlanDocument {
            format: FORMAT.to_owned(),
            from: self.from.clone(),
            to: self.to.clone(),
            exact: self.exact,
            messages: messages.collect(),
        })
    }

    pub fn parse(text: &str) -> Result<Self, PlanFault> {
        let document: PlanDocument = serde_json::from_str(text)?;
        if document.format != FORMAT {
            return Err(PlanFault::Format);
        }
        let messages: Result<Vec<_>, _> = document.messages.into_iter().map(planned).collect();
        Ok(Self { from: document.from, to: document.to, exact: document.exact, messages: messages? })
    }
}

fn planned(document: PlannedDocument) -> Result<Planned, PlanFault> {
    let PlannedDocument { message, outcome, result } = document;
    match Outcome::from_name(&outcome) {
        Some(outcome) => Ok(Planned { message, outcome, result }),
        None => Err(PlanFault::Outcome { message }),
    }
}
