//! CSV: the table as text.
//!
//! Sensors and fields have free names, and a name like `=HYPERLINK(…)` in a cell of its own is a
//! formula to a spreadsheet program. So a cell that holds a name holds either a *plain* name as it
//! is, or any other name as a JSON string: `"=HYPERLINK(…)"`, with the quotes (which CSV then doubles).
//! A plain name never begins with `"`, so a reader knows one from the other and loses nothing.
//!
//! Programs that split lines at `;`, as is usual where `,` is the decimal separator, do not see the
//! quotes of a cell behind a comma. So nothing holds a `;`: it can only stand inside of JSON strings,
//! where it is written as `\u003b`. Cells of `data` begin with `{`; all others are numbers.

use koodtx_core::json::{write_f64, write_string};
use koodtx_core::pull::RecordChunk;
use koodtx_core::sample_time::write_sample_time;

use super::ExportError;
use super::encoder::Encoder;
use super::layout::{DATA, Layout, SENSOR_TYPE, TIMESTAMP};
use super::row::{Row, for_each_row};

/// Writes a header, and a line a record.
#[derive(Debug)]
pub(super) struct CsvEncoder {
    layout: Layout,
    row: Row,
    out: String,
}

impl CsvEncoder {
    /// An encoder for tables of that layout.
    pub(super) fn new(layout: Layout) -> Self {
        let mut out = format!("{TIMESTAMP},{SENSOR_TYPE},");
        for name in layout.names() {
            write_name(&mut out, name);
            out.push(',');
        }
        out.push_str(DATA);
        out.push('\n');
        Self {
            row: Row::new(&layout),
            layout,
            out,
        }
    }
}

impl Encoder for CsvEncoder {
    fn records(&mut self, chunk: &RecordChunk) -> Result<Vec<u8>, ExportError> {
        let sensors: Vec<String> = chunk
            .series
            .iter()
            .map(|(sensor_type, _)| {
                let mut cell = String::new();
                write_name(&mut cell, sensor_type.as_str());
                cell
            })
            .collect();
        let out = &mut self.out;
        for_each_row(chunk, &self.layout, &mut self.row, |series, row| {
            write_sample_time(out, row.time);
            out.push(',');
            out.push_str(&sensors[series]);
            out.push(',');
            for number in &row.numbers {
                if let Some(number) = *number {
                    write_f64(out, number);
                }
                out.push(',');
            }
            if !row.rest.is_empty() {
                write_json(out, &row.rest);
            }
            out.push('\n');
            Ok::<_, ExportError>(())
        })?;
        self.end()
    }

    fn end(&mut self) -> Result<Vec<u8>, ExportError> {
        Ok(std::mem::take(&mut self.out).into_bytes())
    }
}

/// Writes a cell with a name.
fn write_name(out: &mut String, name: &str) {
    if is_plain(name) {
        out.push_str(name);
    } else {
        let mut json = String::new();
        write_string(&mut json, name);
        write_json(out, &json);
    }
}

/// Whether a name is harmless and needs no quotes: it begins with a letter, digit or `_`.
fn is_plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_alphanumeric() || first == '_')
        && !name.contains(|char: char| char.is_control() || matches!(char, '"' | ',' | ';'))
}

/// Writes a quoted cell with a JSON text.
fn write_json(out: &mut String, json: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in json.bytes().enumerate() {
        let escaped = match byte {
            b'"' => "\"\"",
            b';' => "\\u003b",
            _ => continue,
        };
        out.push_str(&json[plain..at]);
        out.push_str(escaped);
        plain = at + 1;
    }
    out.push_str(&json[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(name: &str) -> String {
        let mut out = String::new();
        write_name(&mut out, name);
        out
    }

    #[test]
    fn a_plain_name_is_written_as_it_is() {
        for name in ["x", "_x.y-z@1 = 2", "größe", "0", "it's"] {
            assert_eq!(cell(name), name);
        }
    }

    #[test]
    fn any_other_name_is_written_as_json() {
        for (name, json) in [
            ("", r#""""#),
            ("=1+1", r#""=1+1""#),
            ("＝1+1", r#""＝1+1""#),
            (" =1", r#"" =1""#),
            ("'", r#""'""#),
            ("a,b", r#""a,b""#),
            ("a;=1", r#""a\u003b=1""#),
            ("a\"b\n", r#""a\"b\n""#),
        ] {
            assert_eq!(cell(name), format!("\"{}\"", json.replace('"', "\"\"")));
        }
    }
}
