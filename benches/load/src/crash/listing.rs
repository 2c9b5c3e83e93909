//! What the gateway has stored, as its own command tells it: `loopgate message list --json`, newest first, in pages.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::judge::Judge;

const PAGE: usize = 1_000;

/// A stored message.
pub struct Stored {
    pub id: String,
    pub control_id: String,
    pub outcome: String,
}

/// The messages stored since the last judgement: pages until one brings nothing new.
pub fn new_messages(gateway: &str, config: &Path, judge: &Judge) -> Result<Vec<Stored>, String> {
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let page = page(gateway, config, all.last().map(|last| last.id.as_str()))?;
        let fresh = page.iter().any(|message| !judge.has_seen(&message.id));
        all.extend(page.into_iter().filter(|message| !judge.has_seen(&message.id)));
        if !fresh {
            return Ok(all);
        }
    }
}

fn page(gateway: &str, config: &Path, before: Option<&str>) -> Result<Vec<Stored>, String> {
    let mut command = Command::new(gateway);
    command.args(["message", "list", "--json", "--limit", &PAGE.to_string(), "--config"]).arg(config);
    if let Some(id) = before {
        command.args(["--before", id]);
    }
    let output = command.output().map_err(|error| format!("{gateway}: {error}"))?;
    let talk = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("{command:?} failed with {}: {talk}", output.status));
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

/// One object a line, or one array of objects.
fn parse(text: &str) -> Result<Vec<Stored>, String> {
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value.map_err(|error| format!("message list --json: {error}"))? {
            Value::Array(items) => values.extend(items),
            other => values.push(other),
        }
    }
    values.iter().map(stored).collect()
}

fn stored(value: &Value) -> Result<Stored, String> {
    let text = |name: &str| match &value[name] {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(format!("message list --json: an entry has no {name}")),
    };
    Ok(Stored { id: text("id")?, control_id: text("controlId")?, outcome: text("outcome")? })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_lines_and_arrays() {
        let entry = r#"{"id":7,"controlId":"C1","outcome":"processed"}"#;
        for text in [format!("{entry}\n{entry}\n"), format!("[{entry},{entry}]")] {
            assert_eq!(parse(&text).map(|list| list.len()), Ok(2));
        }
        assert!(parse(r#"{"id":7}"#).is_err());
    }
}
