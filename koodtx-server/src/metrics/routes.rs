//! The routes of the API, as labels.

use std::collections::HashMap;
use std::sync::Arc;

/// The route of a request that fits none.
const NO_ROUTE: &str = "(none)";

/// The routes that there are. No other becomes a label, whatever a client asks for.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    by_pattern: Arc<HashMap<String, Arc<str>>>,
    none: Arc<str>,
}

impl Routes {
    /// Those of these templates, like `/api/sessions/{session_id}`.
    pub(crate) fn of(templates: impl IntoIterator<Item = String>) -> Self {
        let known = templates
            .into_iter()
            .map(|template| (pattern(&template), template.into()));
        Self {
            by_pattern: Arc::new(known.collect()),
            none: NO_ROUTE.into(),
        }
    }

    /// The template of a pattern as the router knows it.
    pub(super) fn template(&self, pattern: Option<&str>) -> Arc<str> {
        let found = pattern.and_then(|pattern| self.by_pattern.get(pattern));
        found.unwrap_or(&self.none).clone()
    }
}

/// The pattern that the router makes of a template: it numbers the parameters.
fn pattern(template: &str) -> String {
    let mut count = 0;
    let segments = template.split('/').map(|segment| {
        if !segment.starts_with('{') {
            return segment.to_owned();
        }
        count += 1;
        format!(":param{}", count - 1)
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_the_router_is_known_by_its_template() {
        let routes = Routes::of(["/a".to_owned(), "/a/{x}/b/{y}".to_owned()]);
        let label = |pattern| routes.template(pattern).to_string();
        assert_eq!(label(Some("/a/:param0/b/:param1")), "/a/{x}/b/{y}");
        assert_eq!(label(Some("/a")), "/a");
        assert_eq!(label(Some("/a/1/b/2")), "(none)");
        assert_eq!(label(None), "(none)");
    }
}
