//! What is answered to writes (R4 http 3.1.0.1.9, 3.1.0.8).

use crate::engine::request::Written;
use crate::profile;
use crate::record::ResourceVersion;
use crate::rest::answer::{Answer, Content};
use crate::rest::negotiation::Return;
use crate::rest::server::Call;

/// What is to be said of a wish, when all is written.
pub enum Said {
    /// What came of the change of this number.
    Change { at: usize, over: Option<ResourceVersion> },
    /// What was asked for stood already.
    Kept(ResourceVersion),
    /// There was nothing to delete.
    Nothing,
}

/// The answers in the order of the wishes. Resources come with them unless they are not wanted.
pub fn answers(said: Vec<Said>, written: &[Written], call: &Call<'_>) -> Vec<Answer> {
    let returns = call.terms.prefer.returns.unwrap_or(Return::Representation);
    let answer = |said| match said {
        Said::Change { at, over } => changed(&written[at], over.as_ref(), returns),
        Said::Kept(version) => kept(&version, returns),
        Said::Nothing => deleted(returns),
    };
    said.into_iter().map(answer).collect()
}

fn changed(written: &Written, over: Option<&ResourceVersion>, returns: Return) -> Answer {
    if written.deleted {
        return deleted(returns).about(written.version, written.updated_at);
    }
    let over = over.filter(|over| !over.deleted);
    let (content, updated_at) = match over.filter(|_| written.unchanged) {
        Some(over) => (over.content.clone(), over.updated_at),
        None => (written.content.clone(), written.updated_at),
    };
    let status = if over.is_some() { 200 } else { 201 };
    Answer::of(status, shown(Content::Stored(content), returns))
        .about(written.version, updated_at)
        .located(&written.key, written.version)
}

fn kept(version: &ResourceVersion, returns: Return) -> Answer {
    Answer::of(200, shown(Content::Stored(version.content.clone()), returns))
        .about(version.version, version.updated_at)
        .located(&version.key, version.version)
}

fn deleted(returns: Return) -> Answer {
    match shown(Content::Nothing, returns) {
        Content::Nothing => Answer::of(204, Content::Nothing),
        outcome => Answer::of(200, outcome),
    }
}

fn shown(content: Content, returns: Return) -> Content {
    match returns {
        Return::Minimal => Content::Nothing,
        Return::Representation => content,
        Return::OperationOutcome => Content::Outcome(profile::operation_outcome(&[])),
    }
}
