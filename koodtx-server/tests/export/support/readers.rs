//! Readers of the formats that know nothing of how they are written but the documentation.

use std::collections::BTreeMap;

use bytes::Bytes;
use koodtx_core::json::{Json, Number};
use koodtx_core::sample_time::write_sample_time;
use koodtx_core::time::Timestamp;
use koodtx_server::export::ExportFormat;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::Record;

const DEPTH: usize = 32;

pub fn read(format: ExportFormat, file: &[u8]) -> Vec<Record> {
    match format {
        ExportFormat::Csv => csv(file),
        ExportFormat::Ndjson => ndjson(std::str::from_utf8(file).unwrap()),
        ExportFormat::Parquet => parquet(file),
    }
}

pub fn ndjson(text: &str) -> Vec<Record> {
    assert!(text.is_empty() || text.ends_with('\n'));
    text.split_terminator('\n').map(ndjson_line).collect()
}

fn ndjson_line(line: &str) -> Record {
    serde_json::from_str::<serde_json::Value>(line).unwrap();
    let mut members = object(line);
    let mut take = |name| members.remove(name).unwrap();
    let record = Record {
        timestamp: take("timestamp").stored_text(),
        sensor_type: match take("sensor_type") {
            Json::String(text) => text,
            other => panic!("{other:?}"),
        },
        data: take("data").stored_text(),
    };
    assert!(members.is_empty(), "{line}");
    record
}

fn csv(file: &[u8]) -> Vec<Record> {
    assert!(!file.contains(&b';'));
    let mut reader = csv::Reader::from_reader(file);
    let header: Vec<String> = reader.headers().unwrap().iter().map(csv_name).collect();
    check_header(&header);
    let record = |row: Result<csv::StringRecord, csv::Error>| {
        let row = row.unwrap();
        let mut cells = row.iter();
        let timestamp = cells.next().unwrap().to_owned();
        let sensor_type = csv_name(cells.next().unwrap());
        let rest = row.get(row.len() - 1).unwrap();
        let mut members = rest_of((!rest.is_empty()).then_some(rest));
        for (name, cell) in header.iter().zip(row.iter()).skip(2).take(row.len() - 3) {
            if !cell.is_empty() {
                let number = Json::parse(cell, 0).unwrap();
                assert!(matches!(number, Json::Number(Number::Double(_))), "{cell}");
                assert_eq!(members.insert(name.clone(), number), None);
            }
        }
        for cell in &row {
            let is_number = cell.parse::<f64>().is_ok();
            assert!(is_number || !cell.starts_with(['=', '+', '-', '@', '＝', '\t', '\r']));
        }
        Record {
            timestamp,
            sensor_type,
            data: Json::Object(members).stored_text(),
        }
    };
    reader.records().map(record).collect()
}

/// A name that begins with a quote is a JSON string.
fn csv_name(cell: &str) -> String {
    assert!(!cell.starts_with(['=', '+', '-', '@', '＝', '\t', '\r']));
    if cell.starts_with('"') {
        serde_json::from_str(cell).unwrap()
    } else {
        cell.to_owned()
    }
}

fn parquet(file: &[u8]) -> Vec<Record> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(file)).unwrap();
    let schema = reader.metadata().file_metadata().schema();
    let header: Vec<String> = schema
        .get_fields()
        .iter()
        .map(|field| field.name().to_owned())
        .collect();
    check_header(&header);
    let mut records = Vec::new();
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let (mut timestamp, mut sensor_type, mut rest) = (String::new(), None, None);
        let mut numbers = BTreeMap::new();
        for (name, field) in row.get_column_iter() {
            match (name.as_str(), field) {
                ("timestamp", &Field::TimestampMicros(micros)) => {
                    write_sample_time(&mut timestamp, Timestamp::from_micros(micros));
                }
                ("sensor_type", Field::Str(text)) => sensor_type = Some(text.clone()),
                ("data", Field::Str(text)) => rest = Some(text.as_str()),
                (name, &Field::Double(double)) => {
                    numbers.insert(name.to_owned(), Json::Number(Number::Double(double)));
                }
                (_, Field::Null) => {}
                other => panic!("{other:?}"),
            }
        }
        let mut members = rest_of(rest);
        for (name, number) in numbers {
            assert_eq!(members.insert(name, number), None);
        }
        records.push(Record {
            timestamp,
            sensor_type: sensor_type.unwrap(),
            data: Json::Object(members).stored_text(),
        });
    }
    records
}

fn check_header(header: &[String]) {
    assert_eq!(header[..2], ["timestamp", "sensor_type"]);
    assert_eq!(header.last().unwrap(), "data");
    let fields = &header[2..header.len() - 1];
    assert!(fields.is_sorted() && fields.len() <= 256);
}

fn rest_of(text: Option<&str>) -> BTreeMap<String, Json> {
    text.map(object).unwrap_or_default()
}

fn object(text: &str) -> BTreeMap<String, Json> {
    match Json::parse(text, DEPTH) {
        Ok(Json::Object(members)) => members,
        other => panic!("{other:?}: {text}"),
    }
}
