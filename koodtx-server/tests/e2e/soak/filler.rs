//! A user whose one session fills the cache of the embedded store: it is full from the beginning, and what
//! grows beyond is no cache.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use crate::memory::shape::Shape;
use crate::support::{Device, Server};

const SHAPE: Shape = Shape::TEXTS;

pub struct Filler {
    device: Device,
}

impl Filler {
    /// Stores the session.
    pub async fn store(server: &Server) -> Self {
        let device = Device::register(server, "filler").await.patient();
        for push in 0..SHAPE.pushes_count {
            let answer = device.push(SHAPE.body(push)).await;
            answer.expect("the server answers").ok();
        }
        Self { device }
    }

    /// Has the server read it.
    pub async fn fill(&self, server: &Server) {
        let device = self.device.at(server);
        let pull = device.request(Method::POST, "/api/sync/pull");
        let pull = pull.header(CONTENT_TYPE, "application/json").body("{}");
        let mut response = pull.send().await.expect("the server answers");
        assert_eq!(response.status(), 200);
        while response.chunk().await.expect("a whole answer").is_some() {}
    }

    /// How many records its session has.
    pub fn records_count() -> u64 {
        SHAPE.records_count() as u64
    }
}
