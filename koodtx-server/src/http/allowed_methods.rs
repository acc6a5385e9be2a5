//! Which methods each path knows.

use std::collections::HashMap;

use poem::http::Method;

/// The methods that each path knows, for the `Allow` of a 405 and for pages of other origins.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllowedMethods(HashMap<String, Vec<String>>);

impl AllowedMethods {
    pub(crate) fn add(&mut self, pattern: String, method: &Method) {
        self.0.entry(pattern).or_default().push(method.to_string());
    }

    /// The methods of the path, in order; none where there is nothing at it.
    pub(super) fn of(&self, path: &str) -> Vec<String> {
        let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let asked = segments(path);
        let fits = |pattern: &str| {
            let known = segments(pattern);
            known.len() == asked.len()
                && known
                    .iter()
                    .zip(&asked)
                    .all(|(known, asked)| known.starts_with('{') || known == asked)
        };
        let mut methods: Vec<_> = self
            .0
            .iter()
            .filter(|(pattern, _)| fits(pattern))
            .flat_map(|(_, methods)| methods.clone())
            .collect();
        if methods.iter().any(|method| method == "GET") {
            methods.push("HEAD".to_owned());
        }
        methods.sort();
        methods
    }
}
