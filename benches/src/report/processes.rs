//! What the processes of a server and its database use together.

use super::ReportError;
use super::home::Home;
use super::server::Server;
use crate::load::Process;

/// The server and, with PostgreSQL, all processes of the cluster.
#[derive(Debug)]
pub(super) struct Processes {
    server: Process,
    postmaster: Option<Process>,
}

impl Processes {
    pub(super) fn of(server: &Server, home: &Home) -> Result<Self, ReportError> {
        Ok(Self {
            server: server.process()?,
            postmaster: home.postmaster()?,
        })
    }

    /// Processor time of all of them until now, in seconds.
    pub(super) fn cpu_seconds(&self) -> Result<f64, ReportError> {
        let mut seconds = self.server.usage()?.cpu_seconds;
        if let Some(postmaster) = &self.postmaster {
            // Children first: one that ends in between is counted twice rather than not at all.
            for child in postmaster.children() {
                seconds += child.usage().map_or(0.0, |usage| usage.cpu_seconds);
            }
            let usage = postmaster.usage()?;
            seconds += usage.cpu_seconds + usage.children_cpu_seconds;
        }
        Ok(seconds)
    }

    /// The most resident memory that the server ever had, in bytes.
    pub(super) fn server_peak_bytes(&self) -> Result<u64, ReportError> {
        Ok(self.server.usage()?.resident_peak_bytes)
    }
}
