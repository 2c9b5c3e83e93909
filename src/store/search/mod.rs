//! Searches: criteria become statements, and pages are put together of their answers. Both databases share all of it
//! but the words of their dialects.
//!
//! A statement has a *driver*, the criterion with the fewest entries in the index, and tests of the others on each row
//! that the driver brings. How many entries a criterion has is counted first, up to a bound; when all have many, the
//! resources of the type are walked in the order of their creation, since then many meet them. A page is therefore found
//! without sorting what is on no page.

mod compile;
mod order;
mod page;
mod plan;
mod statement;

pub use page::{Asker, Keyed, search};
pub use statement::{Dialect, Statement, Value, bind, in_scan};

#[cfg(test)]
pub use plan::{Direction, Plan};
