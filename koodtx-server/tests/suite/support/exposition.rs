use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::server::TestServer;

const PATIENCE: Duration = Duration::from_secs(30);

/// The samples of one scrape, by name and labels as they are written.
#[derive(Debug)]
pub struct Exposition {
    samples: BTreeMap<String, f64>,
    text: String,
}

impl Exposition {
    /// Scrapes a server whose metrics are on.
    pub async fn of(server: &TestServer) -> Self {
        let url = format!("http://{}/metrics", server.metrics.unwrap());
        let response = server.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()["content-type"],
            "text/plain; version=0.0.4; charset=utf-8"
        );
        Self::parse(&response.text().await.unwrap())
    }

    /// Scrapes until a sample has that value.
    pub async fn until(server: &TestServer, sample: &str, value: f64) -> Self {
        let began = Instant::now();
        loop {
            let scrape = Self::of(server).await;
            if scrape.find(sample) == Some(value) {
                return scrape;
            }
            assert!(began.elapsed() < PATIENCE, "{}", scrape.text);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Reads the text format, and accepts nothing that a scraper might not.
    #[track_caller]
    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has no end");
        let mut samples = BTreeMap::new();
        let mut families = BTreeSet::new();
        let mut family: Option<(&str, &str)> = None;
        let mut help = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, words) = rest.split_once(' ').expect(line);
                assert!(!words.trim().is_empty(), "{line}");
                assert!(families.insert(name), "{name} stands twice");
                help = Some(name);
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect(line);
                assert_eq!(help.take(), Some(name), "{line}");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(kind != "counter" || name.ends_with("_total"), "{line}");
                family = Some((name, kind));
            } else {
                let (name, labels, value) = sample(line);
                let (of, kind) = family.expect(line);
                let suffix = name.strip_prefix(of).expect(line);
                let fits = match kind {
                    "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
                    _ => suffix.is_empty(),
                };
                assert!(fits, "{line} in the family {of}");
                let key = if labels.is_empty() {
                    name.to_owned()
                } else {
                    format!("{name}{{{labels}}}")
                };
                assert!(samples.insert(key, value).is_none(), "{line} stands twice");
            }
        }
        let text = text.to_owned();
        let read = Self { samples, text };
        read.check_histograms();
        read
    }

    /// The value of a sample, such as `koodtx_samples_total{outcome="inserted"}`.
    #[track_caller]
    pub fn value(&self, sample: &str) -> f64 {
        let found = self.find(sample);
        found.unwrap_or_else(|| panic!("{sample} is not there:\n{}", self.text))
    }

    pub fn find(&self, sample: &str) -> Option<f64> {
        self.samples.get(sample).copied()
    }

    /// How many samples begin like that.
    pub fn count(&self, beginning: &str) -> usize {
        let names = self.samples.keys();
        names.filter(|name| name.starts_with(beginning)).count()
    }

    /// The names of all samples.
    pub fn names(&self) -> BTreeSet<&str> {
        let names = self.samples.keys();
        names.map(|key| key.split('{').next().unwrap()).collect()
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Buckets only grow, and the last one holds all.
    #[track_caller]
    fn check_histograms(&self) {
        let mut last: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for (key, count) in &self.samples {
            // `role` ends like `le`.
            let Some((head, bound)) = key
                .split_once("le=\"")
                .filter(|(head, _)| head.contains("_bucket{"))
            else {
                continue;
            };
            let bound = bound.strip_suffix("\"}").expect(key);
            let bound = bound.replace("+Inf", "inf").parse().expect(key);
            let buckets = last.entry(head.to_owned()).or_default();
            buckets.push((bound, *count));
        }
        for (head, mut buckets) in last {
            buckets.sort_by(|left, right| left.0.total_cmp(&right.0));
            assert!(
                buckets.is_sorted_by(|left, right| left.1 <= right.1),
                "{head}"
            );
            let (bound, total) = *buckets.last().unwrap();
            assert!(bound.is_infinite(), "{head}");
            let (name, labels) = head.split_once("_bucket{").unwrap();
            let labels = labels.trim_end_matches(',');
            let count = match labels {
                "" => format!("{name}_count"),
                labels => format!("{name}_count{{{labels}}}"),
            };
            assert_eq!(self.value(&count), total, "{head}");
        }
    }
}

/// A line as its name, its labels and its value.
#[track_caller]
fn sample(line: &str) -> (&str, &str, f64) {
    let (key, value) = line.rsplit_once(' ').expect(line);
    let value = value.replace("+Inf", "inf").parse().expect(line);
    let (name, labels) = match key.split_once('{') {
        None => (key, ""),
        Some((name, rest)) => (name, rest.strip_suffix('}').expect(line)),
    };
    let is_name = |name: &str| {
        let mut chars = name.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic())
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    assert!(is_name(name), "{line}");
    let mut rest = labels;
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").expect(line);
        assert!(is_name(label), "{line}");
        // No value of ours needs an escape.
        let (value, after) = after.split_once('"').expect(line);
        assert!(!value.contains('\\'), "{line}");
        rest = after.strip_prefix(',').unwrap_or(after);
        assert!(rest.is_empty() || after.starts_with(','), "{line}");
    }
    (name, labels, value)
}
