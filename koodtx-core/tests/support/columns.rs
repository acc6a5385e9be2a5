//! The same records in both forms of a push body.

use std::collections::BTreeMap;

/// A record with its parts as they stand in a body, so that they may be wrong.
#[derive(Clone, Debug)]
pub struct Parts {
    /// `sensor_type`, as JSON.
    pub sensor_type: String,
    /// `timestamp`, as JSON.
    pub timestamp: String,
    /// The members of `data` as JSON, by their names as JSON.
    pub data: BTreeMap<String, String>,
    /// `updated_at`, as JSON, if there is one.
    pub updated_at: Option<String>,
}

/// How lists are written where there is a choice.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Spelling {
    /// Times as a first one and steps, where all are whole milliseconds.
    pub steps: bool,
    /// Lists with row numbers also where every row has the field.
    pub sparse: bool,
    /// White space between the tokens.
    pub spaced: bool,
    /// `data` in front of what it belongs to.
    pub data_first: bool,
}

impl Parts {
    /// The record of the documented form.
    pub fn record(&self) -> String {
        let members: Vec<String> = self
            .data
            .iter()
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        let stamp = self
            .updated_at
            .iter()
            .map(|stamp| format!(r#","updated_at":{stamp}"#));
        format!(
            r#"{{"sensor_type":{},"timestamp":{},"data":{{{}}}{}}}"#,
            self.sensor_type,
            self.timestamp,
            members.join(","),
            stamp.collect::<String>(),
        )
    }
}

/// Deals records out to groups, one a sensor in each run of at most `run` records, and returns them in
/// the order of rows.
pub fn grouped(records: Vec<Parts>, run: usize) -> Vec<Vec<Parts>> {
    let mut groups: Vec<Vec<Parts>> = Vec::new();
    let mut from = 0;
    for (index, record) in records.into_iter().enumerate() {
        if index % run == 0 {
            from = groups.len();
        }
        match groups[from..]
            .iter_mut()
            .find(|group| group[0].sensor_type == record.sensor_type)
        {
            Some(group) => group.push(record),
            None => groups.push(vec![record]),
        }
    }
    groups
}

/// A group of the columnar form, of records of one sensor.
pub fn group(records: &[Parts], spelling: Spelling) -> String {
    let mut fields: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for (row, record) in records.iter().enumerate() {
        for (name, value) in &record.data {
            fields.entry(name).or_default().push((row, value));
        }
    }
    let stamps: Vec<(usize, &str)> = records
        .iter()
        .enumerate()
        .filter_map(|(row, record)| Some((row, record.updated_at.as_deref()?)))
        .collect();
    let fields: Vec<String> = fields
        .into_iter()
        .map(|(name, values)| format!("{name}:{}", list(&values, records.len(), spelling)))
        .collect();
    let data = format!(r#""data":{{{}}}"#, fields.join(","));
    let mut members = vec![
        format!(r#""sensor_type":{}"#, records[0].sensor_type),
        format!(r#""timestamp":{}"#, times(records, spelling)),
        data,
    ];
    if spelling.data_first {
        members.reverse();
    }
    if !stamps.is_empty() {
        members.push(format!(
            r#""updated_at":{}"#,
            list(&stamps, records.len(), spelling)
        ));
    }
    format!("{{{}}}", members.join(spelling.comma()))
}

impl Spelling {
    fn comma(self) -> &'static str {
        if self.spaced { " ,\n" } else { "," }
    }
}

fn times(records: &[Parts], spelling: Spelling) -> String {
    let whole: Option<Vec<i64>> = records
        .iter()
        .map(|record| record.timestamp.parse().ok())
        .collect();
    if let (Some(whole), true) = (whole, spelling.steps) {
        let steps: Vec<String> = whole
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).to_string())
            .collect();
        return format!(
            r#"{{"first":{},"steps":[{}]}}"#,
            whole[0],
            steps.join(spelling.comma())
        );
    }
    let times: Vec<&str> = records.iter().map(|record| &*record.timestamp).collect();
    format!("[{}]", times.join(spelling.comma()))
}

fn list(values: &[(usize, &str)], rows: usize, spelling: Spelling) -> String {
    let comma = spelling.comma();
    let texts: Vec<&str> = values.iter().map(|(_, value)| *value).collect();
    let texts = texts.join(comma);
    if values.len() == rows && !spelling.sparse {
        return format!("[{texts}]");
    }
    let present: Vec<String> = values.iter().map(|(row, _)| row.to_string()).collect();
    format!(
        r#"{{"rows":[{}]{comma}"values":[{texts}]}}"#,
        present.join(comma)
    )
}
