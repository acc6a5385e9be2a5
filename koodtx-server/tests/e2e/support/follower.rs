//! A device that follows the server round by round, as the protocol says.

use koodtx_core::time::Timestamp;
use serde_json::{Map, Value, json};

use super::device::{Away, time};
use super::{Device, Mirror, Server};

/// Most pages of a round; a server that always says `has_more` would keep the device for ever.
const ROUND_PAGES_MAX_COUNT: usize = 100_000;

/// How a device asks.
#[derive(Clone, Debug)]
pub enum Style {
    /// Page numbers; every session comes with all its records.
    Pages { size: usize },
    /// Cursors and bounded answers; sessions come with what changed.
    Cursors { size: usize, max_records: usize },
    /// The same in the columnar form.
    Columns { size: usize, max_records: usize },
}

/// A device and its copy.
pub struct Follower {
    pub copy: Mirror,
    device: Device,
    style: Style,
    since: Option<String>,
    latest: Timestamp,
}

impl Follower {
    pub fn new(device: Device, style: Style) -> Self {
        Self {
            copy: Mirror::default(),
            device,
            style,
            since: None,
            latest: Timestamp::ZERO,
        }
    }

    /// Everything a device without a copy gets.
    pub async fn whole_copy(device: &Device) -> Mirror {
        let mut follower = Self::new(device.clone(), Style::Pages { size: 100 });
        follower.round().await.expect("the server answers");
        follower.copy
    }

    /// Goes on with a server that was started again.
    pub fn reconnect(&mut self, server: &Server) {
        self.device = self.device.at(server);
    }

    /// The highest user clock that the device was told.
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Pulls all pages of one round; the ids of the sessions that came. Where the server or its store
    /// goes away in the middle, the round begins anew next time.
    pub async fn round(&mut self) -> Result<Vec<String>, Away> {
        let keeps_records = self.since.is_some() && !matches!(self.style, Style::Pages { .. });
        let mut changed = Vec::new();
        let mut cursor = Value::Null;
        for page in 1..=ROUND_PAGES_MAX_COUNT {
            let request = self.request(page, &cursor);
            let answer = match self.style {
                Style::Columns { .. } => self.device.pull_columns(&request).await?,
                Style::Pages { .. } | Style::Cursors { .. } => self.device.pull(&request).await?,
            };
            let answer = answer.ok_or_away()?;
            let server_timestamp = time(&answer, "server_timestamp");
            if page == 1 {
                assert!(server_timestamp >= self.latest, "the user clock went back");
                self.latest = server_timestamp;
            }
            let ids = answer["sessions"].as_array().expect("an array").iter();
            changed.extend(
                ids.filter_map(|session| session["session_id"].as_str().map(str::to_owned)),
            );
            let has_more = answer["has_more"] == true;
            cursor = answer["next_cursor"].clone();
            // Any page's will do; the last one's is the hardest to get right.
            let since = answer["server_timestamp"].as_str().map(str::to_owned);
            self.copy.apply(answer, keeps_records);
            if !has_more {
                self.since = since;
                return Ok(changed);
            }
        }
        panic!("a round of pulls does not end");
    }

    fn request(&self, page: usize, cursor: &Value) -> Value {
        let mut request = Map::new();
        match self.style {
            Style::Pages { size } => {
                request.insert("page_size".to_owned(), json!(size));
                request.insert("page".to_owned(), json!(page));
                request.insert("last_sync_time".to_owned(), json!(self.since));
            }
            Style::Cursors { size, max_records } | Style::Columns { size, max_records } => {
                request.insert("page_size".to_owned(), json!(size));
                request.insert("max_records".to_owned(), json!(max_records));
                request.insert("changes_only".to_owned(), json!(true));
                if cursor.is_null() {
                    request.insert("last_sync_time".to_owned(), json!(self.since));
                } else {
                    request.insert("cursor".to_owned(), cursor.clone());
                }
            }
        }
        Value::Object(request)
    }
}
