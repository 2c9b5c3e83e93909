//! What issues mean for the feed that a resource came from.

use crate::base::issue::{Issue, Severity};

/// How a feed takes what validation finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Do not look.
    Off,
    /// Keep the resource, and the issues beside it.
    #[default]
    Note,
    /// An error parks the message; warnings are noted.
    Park,
}

/// What is to be done with the message. What is only information changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    PassWithIssues,
    Park,
}

impl Policy {
    /// The policy of this name in the configuration.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "off" => Self::Off,
            "note" => Self::Note,
            "park" => Self::Park,
            _ => return None,
        })
    }

    pub fn verdict(self, issues: &[Issue]) -> Verdict {
        let has_error = issues.iter().any(|issue| issue.severity >= Severity::Error);
        match self {
            Self::Park if has_error => Verdict::Park,
            Self::Off => Verdict::Pass,
            _ if issues.iter().any(|issue| issue.severity >= Severity::Warning) => Verdict::PassWithIssues,
            _ => Verdict::Pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::issue::IssueCode;

    #[test]
    fn an_error_parks_only_where_that_is_asked() {
        let (error, warning) = (Issue::error(IssueCode::DataType, "e"), Issue::warning(IssueCode::DataType, "w"));
        for (policy, issues, verdict) in [
            (Policy::Off, vec![error.clone()], Verdict::Pass),
            (Policy::Note, vec![], Verdict::Pass),
            (Policy::Note, vec![error.clone()], Verdict::PassWithIssues),
            (Policy::Park, vec![warning], Verdict::PassWithIssues),
            (Policy::Park, vec![error], Verdict::Park),
        ] {
            assert_eq!(policy.verdict(&issues), verdict, "{policy:?}");
        }
    }
}
