//! Chunks checked against the fields of their type.

use serde_json::{Map, Value};

use super::chunk::ChunkError;
use super::fields::{CITATION, Field, fields, source_fields, steering_fields};
use super::kind::Kind;

/// Finish reasons that `ai` 7 accepts. `ai` 5 and 6 have `unknown` in place of `interrupted`.
pub(super) const FINISH_REASONS: &[&str] =
    &["stop", "length", "content-filter", "tool-calls", "error", "interrupted", "other"];

/// Whether `name` fits the fields of its kind. Unknown fields are always allowed.
pub(super) fn check_fields(kind: Kind, name: &str, chunk: &Value) -> Result<(), ChunkError> {
    for field in fields(kind) {
        match chunk.get(field.name) {
            None if field.required => {
                return Err(ChunkError::Missing { kind: name.to_owned(), field: field.name });
            }
            Some(value) if !field.ty.accepts(value) => {
                return Err(ChunkError::Field {
                    kind: name.to_owned(),
                    field: field.name,
                    expected: field.ty.expected(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Required fields of a kind that may hold anything. JavaScript drops them when `undefined`.
pub(super) fn required_any(kind: Kind) -> impl Iterator<Item = &'static str> {
    let any = |field: &&Field| field.required && matches!(field.ty, Type::Any);
    fields(kind).iter().filter(any).map(|field| field.name)
}

/// Citations without members that the schema does not know: it strips those, unlike a chunk's.
pub(super) fn known_members(citations: &Value) -> Value {
    let pick = |value: &Value, fields: &[Field]| -> Map<String, Value> {
        let names = fields.iter().map(|field| field.name);
        names.filter_map(|name| Some((name.to_owned(), value.get(name)?.clone()))).collect()
    };
    let known = |citation: &Value| {
        let mut out = pick(citation, CITATION);
        if let Some(source) = out.get_mut("source") {
            let mut inner = pick(source, source_fields(source).unwrap_or_default());
            inner.insert("sourceType".into(), source["sourceType"].clone());
            *source = Value::Object(inner);
        }
        Value::Object(out)
    };
    citations.as_array().map_or(Value::Null, |list| list.iter().map(known).collect())
}

/// What a member may hold.
pub(super) enum Type {
    Any,
    Text,
    Bool,
    Object,
    /// An object of objects, keyed by provider.
    PerProvider,
    /// An object of strings.
    Texts,
    /// A non-negative integer that a double holds exactly.
    Index,
    OneOf(&'static [&'static str]),
    Source,
    List(&'static [Field]),
    Parts,
}

impl Type {
    fn accepts(&self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::Bool => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::PerProvider => all_of(value, Value::is_object),
            Self::Texts => all_of(value, Value::is_string),
            Self::Index => value.as_f64().is_some_and(is_index),
            Self::OneOf(names) => value.as_str().is_some_and(|name| names.contains(&name)),
            Self::Source => source_fields(value).is_some_and(|f| object_fits(value, f)),
            Self::List(fields) => is_list(value, |item| object_fits(item, fields)),
            Self::Parts => is_list(value, |item| {
                steering_fields(item).is_some_and(|fields| object_fits(item, fields))
            }),
        }
    }

    fn expected(&self) -> &'static str {
        match self {
            Self::Any => "present",
            Self::Text => "a string",
            Self::Bool => "a boolean",
            Self::Object => "an object",
            Self::PerProvider => "an object of objects",
            Self::Texts => "an object of strings",
            Self::Index => "a non-negative integer",
            Self::OneOf(_) => "one of the values the AI SDK knows",
            Self::Source => "a source",
            Self::List(_) => "a list of citations",
            Self::Parts => "a list of text and file parts",
        }
    }
}

fn all_of(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    value.as_object().is_some_and(|map| map.values().all(fits))
}

fn is_list(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(fits))
}

fn object_fits(value: &Value, fields: &[Field]) -> bool {
    value.is_object()
        && fields.iter().all(|field| match value.get(field.name) {
            Some(inner) => field.ty.accepts(inner),
            None => !field.required,
        })
}

fn is_index(number: f64) -> bool {
    const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
    number.fract() == 0.0 && (0.0..=MAX_SAFE).contains(&number)
}
