//! Who holds which access token: every request asks, and the answer seldom changes.

use std::collections::HashMap;

use koodtx_core::id::{SignInId, UserId};
use koodtx_core::store::{TokenHolder, User};
use koodtx_core::time::Timestamp;
use parking_lot::Mutex;

use crate::key::{KeyReader, Table};

/// Most accounts that are remembered, at most 2 KB each and mostly 300 bytes. Where more are active, all are
/// read anew now and then.
const ACCOUNTS_MAX_COUNT: usize = 8_192;
/// Most sign-ins that are remembered of an account: its devices.
const SIGN_INS_MAX_COUNT: usize = 16;

/// The sign-ins that were asked for, until their account or one of its sign-ins is written.
#[derive(Default)]
pub(crate) struct Holders {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    accounts: HashMap<UserId, Account>,
    /// How often something was forgotten.
    version: Version,
}

struct Account {
    user: User,
    /// With the times at which they expire.
    sign_ins: Vec<(SignInId, Timestamp)>,
}

/// When something was read: what is read before a write and remembered after it would stay wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version(u64);

impl Holders {
    /// The holder of a live sign-in, if it is remembered.
    pub(crate) fn find(
        &self,
        user: UserId,
        sign_in: SignInId,
        now: Timestamp,
    ) -> Option<TokenHolder> {
        let state = self.state.lock();
        let account = state.accounts.get(&user)?;
        let mut sign_ins = account.sign_ins.iter();
        sign_ins.find(|&&(id, expires_at)| id == sign_in && expires_at > now)?;
        Some(TokenHolder {
            user: account.user.clone(),
            is_signed_in: true,
        })
    }

    /// To be asked for before reading what is to be remembered.
    pub(crate) fn version(&self) -> Version {
        self.state.lock().version
    }

    /// Remembers what was read at a version, unless something was written since.
    pub(crate) fn remember(
        &self,
        read_at: Version,
        user: &User,
        sign_in: SignInId,
        expires_at: Timestamp,
    ) {
        let mut state = self.state.lock();
        if state.version != read_at {
            return;
        }
        if state.accounts.len() >= ACCOUNTS_MAX_COUNT && !state.accounts.contains_key(&user.id) {
            state.accounts.clear();
        }
        let account = state.accounts.entry(user.id).or_insert_with(|| Account {
            user: user.clone(),
            sign_ins: Vec::new(),
        });
        account.sign_ins.retain(|&(id, _)| id != sign_in);
        if account.sign_ins.len() >= SIGN_INS_MAX_COUNT {
            account.sign_ins.clear();
        }
        account.sign_ins.push((sign_in, expires_at));
    }

    /// Hears of every key that was written, after it was.
    pub(crate) fn written(&self, key: &[u8]) {
        let is_of_account = [Table::Account, Table::Family]
            .iter()
            .any(|&table| key.first() == Some(&(table as u8)));
        if !is_of_account {
            return;
        }
        let mut state = self.state.lock();
        state.version.0 += 1;
        match KeyReader::new(key).user() {
            Ok(user) => drop(state.accounts.remove(&user)),
            Err(_) => state.accounts.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::key::Key;

    const NOW: Timestamp = Timestamp::from_micros(1_000);
    const LATER: Timestamp = Timestamp::from_micros(2_000);
    const SIGN_IN: SignInId = SignInId(Uuid::from_u128(1));

    fn user(id: i64) -> User {
        User {
            id: UserId(id),
            username: format!("user{id}"),
            email: format!("user{id}@example.com"),
            device_id: None,
            is_active: true,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    fn remembering(id: i64) -> Holders {
        let holders = Holders::default();
        holders.remember(holders.version(), &user(id), SIGN_IN, LATER);
        assert!(holders.find(UserId(id), SIGN_IN, NOW).is_some());
        holders
    }

    #[test]
    fn a_sign_in_is_remembered_until_it_expires() {
        let holders = remembering(1);
        assert!(holders.find(UserId(1), SIGN_IN, LATER).is_none());
        let other = SignInId(Uuid::from_u128(2));
        assert!(holders.find(UserId(1), other, NOW).is_none());
        assert!(holders.find(UserId(2), SIGN_IN, NOW).is_none());
    }

    #[test]
    fn writing_an_account_or_a_sign_in_of_it_forgets_it() {
        let family = Key::family(UserId(1), SignInId(Uuid::from_u128(7)));
        for key in [Key::account(UserId(1)), family] {
            let holders = remembering(1);
            holders.written(Key::user_record(UserId(1)).as_bytes());
            holders.written(Key::account(UserId(2)).as_bytes());
            assert!(holders.find(UserId(1), SIGN_IN, NOW).is_some());
            holders.written(key.as_bytes());
            assert!(holders.find(UserId(1), SIGN_IN, NOW).is_none());
        }
    }

    #[test]
    fn what_was_read_before_a_write_is_not_remembered_after_it() {
        let holders = Holders::default();
        let version = holders.version();
        holders.written(Key::account(UserId(1)).as_bytes());
        holders.remember(version, &user(1), SIGN_IN, LATER);
        assert!(holders.find(UserId(1), SIGN_IN, NOW).is_none());
    }

    #[test]
    fn it_remembers_no_more_than_so_many() {
        let holders = Holders::default();
        for id in 0..=ACCOUNTS_MAX_COUNT as i64 {
            holders.remember(holders.version(), &user(id), SIGN_IN, LATER);
        }
        assert_eq!(holders.state.lock().accounts.len(), 1);
        for number in 0..=SIGN_INS_MAX_COUNT as u128 {
            let sign_in = SignInId(Uuid::from_u128(number));
            holders.remember(holders.version(), &user(1), sign_in, LATER);
            assert!(holders.find(UserId(1), sign_in, NOW).is_some());
        }
        let state = holders.state.lock();
        assert_eq!(state.accounts[&UserId(1)].sign_ins.len(), 1);
    }
}
