//! The file formats of an export.

use std::str::FromStr;

/// A file format that a session can be exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// A table as text (RFC 4180).
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// A table in columns, compressed.
    Parquet,
}

/// The text names no format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("has to be `csv`, `ndjson` or `parquet`")]
pub struct ExportFormatError;

impl ExportFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Ndjson, Self::Parquet];

    /// The media type of the file.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// What the file's name ends in, without the dot. Also the name of the format.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

impl FromStr for ExportFormat {
    type Err = ExportFormatError;

    fn from_str(text: &str) -> Result<Self, ExportFormatError> {
        Self::ALL
            .into_iter()
            .find(|format| format.extension() == text)
            .ok_or(ExportFormatError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_named_by_its_extension() {
        for format in ExportFormat::ALL {
            assert_eq!(format.extension().parse(), Ok(format));
        }
        for text in ["", "CSV", "json", "csv "] {
            assert_eq!(text.parse::<ExportFormat>(), Err(ExportFormatError));
        }
    }
}
