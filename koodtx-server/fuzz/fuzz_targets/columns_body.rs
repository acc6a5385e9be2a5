//! A push body in the columnar form is refused, or is read as the records that its rows are.
#![no_main]

use std::collections::BTreeMap;

use koodtx_core::limits::PUSH_ERROR_DETAILS_MAX_COUNT;
use koodtx_core::push::PushBatch;
use koodtx_fuzz::json::{minified, scattered};
use koodtx_fuzz::memory::within;
use koodtx_fuzz::push::{samples, understood};
use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;
use serde::Deserialize;
use serde_json::value::RawValue;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Most bytes of memory for a byte of the body: a digit and a comma become a number of eight bytes with its
/// row, in a list that grows by doubling, and all is copied once where rows are out of order.
const BYTES_PER_BYTE: usize = 40;
/// What any body may take beside that, such as the columns of its first fields.
const FREE_BYTES: usize = 256 * 1024;

/// A body whose members serde_json finds.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    session: &'a RawValue,
    #[serde(borrow)]
    columns: Vec<Group<'a>>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow)]
    sensor_type: &'a RawValue,
    #[serde(borrow)]
    timestamp: Times<'a>,
    #[serde(borrow)]
    data: BTreeMap<String, List<'a>>,
    #[serde(borrow, default)]
    updated_at: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Steps<'a> {
    #[serde(borrow)]
    first: &'a RawValue,
    steps: Vec<i64>,
}

#[derive(Deserialize)]
struct Sparse<'a> {
    rows: Vec<usize>,
    #[serde(borrow)]
    values: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Times<'a>(#[serde(borrow)] &'a RawValue);

#[derive(Deserialize)]
#[serde(transparent)]
struct List<'a>(#[serde(borrow)] &'a RawValue);

impl Times<'_> {
    /// Each time as JSON; `None` where it takes more than adding to know them.
    fn each(&self) -> Option<Vec<String>> {
        if let Ok(times) = serde_json::from_str::<Vec<&RawValue>>(self.0.get()) {
            return Some(
                times
                    .into_iter()
                    .map(|time| time.get().to_owned())
                    .collect(),
            );
        }
        let steps: Steps<'_> = serde_json::from_str(self.0.get()).ok()?;
        let mut time: i128 = steps.first.get().parse().ok()?;
        let mut times = vec![time.to_string()];
        for step in steps.steps {
            time += i128::from(step);
            times.push(time.to_string());
        }
        Some(times)
    }
}

impl List<'_> {
    /// The values with their rows.
    fn each(&self) -> Vec<(usize, String)> {
        if let Ok(values) = serde_json::from_str::<Vec<&RawValue>>(self.0.get()) {
            return values
                .into_iter()
                .map(|value| value.get().to_owned())
                .enumerate()
                .collect();
        }
        let sparse: Sparse<'_> = serde_json::from_str(self.0.get()).expect("it was accepted");
        assert_eq!(sparse.rows.len(), sparse.values.len());
        assert!(sparse.rows.is_sorted_by(|left, right| left < right));
        let values = sparse
            .values
            .into_iter()
            .map(|value| value.get().to_owned());
        sparse.rows.into_iter().zip(values).collect()
    }
}

impl Group<'_> {
    /// The records of the documented form.
    fn records(&self) -> Option<Vec<String>> {
        let times = self.timestamp.each()?;
        let mut data = vec![Vec::new(); times.len()];
        for (name, list) in &self.data {
            let name = serde_json::to_string(name).expect("a text is JSON");
            for (row, value) in list.each() {
                data[row].push(format!("{name}:{value}"));
            }
        }
        let mut stamps = vec![None; times.len()];
        match self.updated_at.map(RawValue::get) {
            None => {}
            Some(all) if all.starts_with(['"', 'n']) => stamps.fill(Some(all.to_owned())),
            Some(_) => {
                for (row, stamp) in self.updated_at.map(List)?.each() {
                    stamps[row] = Some(stamp);
                }
            }
        }
        let rows = times.into_iter().zip(data).zip(stamps);
        let record = |((time, data), stamp): ((String, Vec<String>), Option<String>)| {
            format!(
                r#"{{"sensor_type":{},"timestamp":{time},"data":{{{}}},"updated_at":{}}}"#,
                self.sensor_type,
                data.join(","),
                stamp.as_deref().unwrap_or("null"),
            )
        };
        Some(rows.map(record).collect())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let max = FREE_BYTES + BYTES_PER_BYTE * bytes.len();
    let parsed = within(max, || PushBatch::parse_columns(bytes));
    let Some((text, batch)) = understood(bytes, parsed) else {
        return;
    };
    // Numbers without white space between them are read another way.
    for respaced in [minified(text), scattered(text)] {
        assert_eq!(
            PushBatch::parse_columns(respaced.as_bytes()).as_ref(),
            Ok(&batch)
        );
    }
    // A body with a repeated member, or a name that is no text, is no `Body`; what is in it was checked above.
    if let Ok(body) = serde_json::from_str::<Body<'_>>(text) {
        is_what_its_rows_are(&batch, &body);
    }
});

/// The rows, written as records of the documented form, are the same push.
fn is_what_its_rows_are(batch: &PushBatch, body: &Body<'_>) {
    let records: Option<Vec<_>> = body.columns.iter().map(Group::records).collect();
    let Some(records) = records else { return };
    let records = records.concat();
    let documented = format!(
        r#"{{"session":{},"sensor_data":[{}]}}"#,
        body.session,
        records.join(",")
    );
    let documented = PushBatch::parse(documented.as_bytes()).expect("so are its rows");
    assert_eq!(samples(batch), samples(&documented));
    assert_eq!(batch.total_records, records.len() as u64);
    assert_eq!(
        (batch.errors, batch.replaced),
        (documented.errors, documented.replaced)
    );
    // Of several faults of a row another may be named.
    let refused = |batch: &PushBatch| -> Vec<u64> {
        batch
            .error_details
            .iter()
            .map(|detail| detail.index)
            .collect()
    };
    assert!(batch.error_details.len() <= PUSH_ERROR_DETAILS_MAX_COUNT);
    assert_eq!(refused(batch), refused(&documented));
}
