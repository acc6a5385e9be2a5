//! Whom the server runs as: PostgreSQL refuses root.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// Accounts that may run the server when the test runs as root, the best first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// An account of the system; none where the test's own will do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account(Option<(u32, u32)>);

impl Account {
    /// An account that PostgreSQL accepts.
    pub(super) fn unprivileged() -> Self {
        if !rustix::process::geteuid().is_root() {
            return Self(None);
        }
        let accounts = fs::read_to_string("/etc/passwd").expect("reads /etc/passwd");
        let found = CANDIDATES
            .iter()
            .find_map(|name| ids_of(&accounts, name))
            .unwrap_or_else(|| {
                panic!(
                    "PostgreSQL does not run as root, and /etc/passwd has none of {CANDIDATES:?}: \
                     add one, or run the tests as another user"
                )
            });
        Self(Some(found))
    }

    /// Lets `command` run as this account.
    pub(super) fn adopt(self, command: &mut Command) -> &mut Command {
        match self.0 {
            Some((user, group)) => command.uid(user).gid(group),
            None => command,
        }
    }

    /// Hands a folder over to it.
    pub(super) fn own(self, folder: &Path) {
        if let Some((user, group)) = self.0 {
            std::os::unix::fs::chown(folder, Some(user), Some(group)).expect("hands a folder over");
        }
    }
}

/// User and group of a name in a text of the form of `/etc/passwd`.
fn ids_of(accounts: &str, name: &str) -> Option<(u32, u32)> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some((user, group))
    })
}

#[cfg(test)]
mod tests {
    use super::ids_of;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let text = "root:x:0:0:root:/root:/bin/sh\n\
                    postgresql:x:7:8::/:/bin/sh\n\
                    postgres:x:103:112:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(ids_of(text, "postgres"), Some((103, 112)));
        assert_eq!(ids_of(text, "nobody"), None);
    }
}
