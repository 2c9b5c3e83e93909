//! What a validation found: issues with their places, bounded in number.

use std::borrow::Cow;

use super::place::Place;
use crate::base::issue::{Issue, IssueCode, Severity};
use crate::base::limits;

/// Issues in the order of the walk.
#[derive(Default)]
pub struct Report {
    issues: Vec<Issue>,
}

impl Report {
    pub fn error(&mut self, place: &Place<'_>, code: IssueCode, text: impl Into<Cow<'static, str>>) {
        self.add(place, Severity::Error, code, text);
    }

    pub fn warning(&mut self, place: &Place<'_>, code: IssueCode, text: impl Into<Cow<'static, str>>) {
        self.add(place, Severity::Warning, code, text);
    }

    pub fn add(&mut self, place: &Place<'_>, severity: Severity, code: IssueCode, text: impl Into<Cow<'static, str>>) {
        if self.issues.len() < limits::VALIDATION_ISSUES_MAX {
            let mut issue = Issue::new(severity, code, text);
            issue.expression = Some(smol_str::format_smolstr!("{place}"));
            self.issues.push(issue);
        }
    }

    /// The issues, each said once.
    pub fn into_issues(self) -> Vec<Issue> {
        let mut issues: Vec<Issue> = Vec::with_capacity(self.issues.len());
        for issue in self.issues {
            if !issues.contains(&issue) {
                issues.push(issue);
            }
        }
        issues
    }
}
