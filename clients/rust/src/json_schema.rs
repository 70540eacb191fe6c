//! Checks a value against the part of JSON schema that tools use. What it does not know holds.

use serde_json::{Map, Value};

/// What is wrong with `value`, which stands at `at`; `None` if nothing is.
pub(crate) fn problem_of(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let schema = schema.as_object()?;
    let types = types(schema);
    if !types.is_empty() && !types.iter().any(|kind| is_of(kind, value)) {
        return Some(format!("{at} must be {}", types.join(" or ")));
    }
    let constant = schema.get("const").map(std::slice::from_ref);
    let allowed = constant.or_else(|| schema.get("enum")?.as_array().map(Vec::as_slice));
    if let Some(allowed) = allowed.filter(|allowed| !allowed.contains(value)) {
        return Some(format!("{at} must be one of {}", Value::from(allowed)));
    }
    let forms = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    if forms.is_some_and(|forms| forms.iter().all(|one| problem_of(one, value, at).is_some())) {
        return Some(format!("{at} has none of the forms that it may have"));
    }
    match value {
        Value::Array(values) => {
            let items = schema.get("items")?;
            let mut values = values.iter().enumerate();
            values.find_map(|(index, one)| problem_of(items, one, &format!("{at}[{index}]")))
        }
        Value::Object(members) => in_members(schema, members, at),
        _ => None,
    }
}

fn in_members(schema: &Map<String, Value>, value: &Map<String, Value>, at: &str) -> Option<String> {
    let required = schema.get("required").and_then(Value::as_array);
    for key in required.into_iter().flatten().filter_map(Value::as_str) {
        if !value.contains_key(key) {
            return Some(format!("{at}.{key} is missing"));
        }
    }
    let known = schema.get("properties").and_then(Value::as_object);
    let others = schema.get("additionalProperties");
    for (key, member) in value {
        let named = known.and_then(|known| known.get(key));
        if named.is_none() && others == Some(&Value::Bool(false)) {
            return Some(format!("{at}.{key} is not known"));
        }
        let schema = named.or(others).unwrap_or(&Value::Null);
        let problem = problem_of(schema, member, &format!("{at}.{key}"));
        if problem.is_some() {
            return problem;
        }
    }
    None
}

fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        // 3.0 is one, too.
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn inputs_are_checked_as_far_as_tools_use_json_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": ["integer", "null"]},
                "unit": {"enum": ["C", "F"]},
                "tags": {"type": "array", "items": {"type": "string"}},
                "when": {"anyOf": [{"const": "now"}, {"type": "object", "required": ["at"]}]},
            },
            "required": ["city"],
            "additionalProperties": false,
        });
        let problem = |value: &Value| problem_of(&schema, value, "input");
        let fits =
            json!({"city": "Rome", "days": 3.0, "unit": "C", "tags": ["a"], "when": {"at": 1}});
        assert_eq!(problem(&fits), None);
        assert_eq!(problem_of(&Value::Null, &fits, "input"), None);
        assert_eq!(problem_of(&json!({"type": "later", "minimum": 7}), &json!(1), "input"), None);
        for (wrong, expected) in [
            (json!(7), "input must be object"),
            (json!({}), "input.city is missing"),
            (json!({"city": 7}), "input.city must be string"),
            (json!({"city": "", "days": 1.5}), "input.days must be integer or null"),
            (json!({"city": "", "unit": "K"}), r#"input.unit must be one of ["C","F"]"#),
            (json!({"city": "", "tags": ["a", 7]}), "input.tags[1] must be string"),
            (json!({"city": "", "when": 1}), "input.when has none of the forms that it may have"),
            (json!({"city": "", "other": 1}), "input.other is not known"),
        ] {
            assert_eq!(problem(&wrong).as_deref(), Some(expected));
        }
    }
}
