//! Drafts as people keep them in files: in the contract's form, or in the vendor's own.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Draft;
use crate::types::Problem;

/// The members that the contract has a place for.
const MEMBERS: [&str; 6] = [
    "name",
    "language",
    "category",
    "content",
    "ttl_seconds",
    "other",
];

impl Draft {
    /// Reads a draft in which members of the vendor's own may stand beside those of the contract, or in the place of `content`:
    /// they become [`Draft::other`]. So the body of the vendor's own request is a draft.
    ///
    /// # Errors
    ///
    /// As [`Draft::read`].
    pub fn read_open(json: &[u8]) -> Result<Self, Vec<Problem>> {
        match serde_json::from_slice::<Members>(json) {
            Ok(members) => Self::read(members.closed().as_bytes()),
            // What is no object says so itself.
            Err(_) => Self::read(json),
        }
    }
}

/// An object's members as they came, doubled ones as well.
struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    /// The same with the vendor's own members in `other`.
    fn closed(self) -> String {
        let (ours, theirs): (Vec<_>, Vec<_>) = self
            .0
            .into_iter()
            .partition(|(name, _)| MEMBERS.contains(&name.as_str()));
        let mut members: Vec<String> = Vec::new();
        let mut other: Vec<String> = Vec::new();
        for (name, json) in &ours {
            let listed = serde_json::from_str::<Vec<&RawValue>>(json.get());
            match listed {
                Ok(listed) if name == "other" => {
                    other.extend(listed.iter().map(|it| it.get().to_owned()));
                }
                _ => members.push(format!("{}:{json}", quoted(name))),
            }
        }
        if !theirs.is_empty() && !ours.iter().any(|(name, _)| name == "content") {
            members.push(r#""content":{}"#.to_owned());
        }
        other.extend(
            theirs
                .iter()
                .map(|(kind, json)| format!(r#"{{"kind":{},"json":{json}}}"#, quoted(kind))),
        );
        members.push(format!(r#""other":[{}]"#, other.join(",")));
        format!("{{{}}}", members.join(","))
    }
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
