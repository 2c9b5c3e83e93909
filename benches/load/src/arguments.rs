//! The command line: `--name value` pairs; everything else is a usage error.

use std::collections::HashMap;
use std::str::FromStr;

/// What was given for one subcommand.
pub struct Arguments {
    values: HashMap<String, Vec<String>>,
}

impl Arguments {
    /// Words after `--` are kept under the empty name.
    pub fn parse(words: impl Iterator<Item = String>, known: &[&str]) -> Result<Self, String> {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        let mut words = words;
        while let Some(word) = words.next() {
            if word == "--" {
                values.insert(String::new(), words.by_ref().collect());
                break;
            }
            let name = word.strip_prefix("--").ok_or_else(|| format!("unexpected word {word}"))?.to_owned();
            if !known.contains(&name.as_str()) {
                return Err(format!("unknown option --{name}"));
            }
            let value = words.next().ok_or_else(|| format!("--{name} needs a value"))?;
            values.entry(name).or_default().push(value);
        }
        Ok(Self { values })
    }

    pub fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(String::as_str)
    }

    pub fn required(&self, name: &str) -> Result<&str, String> {
        self.text(name).ok_or_else(|| format!("--{name} is required"))
    }

    pub fn number<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| format!("--{name}: {text} is not a number it can take")),
        }
    }
}
