//! The OpenAPI document and the documentation page.

use serde_json::Value;

use crate::support::TestServer;

fn document() -> Value {
    serde_json::from_str(&koodtx_server::api::openapi_document()).unwrap()
}

#[test]
fn the_committed_document_is_current() {
    let committed = include_str!("../../openapi.json");
    assert!(
        committed == koodtx_server::api::openapi_document(),
        "openapi.json is not current: `cargo run -p koodtx-server -- openapi > koodtx-server/openapi.json`"
    );
}

#[test]
fn every_route_is_documented_with_its_errors_and_who_may_call_it() {
    let document = document();
    let expected = [
        ("get /", "200", ""),
        ("get /health", "200 500 503", ""),
        ("get /ready", "200 500 503", ""),
        ("get /api/limits", "200 429 500 503", ""),
        (
            "post /api/auth/register",
            "201 400 403 408 409 413 415 429 500 503",
            "",
        ),
        (
            "post /api/auth/login",
            "200 400 401 403 408 413 415 429 500 503",
            "",
        ),
        (
            "post /api/auth/refresh",
            "200 401 403 429 500 503",
            "refresh_token",
        ),
        (
            "post /api/auth/logout",
            "200 401 403 429 500 503",
            "access_token",
        ),
        (
            "post /api/auth/password",
            "200 400 401 403 408 413 415 429 500 503",
            "access_token",
        ),
        (
            "delete /api/auth/account",
            "200 400 401 403 408 413 415 429 500 503",
            "access_token",
        ),
        (
            "get /api/auth/account/export",
            "200 401 403 429 500 503",
            "access_token",
        ),
        (
            "get /api/auth/devices",
            "200 401 403 429 500 503",
            "access_token",
        ),
        (
            "delete /api/auth/devices/{sign_in_id}",
            "200 400 401 403 404 429 500 503",
            "access_token",
        ),
        (
            "get /api/auth/me",
            "200 401 403 429 500 503",
            "access_token",
        ),
        (
            "post /api/sync/push",
            "200 400 401 403 408 413 415 429 500 503",
            "access_token",
        ),
        (
            "post /api/sync/pull",
            "200 400 401 403 408 413 415 429 500 503",
            "access_token",
        ),
        (
            "get /api/sync/status",
            "200 401 403 429 500 503",
            "access_token",
        ),
        (
            "get /api/sessions",
            "200 400 401 403 429 500 503",
            "access_token",
        ),
        (
            "get /api/sessions/{session_id}",
            "200 400 401 403 404 429 500 503",
            "access_token",
        ),
        (
            "post /api/sessions/{session_id}/analysis",
            "202 400 401 403 404 429 500 503",
            "access_token",
        ),
        (
            "get /api/sessions/{session_id}/analysis",
            "200 400 401 403 404 429 500 503",
            "access_token",
        ),
        (
            "get /api/sessions/{session_id}/anomalies",
            "200 400 401 403 404 429 500 503",
            "access_token",
        ),
        (
            "get /api/sessions/{session_id}/export",
            "200 400 401 403 404 429 500 503",
            "access_token",
        ),
        (
            "get /api/statistics",
            "200 400 401 403 429 500 503",
            "access_token",
        ),
        (
            "get /api/jobs/{job_id}",
            "200 400 401 403 404 429 500 503",
            "access_token",
        ),
        (
            "delete /api/sessions/{session_id}",
            "200 400 401 403 404 429 500 503",
            "access_token",
        ),
    ];
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let statuses: Vec<_> = operation["responses"]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let security = &operation["security"][0];
            let scheme = security
                .as_object()
                .map_or("", |scheme| scheme.keys().next().unwrap());
            assert!(operation["operationId"].is_string() && operation["summary"].is_string());
            found.push((
                format!("{method} {path}"),
                statuses.join(" "),
                scheme.to_owned(),
            ));
        }
    }
    let mut expected: Vec<_> = expected
        .map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()))
        .to_vec();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    for scheme in ["access_token", "refresh_token"] {
        let scheme = &document["components"]["securitySchemes"][scheme];
        assert_eq!(
            (&scheme["type"], &scheme["scheme"]),
            (&"http".into(), &"bearer".into())
        );
    }
}

#[test]
fn every_schema_has_a_description_and_an_example_that_fits_its_fields() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    assert!(schemas.len() > 15);
    for (name, schema) in schemas {
        assert!(
            schema["description"].is_string(),
            "{name} has no description"
        );
        // The values of an enumeration are its examples.
        if schema["enum"].is_array() {
            continue;
        }
        let example = schema["example"]
            .as_object()
            .unwrap_or_else(|| panic!("{name} has no example"));
        for field in schema["required"].as_array().into_iter().flatten() {
            assert!(
                example.contains_key(field.as_str().unwrap()),
                "{name}: {field}"
            );
        }
        for (field, property) in schema["properties"].as_object().unwrap() {
            let described = property["description"].is_string()
                || property["allOf"][1]["description"].is_string()
                || property["$ref"].is_string();
            assert!(described, "{name}.{field} has no description");
        }
    }
}

#[tokio::test]
async fn every_error_response_has_the_schema_of_errors() {
    for (path, item) in document()["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                if status.as_str() >= "400" {
                    assert_eq!(schema, "#/components/schemas/Error", "{path} {status}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_documentation_needs_no_internet() {
    let server = TestServer::start().await;
    let page = server
        .http
        .get(format!("http://{}/docs", server.address))
        .send()
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    assert!(
        page.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    // What the browser enforces: nothing is loaded from anywhere else.
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.starts_with("default-src 'self';") && !policy.contains("http"),
        "{policy}"
    );
    let text = page.text().await.unwrap();
    assert!(text.contains("SwaggerUIBundle(") && text.contains("/api/sync/push"));
    // No script, style or font is referred to outside the page itself.
    let markup = text.to_lowercase();
    for reference in ["<script src=", "<link ", "@import", "url(http"] {
        assert!(!markup.contains(reference), "{reference}");
    }
    let served = server
        .http
        .get(format!("http://{}/openapi.json", server.address))
        .send()
        .await
        .unwrap();
    assert_eq!(served.headers()["content-type"], "application/json");
    assert_eq!(
        served.text().await.unwrap(),
        koodtx_server::api::openapi_document()
    );
}

#[tokio::test]
async fn the_root_says_where_to_go() {
    let server = TestServer::start().await;
    let root = server.get("/").send().await.ok();
    assert_eq!(root["service"], "koodtx-server");
    for link in root["links"].as_object().unwrap().values() {
        let url = format!("http://{}{}", server.address, link.as_str().unwrap());
        assert_eq!(
            server.http.get(url).send().await.unwrap().status(),
            200,
            "{link}"
        );
    }
    let head = server
        .http
        .head(format!("http://{}/", server.address))
        .send()
        .await
        .unwrap();
    assert_eq!(head.status(), 200);
}
