//! The forms in which samples travel, and how client and server agree on one.

use poem::web::Accept;

/// The media type of the columnar form.
pub(crate) const COLUMNS_MEDIA_TYPE: &str = "application/vnd.koodtx.columns+json";
/// What the media types of this protocol's own begin with.
const OWN_MEDIA_TYPES: &str = "application/vnd.koodtx.";
const JSON: &str = "application/json";

/// A form of samples in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One by one: the documented form.
    Records,
    /// In columns.
    Columns,
}

impl Form {
    /// The media type of an answer in this form.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Records => JSON,
            Self::Columns => COLUMNS_MEDIA_TYPE,
        }
    }

    /// The form of a body with that Content-Type; `None` where it is no JSON, or of a form that is not
    /// known, which must not be taken for another.
    pub(super) fn of_content_type(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        match &*essence {
            JSON => Some(Self::Records),
            COLUMNS_MEDIA_TYPE => Some(Self::Columns),
            own if own.starts_with(OWN_MEDIA_TYPES) => None,
            other if other.starts_with("application/") && other.ends_with("+json") => {
                Some(Self::Records)
            }
            _ => None,
        }
    }

    /// The form that a client asks for: the columnar one only where it is named, and JSON is not named
    /// with a greater quality.
    pub(crate) fn accepted(accept: &Accept) -> Self {
        let quality = |media_type: &str| {
            let named = accept
                .0
                .iter()
                .filter(|mime| mime.essence_str() == media_type);
            let quality = named.map(|mime| {
                let quality = mime.get_param("q");
                quality.map_or(Some(1.0), |quality| quality.as_str().parse().ok())
            });
            quality.flatten().fold(0.0_f32, f32::max)
        };
        let columns = quality(COLUMNS_MEDIA_TYPE);
        if columns > 0.0 && columns >= quality(JSON) {
            Self::Columns
        } else {
            Self::Records
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_names_a_form() {
        for (text, form) in [
            ("application/json", Some(Form::Records)),
            ("Application/JSON; charset=utf-8", Some(Form::Records)),
            ("application/problem+json", Some(Form::Records)),
            (COLUMNS_MEDIA_TYPE, Some(Form::Columns)),
            (
                " application/vnd.KooDTX.columns+JSON ;v=1",
                Some(Form::Columns),
            ),
            ("application/vnd.koodtx.columns.v2+json", None),
            ("application/vnd.koodtx.rows+json", None),
            ("text/json", None),
            ("", None),
        ] {
            assert_eq!(Form::of_content_type(text), form, "{text}");
        }
    }

    #[test]
    fn the_columnar_form_has_to_be_asked_for() {
        let accepted = |texts: &[&str]| {
            let accept = texts.iter().map(|text| text.parse().unwrap()).collect();
            Form::accepted(&Accept(accept))
        };
        let quality = |quality: &str| format!("{COLUMNS_MEDIA_TYPE};q={quality}");
        assert_eq!(accepted(&[]), Form::Records);
        assert_eq!(accepted(&["*/*", "application/*"]), Form::Records);
        assert_eq!(accepted(&["text/html"]), Form::Records);
        assert_eq!(accepted(&[COLUMNS_MEDIA_TYPE]), Form::Columns);
        assert_eq!(accepted(&["*/*", COLUMNS_MEDIA_TYPE]), Form::Columns);
        assert_eq!(accepted(&[JSON, COLUMNS_MEDIA_TYPE]), Form::Columns);
        assert_eq!(accepted(&[JSON, &quality("0.9")]), Form::Records);
        assert_eq!(
            accepted(&["application/json;q=0.5", &quality("0.9")]),
            Form::Columns
        );
        assert_eq!(accepted(&["*/*", &quality("0.1")]), Form::Columns);
        assert_eq!(accepted(&[&quality("0")]), Form::Records);
        assert_eq!(accepted(&[&quality("high")]), Form::Records);
    }
}
