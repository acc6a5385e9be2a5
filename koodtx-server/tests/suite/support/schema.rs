//! Checks answers against the OpenAPI document: enough of JSON Schema for what the document uses.

use std::sync::LazyLock;

use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&koodtx_server::api::openapi_document()).unwrap());

/// Checks that an answer of that status and media type is documented, and that its body fits.
///
/// What no path knows (404) and no method of a path (405) is not in the document.
#[track_caller]
pub fn check(method: &str, path: &str, status: u16, kind: &str, json: &Value, text: &str) {
    let Some(operation) = operation(method, path) else {
        assert!(
            matches!(status, 404 | 405 | 200),
            "{method} {path}: {status}"
        );
        return;
    };
    let response = &operation["responses"][status.to_string()];
    assert!(
        !response.is_null(),
        "{method} {path} answers {status}, which is not documented: {text}"
    );
    let schema = &response["content"][kind]["schema"];
    assert!(
        !schema.is_null(),
        "{method} {path} {status} has no schema for {kind}"
    );
    fits(schema, json, &format!("{method} {path} {status}"));
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let asked: Vec<_> = path.split('/').collect();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (_, item) = paths.iter().find(|(template, _)| {
        let known: Vec<_> = template.split('/').collect();
        let same = |(known, asked): (&&str, &&str)| known.starts_with('{') || known == asked;
        known.len() == asked.len() && known.iter().zip(&asked).all(same)
    })?;
    item.get(method.to_lowercase())
}

#[track_caller]
fn fits(schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/components/schemas/").unwrap();
        return fits(&DOCUMENT["components"]["schemas"][name], value, place);
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all.iter().for_each(|part| fits(part, value, place));
    }
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if let Some(ways) = schema["anyOf"].as_array() {
        let kind = match value {
            Value::Array(_) => "array",
            Value::Object(_) => "object",
            Value::String(_) => "string",
            other => panic!("{place}: {other}"),
        };
        let way = ways.iter().find(|way| way["type"] == kind);
        return fits(
            way.unwrap_or_else(|| panic!("{place}: {kind}")),
            value,
            place,
        );
    }
    match schema["type"].as_str() {
        None => {}
        Some("string") => {
            let text = value
                .as_str()
                .unwrap_or_else(|| panic!("{place}: {value} is no string"));
            match schema["format"].as_str() {
                Some("date-time") => {
                    assert!(
                        text.parse::<koodtx_core::time::Timestamp>().is_ok(),
                        "{place}: {text}"
                    );
                    assert!(text.ends_with('Z'), "{place}: {text}");
                }
                Some("uuid") => {
                    assert_eq!(text, text.to_lowercase(), "{place}");
                    assert!(
                        text.parse::<koodtx_core::id::SessionId>().is_ok(),
                        "{place}: {text}"
                    );
                }
                _ => {}
            }
        }
        Some("integer") => assert!(value.is_i64() || value.is_u64(), "{place}: {value}"),
        Some("number") => assert!(value.is_number(), "{place}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{place}: {value}"),
        Some("array") => {
            let items = value
                .as_array()
                .unwrap_or_else(|| panic!("{place}: {value} is no array"));
            for (index, item) in items.iter().enumerate() {
                fits(&schema["items"], item, &format!("{place}[{index}]"));
            }
        }
        Some("object") => object_fits(schema, value, place),
        Some(other) => panic!("{place}: type {other}"),
    }
}

#[track_caller]
fn object_fits(schema: &Value, value: &Value, place: &str) {
    let fields = value
        .as_object()
        .unwrap_or_else(|| panic!("{place}: {value} is no object"));
    for required in schema["required"].as_array().into_iter().flatten() {
        let name = required.as_str().unwrap();
        assert!(
            fields.contains_key(name),
            "{place}: `{name}` is missing in {value}"
        );
    }
    for (name, field) in fields {
        let known = &schema["properties"][name];
        if known.is_null() {
            let more = &schema["additionalProperties"];
            assert!(!more.is_null(), "{place}: `{name}` is not documented");
            fits(more, field, &format!("{place}.{name}"));
        } else {
            fits(known, field, &format!("{place}.{name}"));
        }
    }
}
