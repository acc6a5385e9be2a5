//! The PostgreSQL store, as the server opens and migrates it.

use std::sync::Arc;

use koodtx_core::store::{StoreError, StoreErrorKind};
use koodtx_store_postgres::{PostgresOptions, PostgresStore, SchemaStatus};

use super::{OpenStore, SchemaStep};
use crate::config::{Config, StoreUrl};

pub(super) async fn open(url: StoreUrl, config: Config) -> Result<OpenStore, StoreError> {
    let options = options("open", &url, &config)?;
    match PostgresStore::open(&options).await {
        Ok(store) => Ok(OpenStore {
            store: Arc::new(store.clone()),
            postgres: Some(store),
        }),
        // All that is known is that no connection came up in time; trying one by itself says why.
        Err(error) if error.kind() == StoreErrorKind::Unavailable => {
            let tried = koodtx_store_postgres::schema_status(&options).await;
            Err(tried.err().unwrap_or(error))
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn schema(
    step: SchemaStep,
    url: StoreUrl,
    config: Config,
) -> Result<SchemaStatus, StoreError> {
    let options = options("migrate", &url, &config)?;
    match step {
        SchemaStep::Read => koodtx_store_postgres::schema_status(&options).await,
        SchemaStep::Migrate => koodtx_store_postgres::migrate(&options).await,
    }
}

fn options(
    operation: &'static str,
    url: &StoreUrl,
    config: &Config,
) -> Result<PostgresOptions, StoreError> {
    let options = PostgresOptions::from_url(url.as_str())
        .map_err(|error| StoreError::new(StoreErrorKind::Internal, operation, error.to_string()))?;
    let settings = &config.postgres;
    Ok(options
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .statement_timeout(settings.statement_timeout)
        .lock_timeout(settings.lock_timeout))
}
