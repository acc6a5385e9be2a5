use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::{Value, json};

/// Every error.
#[derive(Object)]
#[oai(rename = "Error", example)]
pub struct ErrorBody {
    /// A sentence that says what to do.
    pub error: String,
    /// A stable code for programs.
    pub code: String,
    /// More for programs, such as the `field` that is wrong or the `limit_bytes` that was passed.
    #[oai(skip_serializing_if_is_none)]
    pub details: Option<Value>,
}

impl Example for ErrorBody {
    fn example() -> Self {
        Self {
            error: "`session.start_time` is missing".to_owned(),
            code: "missing_field".to_owned(),
            details: Some(json!({ "field": "session.start_time" })),
        }
    }
}
