//! Schemas of the public JSON, as far as they can't be derived.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::events::{Event, Face};
use super::json;

macro_rules! schemas {
    ($($name:ident: $schema:tt)+) => {$(
        impl JsonSchema for json::$name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )+};
}

schemas! {
    timestamp: {"type": "string", "format": "date-time"}
    optional_timestamp: {"type": "string", "format": "date-time"}
    text: {}
    optional_text: {}
    code: {"type": ["string", "integer"]}
    attributes: {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    }
    bytes: {"type": ["string", "array"], "items": {"type": "integer", "minimum": 0, "maximum": 255}}
    text_member: {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
    }
    kind: {
        "type": "object",
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
    }
    example: {"type": "object", "properties": {"example": {"type": "string"}}}
}

impl JsonSchema for Event {
    fn schema_name() -> Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Face::json_schema(generator);
        // What is borrowed has no default that could be left out.
        if let Some(Value::Array(required)) = schema.ensure_object().get_mut("required") {
            required.retain(|name| name != "attributes");
        }
        schema
    }
}

/// Of a variant that only picks a word: its last case is any word at all, and no object.
pub(super) fn open(schema: &mut Schema) {
    let Some(Value::Array(mut words)) = schema.remove("oneOf") else {
        return;
    };
    if let Some(last) = words.last_mut() {
        *last = json!({"type": "string", "description": last["description"]});
    }
    schema.insert("anyOf".to_owned(), words.into());
}
