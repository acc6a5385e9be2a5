//! A push body is refused, or is read as what it says.
#![no_main]

use std::collections::HashMap;

use koodtx_core::json::canonical_text;
use koodtx_core::limits::PUSH_ERROR_DETAILS_MAX_COUNT;
use koodtx_core::push::PushBatch;
use koodtx_fuzz::json::{Exact, minified, scattered};
use koodtx_fuzz::push::{Samples, samples, understood};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A body whose members serde_json finds.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    session: &'a RawValue,
    #[serde(borrow)]
    sensor_data: Vec<&'a RawValue>,
}

fuzz_target!(|bytes: &[u8]| {
    let parsed = PushBatch::parse(bytes);
    let Some((text, batch)) = understood(bytes, parsed) else {
        return;
    };
    // The way through a template, and the general way: both are the same.
    for respaced in [minified(text), scattered(text)] {
        assert_eq!(PushBatch::parse(respaced.as_bytes()).as_ref(), Ok(&batch));
    }
    // A body with a repeated member is no `Body`; what is in it was checked above.
    if let Ok(body) = serde_json::from_str(text) {
        is_what_its_records_are(&batch, &body);
    }
});

/// A record is read the same whatever stands beside it, and its data as serde_json reads them.
fn is_what_its_records_are(batch: &PushBatch, body: &Body<'_>) {
    let mut expected = Samples::new();
    let mut refused = Vec::new();
    for (index, record) in body.sensor_data.iter().enumerate() {
        let alone = format!(r#"{{"session":{},"sensor_data":[{record}]}}"#, body.session);
        let alone = PushBatch::parse(alone.as_bytes()).expect("so is one record of it");
        refused.extend(
            alone
                .error_details
                .iter()
                .map(|detail| (index as u64, detail.code)),
        );
        for (key, sample) in samples(&alone) {
            reads_back(record, &sample.data);
            expected.insert(key, sample);
        }
    }
    assert_eq!(samples(batch), expected);
    let codes = batch
        .error_details
        .iter()
        .map(|detail| (detail.index, detail.code));
    refused.truncate(PUSH_ERROR_DETAILS_MAX_COUNT);
    assert_eq!(codes.collect::<Vec<_>>(), refused);
    assert_eq!(
        batch.errors + batch.valid_records(),
        body.sensor_data.len() as u64
    );
}

fn reads_back(record: &RawValue, stored: &str) {
    // A member that nobody reads may have half of a surrogate pair in its name, which is no text.
    let Ok(members) = serde_json::from_str::<HashMap<String, &RawValue>>(record.get()) else {
        return;
    };
    let sent = members["data"].get();
    let value = |json: &str| Exact::from(serde_json::from_str::<Value>(json).expect("it is JSON"));
    assert_eq!(value(stored), value(sent));
    // Which tells integers apart that are one double.
    assert_eq!(canonical_text(stored), canonical_text(sent));
}
