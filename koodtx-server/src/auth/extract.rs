//! Who calls: the bearer tokens of a request, as poem-openapi extractors.

use koodtx_core::service::Caller;
use koodtx_core::store::User;
use poem::http::header;
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::AuthError;
use crate::app::App;
use crate::error::ApiError;
use crate::http::RequestId;

/// The caller of a request that carries a valid access token of an active account.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) caller: Caller,
    pub(crate) user: User,
}

/// The refresh token of a request, not yet checked.
pub(crate) struct RefreshToken(pub(crate) String);

fn bearer_token(request: &Request) -> Result<&str, AuthError> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)
        .ok_or(AuthError::TokenMissing)?;
    let text = value.to_str().map_err(|_| AuthError::TokenInvalid)?;
    let (scheme, token) = text.split_once(' ').ok_or(AuthError::TokenMissing)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(AuthError::TokenMissing)
    }
}

fn scheme(description: &'static str) -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "http",
        description: Some(description),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: Some("JWT"),
        flows: None,
        openid_connect_url: None,
    }
}

impl<'a> ApiExtractor<'a> for Access {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            "access_token",
            scheme("The `access_token` of a register, login or refresh answer."),
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["access_token"]
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let app = App::of(request)?;
        let token = bearer_token(request).map_err(ApiError::from)?;
        let found = app.accounts.authenticate(token, app.service.now()).await;
        let (mut caller, user) = found.map_err(ApiError::from)?;
        caller.request_id = request
            .extensions()
            .get::<RequestId>()
            .map(RequestId::to_text);
        // Not before: a token that was revoked must not use up what the account may send.
        let counted = app.request_rates.by_account(caller.user);
        counted.map_err(ApiError::from)?;
        Ok(Self { caller, user })
    }
}

impl<'a> ApiExtractor<'a> for RefreshToken {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            "refresh_token",
            scheme("The `refresh_token` of a register, login or refresh answer. Good once."),
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec!["refresh_token"]
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let token = bearer_token(request).map_err(ApiError::from)?;
        Ok(Self(token.to_owned()))
    }
}
