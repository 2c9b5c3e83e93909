//! `loopgate map explain`: where every leaf came from, and where every populated field went.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::base::Phi;
use crate::cli::files::{messages, read, read_text};
use crate::cli::mapping::{Mapping, Reading, ReleaseArguments};
use crate::cli::output::{Failure, Table, Tone, print, say, toned};
use crate::mapping::Release;
use crate::mapping::explain::source::covers;
use crate::mapping::explain::{
    Declarations, ExplainedLeaf, ExplainedPlace, ExplainedResource, Explanation, Fate, Origin, RuleUse, Step, Target,
    shape,
};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// An HL7 v2 message, or `-` for standard input
    file: PathBuf,
    /// Only resources of this type, and the fields that reach them
    #[arg(long, value_name = "TYPE")]
    resource: Option<String>,
    /// Only this field, such as PID-5 or PID-3.4, and the leaves that came from it
    #[arg(long, value_name = "PATH")]
    field: Option<String>,
    /// Show values, not only their shapes: for synthetic messages
    #[arg(long)]
    values: bool,
    /// A list of further fields that are left unmapped on purpose: place and reason, one a line
    #[arg(long, value_name = "FILE")]
    declared: Option<PathBuf>,
    /// One line of JSON for each message
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    release: ReleaseArguments,
}

pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mapping = Mapping::open(&arguments.release)?;
    let declared = declarations(&mapping.release, arguments.declared.as_ref())?;
    let bytes = read(&arguments.file)?;
    let messages = messages(&bytes);
    if messages.is_empty() {
        return Err(Failure::no(format!("{} holds no message", arguments.file.display())));
    }
    let mut without_map = 0;
    for message in &messages {
        let reading = Reading::of(message);
        let Some(mapped) = mapping.run(&reading, true) else {
            without_map += 1;
            say(&format!("there is no map for {}", reading.message_type));
            continue;
        };
        let explanation = Explanation::new(&reading.message, &mapped, &declared);
        let view = View { explanation: &explanation, arguments };
        if arguments.json {
            print(&view.json(&reading.message_type, &mapping.release.digest().to_string()).to_string());
        } else {
            view.show(&reading.message_type);
        }
    }
    if without_map == 0 { Ok(ExitCode::SUCCESS) } else { Err(Failure::no("not every message could be explained")) }
}

/// The declarations of the release and of a list file.
pub fn declarations(release: &Release, file: Option<&PathBuf>) -> Result<Declarations, Failure> {
    let of_release = Declarations::of(release);
    let Some(file) = file else { return Ok(of_release) };
    let parsed = Declarations::parse(&read_text(file)?);
    let parsed = parsed.map_err(|fault| Failure::configuration(format!("{}: {fault}", file.display())))?;
    Ok(of_release.and(parsed))
}

/// An explanation as far as it was asked for.
struct View<'v> {
    explanation: &'v Explanation,
    arguments: &'v Arguments,
}

