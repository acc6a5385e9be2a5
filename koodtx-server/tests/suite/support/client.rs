use std::marker::PhantomData;

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::schema;
use super::server::TestServer;

/// A signed-in account.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: i64,
    pub access: String,
    pub refresh: String,
}

impl Account {
    pub const PASSWORD: &'static str = "correct horse battery";

    pub fn of(reply: &Reply) -> Self {
        let text = |field: &str| reply.json[field].as_str().unwrap().to_owned();
        Self {
            id: reply.json["user"]["id"].as_i64().unwrap(),
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

/// A request on its way.
pub struct Request<'a> {
    server: PhantomData<&'a TestServer>,
    method: &'static str,
    path: String,
    builder: reqwest::RequestBuilder,
}

/// An answer that agrees with the document.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl<'a> Request<'a> {
    pub fn new(server: &'a TestServer, method: &'static str, path: &str) -> Self {
        let url = format!("http://{}{path}", server.address);
        let builder = server.http.request(method.parse().unwrap(), url);
        Self {
            server: PhantomData,
            method,
            path: path.to_owned(),
            builder,
        }
    }

    pub fn bearer(mut self, token: &str) -> Self {
        self.builder = self.builder.bearer_auth(token);
        self
    }

    pub fn by(self, account: &Account) -> Self {
        self.bearer(&account.access)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    /// A body that claims to be JSON.
    pub fn raw(self, body: impl Into<reqwest::Body>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        self.builder = self.builder.body(body);
        self
    }

    /// Sends it, and checks the answer: its status is documented for the operation, its body fits
    /// the schema, an error has the form of errors.
    pub async fn send(self) -> Reply {
        let response = self.builder.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let json: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let path = self.path.split('?').next().unwrap();
        let kind = headers
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or("application/json");
        schema::check(self.method, path, status, kind, &json, &text);
        if status >= 400 {
            check_error(status, &headers, &json, &text);
        }
        Reply {
            status,
            headers,
            text,
            json,
        }
    }
}

/// Words that only an internal text would hold.
const INTERNAL: [&str; 9] = [
    "panicked",
    "src/",
    ".rs",
    "sled",
    "SQL",
    "Error {",
    "serde",
    "StoreError",
    "koodtx_core",
];

fn check_error(status: u16, headers: &HeaderMap, json: &Value, text: &str) {
    let code = json["code"]
        .as_str()
        .unwrap_or_else(|| panic!("no code: {text}"));
    assert!(
        code.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
        "{code}"
    );
    assert!(
        json["error"].as_str().is_some_and(|text| text.len() > 10),
        "{text}"
    );
    let known = ["error", "code", "details"];
    assert!(
        json.as_object()
            .unwrap()
            .keys()
            .all(|key| known.contains(&key.as_str())),
        "{text}"
    );
    assert_eq!(headers["content-type"], "application/json");
    for word in INTERNAL {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert_eq!(
        headers.contains_key("www-authenticate"),
        status == 401,
        "{text}"
    );
    assert_eq!(
        headers.contains_key("retry-after"),
        matches!(status, 429 | 503),
        "{text}"
    );
}

impl Reply {
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    pub fn field(&self) -> &str {
        self.json["details"]["field"].as_str().unwrap_or_default()
    }

    /// Asserts status and code.
    #[track_caller]
    pub fn is(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
    }

    /// Asserts a 400 about that field.
    #[track_caller]
    pub fn names(&self, field: &str) {
        assert_eq!((self.status, self.field()), (400, field), "{}", self.text);
    }

    /// Asserts success and hands out the body.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json
    }
}
