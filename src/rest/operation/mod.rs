//! The operations (`$name`): where each may stand, by which methods it is called, and who answers it.
//!
//! Cast: an *operation* is one row of the table; its *handler* gets the server, the place and the call, as the code of
//! any interaction does. CapabilityStatement and routing read the same table. The operations themselves are files
//! beside this one.

mod convert;
mod everything;
mod export;
mod matching;
mod merging;
mod meta;
mod parameters;
mod process_message;
mod subscription;
mod table;
mod validate;
mod writing;

pub use table::{Doors, table};

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::answer::Answer;
use super::interaction::wrong_method;
use super::server::Call;
use super::{Cause, Fault, Level, Method, Server};

/// What a handler gives: boxed, once per call.
pub type Answered<'a> = Pin<Box<dyn Future<Output = Result<Answer, Fault>> + Send + 'a>>;

/// Who answers an operation. It checks what the caller may reach, as interactions do (`Server::bounds`, `reaches`).
pub trait Handler: Send + Sync {
    fn answer<'a>(&'a self, server: &'a Server, level: &'a Level, call: &'a Call<'a>) -> Answered<'a>;
}

/// Resource types at which an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    None,
    All,
    These(&'static [&'static str]),
}

impl Kinds {
    pub fn include(self, kind: &str) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::These(kinds) => kinds.contains(&kind),
        }
    }
}

/// One operation.
#[derive(Clone)]
pub struct Operation {
    /// Without the `$`.
    pub name: &'static str,
    /// The canonical URL of its OperationDefinition.
    pub definition: &'static str,
    pub on_system: bool,
    pub on_kinds: Kinds,
    pub on_instances: Kinds,
    /// `POST`, and `GET` when it changes nothing and its parameters are simple (R4 3.2.0.1).
    pub methods: &'static [Method],
    pub handler: Arc<dyn Handler>,
}

impl Operation {
    fn stands_at(&self, level: &Level) -> bool {
        match level {
            Level::System => self.on_system,
            Level::Kind(kind) => self.on_kinds.include(kind),
            Level::Instance(key) => self.on_instances.include(&key.kind),
        }
    }

    fn allow(&self) -> &'static str {
        match (self.methods.contains(&Method::Get), self.methods.contains(&Method::Delete)) {
            (false, false) => "POST",
            (true, false) => "GET, HEAD, POST",
            (false, true) => "POST, DELETE",
            (true, true) => "GET, HEAD, POST, DELETE",
        }
    }
}

/// The table.
#[derive(Clone, Default)]
pub struct Operations(Vec<Operation>);

impl Operations {
    pub const fn new(operations: Vec<Operation>) -> Self {
        Self(operations)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Operation> {
        self.0.iter()
    }

    /// 404 when there is no such operation there, 405 when the method does not go with it.
    fn find(&self, name: &str, level: &Level, method: Method) -> Result<&Operation, Fault> {
        let mut named =
            self.0.iter().filter(|operation| operation.name == name && operation.stands_at(level)).peekable();
        let allow = named.peek().map(|operation| operation.allow());
        let missing = || Fault::new(Cause::NotFound, "no such operation stands here: see `metadata`");
        named
            .find(|operation| operation.methods.contains(&method))
            .ok_or_else(|| allow.map_or_else(missing, wrong_method))
    }
}

impl Server {
    pub(super) async fn operate(&self, name: &str, level: Level, call: &Call<'_>) -> Result<Answer, Fault> {
        let operation = self.operations.find(name, &level, call.method)?;
        operation.handler.answer(self, &level, call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ResourceKey;

    struct Nobody;

    impl Handler for Nobody {
        fn answer<'a>(&'a self, _: &'a Server, _: &'a Level, _: &'a Call<'a>) -> Answered<'a> {
            Box::pin(async { Err(Fault::not_found()) })
        }
    }

    #[test]
    fn the_table_knows_places_and_methods() {
        let operations = Operations::new(vec![Operation {
            name: "everything",
            definition: "http://hl7.org/fhir/OperationDefinition/Patient-everything",
            on_system: false,
            on_kinds: Kinds::None,
            on_instances: Kinds::These(&["Patient"]),
            methods: &[Method::Get, Method::Post],
            handler: Arc::new(Nobody),
        }]);
        let at = |kind: &str| Level::Instance(ResourceKey::new(kind, "x"));
        for (name, level, method, expected) in [
            ("everything", at("Patient"), Method::Get, None),
            ("everything", at("Patient"), Method::Delete, Some(405)),
            ("everything", at("Task"), Method::Get, Some(404)),
            ("everything", Level::System, Method::Get, Some(404)),
            ("nothing", at("Patient"), Method::Get, Some(404)),
        ] {
            let found = operations.find(name, &level, method);
            assert_eq!(found.err().map(|fault| fault.status()), expected, "{name} {level:?}");
        }
    }
}
