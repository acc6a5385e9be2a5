//! A database of a test.

use std::thread;

use super::cluster::{SUPERUSER, TestCluster};

/// A database of a [`TestCluster`], dropped with this guard, whoever is still connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    cluster: TestCluster,
    name: String,
}

impl TestDatabase {
    pub(super) fn new(cluster: TestCluster, name: String) -> Self {
        Self { cluster, name }
    }

    /// Its URL, by the socket.
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// Its URL by the loopback address, at `port`: the cluster's, or that of a proxy.
    ///
    /// # Panics
    /// Where the cluster does not listen there.
    pub fn tcp_url(&self, port: u16) -> String {
        assert!(
            self.cluster.is_tcp(),
            "start the cluster with ClusterOptions::tcp"
        );
        format!("postgres://{SUPERUSER}@127.0.0.1:{port}/{}", self.name)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cluster it is in.
    pub fn cluster(&self) -> &TestCluster {
        &self.cluster
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let cluster = self.cluster.clone();
        // In a thread of its own, since this one may be running a test's runtime.
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            // A cluster that was stopped takes its databases along.
            runtime.map(|runtime| runtime.block_on(cluster.operate(statement)))
        });
        let _ = dropping.join();
    }
}
