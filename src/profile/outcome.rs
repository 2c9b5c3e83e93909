//! Issues as a FHIR OperationOutcome (R4 2.34).

use crate::base::issue::Issue;
use crate::fhir::{Node, Object, Resource};

/// The issues as a resource; "all ok" when there are none, since an OperationOutcome has at least one issue.
pub fn operation_outcome(issues: &[Issue]) -> Resource {
    let mut list: Vec<Node> = issues.iter().map(|issue| Node::Object(one(issue))).collect();
    if list.is_empty() {
        let fields = [("severity", "information"), ("code", "informational"), ("diagnostics", "no issues")];
        list.push(Node::Object(fields.into_iter().collect()));
    }
    let mut outcome = Resource::new("OperationOutcome", "validation");
    outcome.object_mut().remove("id");
    outcome.object_mut().set("issue", list);
    outcome
}

fn one(issue: &Issue) -> Object {
    let mut object: Object =
        [("severity", issue.severity.as_fhir()), ("code", issue.code.as_fhir())].into_iter().collect();
    object.set("diagnostics", issue.text.as_ref());
    if let Some(expression) = &issue.expression {
        object.set("expression", vec![Node::String(expression.clone())]);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::issue::IssueCode;
    use crate::profile::Validator;

    #[test]
    fn an_outcome_is_valid_itself() {
        let mut issue = Issue::error(IssueCode::RequiredMissing, "a required element is missing");
        issue.expression = Some("Patient.name".into());
        for issues in [vec![], vec![issue]] {
            assert_eq!(Validator::default().validate(&operation_outcome(&issues)), []);
        }
    }
}
