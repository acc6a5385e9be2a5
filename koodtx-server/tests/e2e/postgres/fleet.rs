//! Several servers on one database.

use koodtx_store_postgres::testing::{TestCluster, TestDatabase};

use crate::support::{Folder, Server};

const SERVERS_COUNT: usize = 2;

/// Server processes that share a database.
pub struct Fleet {
    pub servers: Vec<Server>,
    pub folder: Folder,
    // Last: it is dropped when nobody uses it any more.
    _database: TestDatabase,
}

impl Fleet {
    pub async fn start() -> Self {
        let database = TestCluster::shared().database().await;
        let folder = Folder::on(database.url());
        Self {
            servers: (0..SERVERS_COUNT).map(|_| folder.start()).collect(),
            folder,
            _database: database,
        }
    }

    /// Stops all servers, and fails unless `records` are stored and nothing is wrong with them.
    pub fn finish(self, records: u64) {
        self.servers.into_iter().for_each(Server::stop);
        assert_eq!(self.folder.verify(), records);
        self.folder.assert_no_panic();
        let log = self.folder.log();
        assert!(!log.contains("ERROR"), "{log}");
    }
}