impl View<'_> {
    fn value(&self, value: &Phi<String>) -> String {
        if self.arguments.values { one_line(value.reveal()) } else { shape(value.reveal()) }
    }

    /// A constant stands in the mapping files and says nothing about a patient.
    fn leaf_value(&self, leaf: &ExplainedLeaf) -> String {
        match leaf.origin {
            Origin::Constant => one_line(leaf.value.reveal()),
            // An id is a digest, and it stands over its resource as well.
            Origin::Reference(_) | Origin::Derived(_) => leaf.value.reveal().clone(),
            Origin::Places(_) => self.value(&leaf.value),
        }
    }

    fn wants_resource(&self, resource: &ExplainedResource) -> bool {
        self.arguments.resource.as_ref().is_none_or(|wanted| resource.kind == wanted)
    }

    fn wants_leaf(&self, leaf: &ExplainedLeaf) -> bool {
        let Some(field) = &self.arguments.field else { return true };
        leaf.origin.places().iter().any(|place| covers(field, place))
    }

    fn wants_place(&self, place: &ExplainedPlace) -> bool {
        let wanted = self.arguments.field.as_ref().is_none_or(|field| covers(field, &place.place.lowest));
        let reaches = || match &place.fate {
            Fate::Mapped(targets) => targets.iter().any(|target| self.wants_target(*target)),
            _ => false,
        };
        wanted && (self.arguments.resource.is_none() || reaches())
    }

    fn wants_target(&self, target: Target) -> bool {
        self.explanation.leaf(target).is_some_and(|(resource, _)| self.wants_resource(resource))
    }

    fn show(&self, message_type: &str) {
        let heading = if self.arguments.values { "value" } else { "shape" };
        print(&toned(&format!("{message_type}: leaf, source, {heading}, rules"), Tone::Bold));
        for resource in self.explanation.resources.iter().filter(|resource| self.wants_resource(resource)) {
            self.show_resource(resource);
        }
        print(&toned("\nPopulated fields and where they went", Tone::Bold));
        let mut table = Table::new(&["", "", ""]);
        let places = self.explanation.places.iter().filter(|place| self.wants_place(place));
        places.for_each(|place| table.row(self.place_row(place)));
        table.print();
        self.show_sum();
    }

    fn show_resource(&self, resource: &ExplainedResource) {
        let leaves: Vec<&ExplainedLeaf> = resource.leaves.iter().filter(|leaf| self.wants_leaf(leaf)).collect();
        if leaves.is_empty() && resource.cleared.is_empty() {
            return;
        }
        print(&format!("\n{}/{}", toned(&resource.kind, Tone::Bold), resource.id));
        let mut table = Table::new(&["", "", "", ""]);
        for leaf in leaves {
            let tone = if matches!(leaf.origin, Origin::Places(_)) { Tone::Good } else { Tone::Dim };
            table.row(vec![
                (format!("  {}", leaf.path), Tone::Plain),
                (leaf.origin.to_string(), tone),
                (self.leaf_value(leaf), Tone::Plain),
                (way(leaf), Tone::Dim),
            ]);
        }
        table.print();
        resource.cleared.iter().for_each(|name| print(&format!("  {name} is deleted")));
    }

    fn place_row(&self, place: &ExplainedPlace) -> Vec<(String, Tone)> {
        let (text, tone) = self.fate_text(&place.fate);
        let trouble = place.trouble.iter().fold(String::new(), |all, text| all + "; " + text);
        let shown = place.place.shown.to_string();
        let shown = if shown.is_empty() { "(no segment)".to_owned() } else { shown };
        vec![
            (format!("  {shown}"), Tone::Plain),
            (self.value(&place.value), Tone::Plain),
            (format!("{text}{trouble}"), tone),
        ]
    }

    fn fate_text(&self, fate: &Fate) -> (String, Tone) {
        match fate {
            Fate::Mapped(targets) => (format!("→ {}", self.targets(targets).join(", ")), Tone::Good),
            Fate::Repeated(_) => ("says again what an earlier place said".to_owned(), Tone::Dim),
            Fate::Consulted(rules) => (format!("only looked at by {}", names(rules)), Tone::Notable),
            Fate::Declared(reason) => (format!("left out: {reason}"), Tone::Dim),
            Fate::Dropped(why, rules) if rules.is_empty() => (format!("nowhere: {}", why.as_sentence()), Tone::Bad),
            Fate::Dropped(why, rules) => (format!("nowhere: {} ({})", why.as_sentence(), names(rules)), Tone::Bad),
        }
    }

    fn targets(&self, targets: &[Target]) -> Vec<String> {
        let named = targets.iter().filter_map(|target| self.explanation.leaf(*target));
        named.map(|(resource, leaf)| format!("{}.{}", resource.kind, leaf.path)).collect()
    }

    fn show_sum(&self) {
        let places = &self.explanation.places;
        let count = |name: &str| places.iter().filter(|place| place.fate.as_str() == name).count();
        let leaves: usize = self.explanation.resources.iter().map(|resource| resource.leaves.len()).sum();
        say(&format!(
            "\n{leaves} leaves; {} populated fields: {} mapped, {} repeated, {} only looked at, {} left out on \
             purpose, {} go nowhere",
            places.len(),
            count("mapped"),
            count("repeated"),
            count("consulted"),
            count("declared"),
            count("dropped"),
        ));
    }

    fn json(&self, message_type: &str, release: &str) -> Value {
        let resources = self.explanation.resources.iter().filter(|resource| self.wants_resource(resource));
        let places = self.explanation.places.iter().filter(|place| self.wants_place(place));
        json!({
            "format": "loopgate-explanation-1",
            "type": message_type,
            "release": release,
            "resources": resources.map(|resource| self.resource_json(resource)).collect::<Vec<_>>(),
            "fields": places.map(|place| self.place_json(place)).collect::<Vec<_>>(),
        })
    }

    fn resource_json(&self, resource: &ExplainedResource) -> Value {
        let leaves = resource.leaves.iter().filter(|leaf| self.wants_leaf(leaf));
        let cleared: Vec<&str> = resource.cleared.iter().map(smol_str::SmolStr::as_str).collect();
        json!({
            "type": resource.kind.as_str(),
            "id": resource.id.as_str(),
            "deleted": cleared,
            "leaves": leaves.map(|leaf| self.leaf_json(leaf)).collect::<Vec<_>>(),
        })
    }

    fn leaf_json(&self, leaf: &ExplainedLeaf) -> Value {
        let sources: Vec<String> = leaf.origin.places().iter().map(ToString::to_string).collect();
        let steps = |wanted: fn(&Step) -> Option<&str>| leaf.steps.iter().filter_map(wanted).collect::<Vec<_>>();
        let mut value = json!({
            "path": leaf.path,
            "origin": leaf.origin.as_str(),
            "sources": sources,
            "rules": rules_json(&leaf.rules),
            "tables": steps(Step::table),
            "functions": steps(Step::function),
        });
        self.put_value(&mut value, &leaf.value);
        value
    }

    fn place_json(&self, place: &ExplainedPlace) -> Value {
        let mut value = json!({
            "path": place.place.shown.to_string(),
            "fate": place.fate.as_str(),
            "trouble": place.trouble,
        });
        self.put_value(&mut value, &place.value);
        match &place.fate {
            Fate::Mapped(targets) => value["targets"] = self.targets_json(targets),
            Fate::Repeated(rules) | Fate::Consulted(rules) => value["rules"] = rules_json(rules),
            Fate::Declared(reason) => value["reason"] = Value::from(reason.as_str()),
            Fate::Dropped(why, rules) => {
                value["why"] = Value::from(why.as_str());
                value["rules"] = rules_json(rules);
            }
        }
        value
    }

    fn targets_json(&self, targets: &[Target]) -> Value {
        let named = targets.iter().filter_map(|target| self.explanation.leaf(*target));
        let targets = named.map(
            |(resource, leaf)| json!({ "type": resource.kind.as_str(), "id": resource.id.as_str(), "path": leaf.path }),
        );
        Value::Array(targets.collect())
    }

    fn put_value(&self, into: &mut Value, value: &Phi<String>) {
        into["shape"] = Value::from(shape(value.reveal()));
        if self.arguments.values {
            into["value"] = Value::from(value.reveal().as_str());
        }
    }
}

/// The rules from the outermost to the one that wrote the leaf, then what the value went through.
fn way(leaf: &ExplainedLeaf) -> String {
    let of_message = |rule: &&RuleUse| rule.place.contains("message/") && leaf.rules.len() > 1;
    let rules = leaf.rules.iter().filter(|rule| !of_message(rule)).map(|rule| file_name(&rule.place).to_owned());
    let rules = rules.collect::<Vec<_>>().join(" › ");
    let steps = leaf.steps.iter().map(|step| format!(" {step}"));
    steps.fold(rules, |way, step| way + &step)
}

fn file_name(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or(place)
}

fn names(rules: &[RuleUse]) -> String {
    rules.iter().map(|rule| file_name(&rule.place)).collect::<Vec<_>>().join(", ")
}

fn rules_json(rules: &[RuleUse]) -> Value {
    rules.iter().map(|rule| json!({ "id": rule.id.as_str(), "place": rule.place.as_str() })).collect()
}

/// For a line of a table.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '␣' } else { c }).collect()
}
