//! Nesting that would overflow the stack of a careless parser, and numbers beyond every type.

use super::{Target, assert_documented};
use crate::support::Device;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

const DEPTH: usize = 100_000;
const DIGITS_COUNT: usize = 100_000;
const PATHS: [&str; 4] = [
    "/api/sync/push",
    "/api/sync/pull",
    "/api/auth/register",
    "/api/auth/login",
];
const SESSION: &str =
    r#"{"session_id":"0f81a4f3-c125-5dbf-ba8e-668c0884d7ac","start_time":"2025-11-13T00:00:00Z"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deep_nesting_and_long_numbers_are_refused_wherever_they_stand() {
    let target = Target::start().await;
    for value in values() {
        for body in bodies(&value) {
            for path in PATHS {
                send(&target.device, path, body.clone()).await;
            }
        }
    }
    target.assert_unharmed().await;
}

/// Values of absurd depth or length, closed and not.
fn values() -> Vec<String> {
    let digits = "9".repeat(DIGITS_COUNT);
    vec![
        "[".repeat(DEPTH),
        format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH)),
        "{\"a\":".repeat(DEPTH),
        format!("{}1{}", "{\"a\":".repeat(DEPTH), "}".repeat(DEPTH)),
        digits.clone(),
        format!("0.{digits}"),
        format!("1e{digits}"),
        format!("\"{}\"", "\\u0041".repeat(DIGITS_COUNT)),
    ]
}

/// The value in every place of a body.
fn bodies(value: &str) -> Vec<String> {
    let record = |record: &str| format!("{{\"session\":{SESSION},\"sensor_data\":[{record}]}}");
    vec![
        value.to_owned(),
        format!("{{\"session\":{value},\"sensor_data\":[]}}"),
        format!("{{\"session\":{SESSION},\"sensor_data\":{value}}}"),
        record(value),
        record(&format!(
            "{{\"sensor_type\":\"gps\",\"timestamp\":1,\"data\":{value}}}"
        )),
        record(&format!(
            "{{\"sensor_type\":\"gps\",\"timestamp\":1,\"data\":{{\"a\":{value}}}}}"
        )),
        record(&format!(
            "{{\"sensor_type\":\"gps\",\"timestamp\":{value},\"data\":{{}}}}"
        )),
        format!("{{\"unknown\":{value},\"session\":{SESSION},\"sensor_data\":[]}}"),
        format!("{{\"session_ids\":{value},\"cursor\":{value},\"page\":{value}}}"),
        format!("{{\"username\":{value},\"password\":{value}}}"),
    ]
}

async fn send(device: &Device, path: &str, body: String) {
    let start: String = body.chars().take(200).collect();
    let request = device
        .request(Method::POST, path)
        .header(CONTENT_TYPE, "application/json");
    let response = request.body(body).send().await.expect("the server answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.bytes().await.expect("the answer is whole");
    assert_documented(status, &headers, &text, &|| format!("{path} {start}"));
}
