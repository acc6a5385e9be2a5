use koodtx_core::store::User;
use poem_openapi::Object;
use poem_openapi::types::Example;
use uuid::Uuid;

use super::{DeviceId, Email, Nullable, Username, WireSignInId, WireTime};

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

/// A new account.
#[derive(Object)]
#[oai(rename = "Register", example)]
pub struct RegisterBody {
    /// 3 to 80 characters, no control characters, no space at either end; unique without regard to case.
    pub username: Username,
    /// Up to 120 characters; unique without regard to case.
    pub email: Email,
    /// 8 to 128 characters.
    #[oai(validator(min_length = 8, max_length = 128))]
    pub password: String,
    /// The device that registers, up to 100 characters, no control characters, no space at either end; a
    /// device registers one account.
    pub device_id: DeviceId,
}

impl Example for RegisterBody {
    fn example() -> Self {
        Self {
            username: Username("ann".to_owned()),
            email: Email("ann@example.com".to_owned()),
            password: "correct horse battery".to_owned(),
            device_id: DeviceId("phone-1".to_owned()),
        }
    }
}

/// A sign-in.
#[derive(Object)]
#[oai(rename = "Login", example)]
pub struct LoginBody {
    /// The name, in any case.
    pub username: String,
    /// The password.
    pub password: String,
    /// The device that signs in. Absent or null: none.
    #[oai(skip_serializing_if_is_none)]
    pub device_id: Option<Nullable<DeviceId>>,
}

impl Example for LoginBody {
    fn example() -> Self {
        let RegisterBody {
            username,
            password,
            device_id,
            ..
        } = RegisterBody::example();
        Self {
            username: username.0,
            password,
            device_id: Some(Nullable(Some(device_id))),
        }
    }
}

/// An account.
#[derive(Object)]
#[oai(rename = "User", example)]
pub struct WireUser {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub username: String,
    /// Its email address.
    pub email: String,
    /// The device that registered it; null where an operator created the account.
    pub device_id: Nullable<String>,
    /// False for a disabled account.
    pub is_active: bool,
    /// When it was registered.
    pub created_at: WireTime,
    /// When it last changed.
    pub updated_at: WireTime,
}

impl From<User> for WireUser {
    fn from(user: User) -> Self {
        Self {
            id: user.id.0,
            username: user.username,
            email: user.email,
            device_id: Nullable(user.device_id),
            is_active: user.is_active,
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
        }
    }
}

impl Example for WireUser {
    fn example() -> Self {
        let RegisterBody {
            username,
            email,
            device_id,
            ..
        } = RegisterBody::example();
        Self {
            id: 1,
            username: username.0,
            email: email.0,
            device_id: Nullable(Some(device_id.0)),
            is_active: true,
            created_at: WireTime::example_millis(1_762_992_000_000),
            updated_at: WireTime::example_millis(1_762_992_000_000),
        }
    }
}

/// An account that has just signed in.
#[derive(Object)]
#[oai(rename = "SignedIn", example)]
pub struct SignedInAnswer {
    /// A sentence for people.
    pub message: String,
    /// The account.
    pub user: WireUser,
    /// For the API; good for an hour.
    pub access_token: String,
    /// For `/api/auth/refresh`; good once, for 30 days.
    pub refresh_token: String,
}

impl Example for SignedInAnswer {
    fn example() -> Self {
        Self {
            message: "Login successful".to_owned(),
            user: WireUser::example(),
            access_token: TOKEN.to_owned(),
            refresh_token: TOKEN.to_owned(),
        }
    }
}

/// A new pair of tokens.
#[derive(Object)]
#[oai(rename = "Tokens", example)]
pub struct TokensAnswer {
    /// For the API.
    pub access_token: String,
    /// For the next pair.
    pub refresh_token: String,
}

impl Example for TokensAnswer {
    fn example() -> Self {
        Self {
            access_token: TOKEN.to_owned(),
            refresh_token: TOKEN.to_owned(),
        }
    }
}

/// A sentence.
#[derive(Object)]
#[oai(rename = "Message", example)]
pub struct MessageAnswer {
    /// For people.
    pub message: String,
}

impl Example for MessageAnswer {
    fn example() -> Self {
        Self {
            message: "Logged out".to_owned(),
        }
    }
}

/// The account that calls.
#[derive(Object)]
#[oai(rename = "Me", example)]
pub struct MeAnswer {
    /// The account.
    pub user: WireUser,
}

impl Example for MeAnswer {
    fn example() -> Self {
        Self {
            user: WireUser::example(),
        }
    }
}

/// A new password, and the one before it.
#[derive(Object)]
#[oai(rename = "ChangePassword", example)]
pub struct PasswordBody {
    /// The password until now.
    pub current_password: String,
    /// 8 to 128 characters.
    #[oai(validator(min_length = 8, max_length = 128))]
    pub new_password: String,
}

impl Example for PasswordBody {
    fn example() -> Self {
        Self {
            current_password: "correct horse battery".to_owned(),
            new_password: "staple of a new one".to_owned(),
        }
    }
}

/// That the caller is who owns the account.
#[derive(Object)]
#[oai(rename = "DeleteAccount", example)]
pub struct DeleteAccountBody {
    /// The password of the account.
    pub password: String,
}

impl Example for DeleteAccountBody {
    fn example() -> Self {
        Self {
            password: "correct horse battery".to_owned(),
        }
    }
}

/// Where a user is signed in.
#[derive(Object)]
#[oai(rename = "Devices", example)]
pub struct DevicesAnswer {
    /// Sign-ins that have not expired, the oldest first.
    pub devices: Vec<DeviceBody>,
}

impl Example for DevicesAnswer {
    fn example() -> Self {
        Self {
            devices: vec![DeviceBody::example()],
        }
    }
}

/// One sign-in.
#[derive(Object)]
#[oai(rename = "Device", example)]
pub struct DeviceBody {
    /// Names the sign-in.
    pub sign_in_id: WireSignInId,
    /// On which device; null where it did not say.
    pub device_id: Nullable<String>,
    /// When it began.
    pub created_at: WireTime,
    /// When it ends unless it is refreshed.
    pub expires_at: WireTime,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

impl Example for DeviceBody {
    fn example() -> Self {
        Self {
            sign_in_id: WireSignInId(Uuid::from_u128(0x5c7f_9f0e_3a55_4d2c_9d5f_2f6f_3b0b_8f11)),
            device_id: Nullable(Some("phone-1".to_owned())),
            created_at: WireTime::example_millis(1_763_035_200_122),
            expires_at: WireTime::example_millis(1_765_627_200_122),
            is_current: true,
        }
    }
}
