//! What kind of cluster a test needs.

/// Settings of a [`TestCluster`](super::TestCluster). The default is fast and forgets everything in
/// a power cut, which no test causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterOptions {
    durable: bool,
    tcp: bool,
}

impl ClusterOptions {
    /// Waits for the disk, as a server in earnest does: for crashes and for measurements.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Listens on a free port of the loopback address too, for whoever puts a proxy in between.
    #[must_use]
    pub fn tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    pub(super) fn is_tcp(self) -> bool {
        self.tcp
    }

    /// Settings of the server that follow from these.
    pub(super) fn settings(self) -> Vec<String> {
        let listen = if self.tcp { "127.0.0.1" } else { "" };
        let mut settings = vec![
            format!("listen_addresses={listen}"),
            "max_connections=200".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "synchronous_commit=on".to_owned(),
        ];
        if !self.durable {
            settings.extend(
                [
                    "fsync=off",
                    "full_page_writes=off",
                    // A cluster sees hundreds of databases come and go.
                    "max_wal_size=128MB",
                ]
                .map(str::to_owned),
            );
        }
        settings
    }
}
