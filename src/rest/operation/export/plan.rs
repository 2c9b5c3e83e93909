//! What an export is about and how far it has come, as it is kept with the job. No data of patients.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::Timestamp;
use crate::record::ExportJob;
use crate::rest::{Cause, Fault};
use crate::search::compartment;

/// Whose data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    System,
    /// All patients and what belongs to them.
    Patients,
    /// The members of the group of this id, and what belongs to them.
    Group(String),
}

impl Scope {
    /// Whether resources of this type can be in it.
    pub fn may_hold(&self, kind: &str) -> bool {
        *self == Self::System || kind == "Patient" || compartment::criterion("Patient", "x", kind).is_some()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The URL that asked for it.
    pub request: String,
    pub scope: Scope,
    pub kinds: Vec<String>,
    /// Microseconds since 1970: only what was changed at or after.
    pub since: Option<i64>,
    pub progress: Progress,
}

/// The files found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub is_done: bool,
    pub kinds_done: usize,
    pub files: Vec<FilePlan>,
}

/// One file: what is in scope of the versions of a type behind `after` and up to `through`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilePlan {
    pub kind: String,
    pub after: Option<i64>,
    pub through: i64,
    pub count: u64,
}

impl Plan {
    pub fn of(job: &ExportJob) -> Result<Self, Fault> {
        serde_json::from_str(&job.plan)
            .map_err(|_| Fault::new(Cause::Gone, "this export was asked for before an upgrade: ask for it again"))
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn since(&self) -> Option<Timestamp> {
        self.since.map(Timestamp::from_micros)
    }

    /// The answer when it is complete (Bulk Data Access 2.0.0, export 5.3).
    pub fn manifest(&self, job: &ExportJob, base: &str, requires_access_token: bool) -> Vec<u8> {
        let files = self.progress.files.iter().enumerate().map(|(number, file)| {
            let url = format!("{base}/$export-file?job={}&file={number}", job.id);
            json!({ "type": file.kind, "url": url, "count": file.count })
        });
        let manifest = json!({
            "transactionTime": job.asked_at.to_string(),
            "request": self.request,
            "requiresAccessToken": requires_access_token,
            "output": files.collect::<Vec<_>>(),
            "deleted": [],
            "error": [],
        });
        manifest.to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::VersionNumber;

    #[test]
    fn a_plan_survives_its_keeping_and_becomes_a_manifest() {
        let file = FilePlan { kind: "Patient".into(), after: None, through: 9, count: 2 };
        let progress = Progress { is_done: true, kinds_done: 1, files: vec![file] };
        let plan = Plan {
            request: "http://b/$export".into(),
            scope: Scope::Group("g".into()),
            kinds: vec!["Patient".into()],
            since: Some(1),
            progress,
        };
        let job = ExportJob {
            id: "j".into(),
            client: "c".into(),
            asked_at: Timestamp::from_micros(0),
            as_of: VersionNumber(9),
            plan: plan.to_json(),
        };
        assert_eq!(Plan::of(&job).ok(), Some(plan.clone()));
        let manifest: serde_json::Value = serde_json::from_slice(&plan.manifest(&job, "http://b", true)).unwrap();
        assert_eq!(manifest["output"][0]["url"], "http://b/$export-file?job=j&file=0");
        assert_eq!((&manifest["requiresAccessToken"], &manifest["output"][0]["count"]), (&json!(true), &json!(2)));
    }

    #[test]
    fn patients_hold_what_belongs_to_them() {
        assert!(Scope::Patients.may_hold("Observation") && Scope::Patients.may_hold("Patient"));
        assert!(!Scope::Patients.may_hold("Organization") && Scope::System.may_hold("Organization"));
    }
}
