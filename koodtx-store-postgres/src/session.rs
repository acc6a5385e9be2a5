//! Sessions as rows of `recording_sessions`.

use std::collections::BTreeMap;

use koodtx_core::block::{MergeCounts, OpenEnd, SeriesEnd};
use koodtx_core::id::{SensorType, SessionId, UserId};
use koodtx_core::register::Register;
use koodtx_core::session::{SampleRate, SessionFields, SessionState};
use koodtx_core::store::SeriesStats;
use koodtx_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{Decode, PgConnection, Postgres, Row as _, Type};
use uuid::Uuid;

use crate::error::{Failure, Result};
use crate::instant::Instant;
use crate::statements;
use crate::user::UserTotals;

/// What is known of each series of a session without reading its blocks.
pub(crate) type SeriesMap = BTreeMap<SensorType, SeriesSummary>;

/// One series, as it stands in the column `series`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeriesSummary {
    /// Records.
    pub(crate) count: u64,
    /// Time of the first, in microseconds since the epoch.
    pub(crate) first: i64,
    /// Time of the last, in microseconds since the epoch.
    pub(crate) last: i64,
    /// The blocks that are not full yet, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open: Option<OpenEnd>,
}

impl SeriesSummary {
    /// Takes in records between `first` and `last`, of which `counts` were inserted; the series ends with
    /// `open` now.
    pub(crate) fn extend(
        series: &mut SeriesMap,
        sensor_type: &SensorType,
        counts: &MergeCounts,
        (first, last): (Timestamp, Timestamp),
        open: Option<OpenEnd>,
    ) {
        let (first, last) = (first.as_micros(), last.as_micros());
        let one = series.entry(sensor_type.clone()).or_insert(Self {
            count: 0,
            first,
            last,
            open: None,
        });
        one.count += counts.inserted;
        one.first = one.first.min(first);
        one.last = one.last.max(last);
        one.open = open;
    }

    /// What is remembered of the end.
    pub(crate) fn end(&self) -> SeriesEnd {
        SeriesEnd {
            last: Timestamp::from_micros(self.last),
            open: self.open,
        }
    }

    pub(crate) fn stats(self, sensor_type: SensorType) -> SeriesStats {
        SeriesStats {
            sensor_type,
            count: self.count,
            first: Timestamp::from_micros(self.first),
            last: Timestamp::from_micros(self.last),
        }
    }
}

/// A session with what is known of its series.
#[derive(Clone, Debug)]
pub(crate) struct SessionRow {
    pub(crate) state: SessionState,
    pub(crate) series: SeriesMap,
}

impl SessionRow {
    pub(crate) async fn find(
        connection: &mut PgConnection,
        user: i64,
        id: SessionId,
    ) -> Result<Option<Self>> {
        let row = sqlx::query(statements::SESSION_FIND)
            .bind(user)
            .bind(id.0)
            .fetch_optional(connection)
            .await?;
        row.map(|row| Self::of(&row)).transpose()
    }

    /// The session at its place in the order of creation.
    pub(crate) async fn at(
        connection: &mut PgConnection,
        user: i64,
        created_at: Timestamp,
    ) -> Result<Option<Self>> {
        let row = sqlx::query(statements::SESSION_AT)
            .bind(user)
            .bind(Instant(created_at))
            .fetch_optional(connection)
            .await?;
        row.map(|row| Self::of(&row)).transpose()
    }

    /// Sessions and tombstones created after `after`, in that order.
    pub(crate) async fn created_after(
        connection: &mut PgConnection,
        user: UserId,
        after: Timestamp,
        limit: usize,
    ) -> Result<Vec<Self>> {
        let rows = sqlx::query(statements::SESSIONS_EXPORT)
            .bind(user.0)
            .bind(Instant(after))
            .bind(limit as i64)
            .fetch_all(connection)
            .await?;
        rows.iter().map(Self::of).collect()
    }

    /// The session of a row that has all its columns.
    pub(crate) fn of(row: &PgRow) -> Result<Self> {
        let Json(series) = row.try_get("series")?;
        Ok(Self {
            state: state_of(row)?,
            series,
        })
    }

    /// Writes the session, and the totals of its user, which has a clock already.
    pub(crate) async fn write(
        &self,
        connection: &mut PgConnection,
        user: i64,
        totals: &UserTotals,
    ) -> Result<()> {
        let query = sqlx::query(statements::SESSION_WRITE);
        self.bind(query, user, totals).execute(connection).await?;
        Ok(())
    }

    /// Binds the user, the totals, and all columns of the session, in their order.
    pub(crate) fn bind<'q>(
        &'q self,
        query: Query<'q, Postgres, PgArguments>,
        user: i64,
        totals: &UserTotals,
    ) -> Query<'q, Postgres, PgArguments> {
        let Self { state, series } = self;
        let SessionFields {
            start_time,
            end_time,
            is_active,
            enabled_sensors,
            sample_rate,
            notes,
        } = &state.fields;
        let at = |at: Timestamp| Instant(at);
        query
            .bind(user)
            .bind(Instant(totals.clock))
            .bind(totals.live as i64)
            .bind(totals.active as i64)
            .bind(totals.records as i64)
            .bind(totals.data_bytes as i64)
            .bind(state.id.0)
            .bind(Instant(state.created_at))
            .bind(Instant(state.updated_at))
            .bind(state.deleted_at.map(at))
            .bind(state.live)
            .bind(value(start_time.as_ref()).map(|&time| at(time)))
            .bind(stamp(start_time.as_ref()))
            .bind(value(end_time.as_ref()).copied().flatten().map(at))
            .bind(stamp(end_time.as_ref()))
            .bind(state.fields.is_active())
            .bind(stamp(is_active.as_ref()))
            .bind(value(enabled_sensors.as_ref()).map(Vec::as_slice))
            .bind(stamp(enabled_sensors.as_ref()))
            .bind(value(sample_rate.as_ref()).map(|rate| rate.hertz()))
            .bind(stamp(sample_rate.as_ref()))
            .bind(value(notes.as_ref()).and_then(Option::as_deref))
            .bind(stamp(notes.as_ref()))
            .bind(state.data_count as i64)
            .bind(state.data_bytes as i64)
            .bind(state.series_count as i64)
            .bind(state.data_purged_at.map(at))
            .bind(Json(series))
    }
}

fn value<T>(register: Option<&Register<T>>) -> Option<&T> {
    register.map(|register| &register.value)
}

fn stamp<T>(register: Option<&Register<T>>) -> Option<Instant> {
    register.map(|register| Instant(register.stamp))
}

/// The session of a row that has its columns.
pub(crate) fn state_of(row: &PgRow) -> Result<SessionState> {
    let instant = |column: &str| -> Result<Timestamp> { Ok(get::<Instant>(row, column)?.0) };
    let optional = |column: &str| -> Result<Option<Timestamp>> {
        Ok(get::<Option<Instant>>(row, column)?.map(Timestamp::from))
    };
    let count = |column: &str| -> Result<u64> {
        let count: i64 = get(row, column)?;
        u64::try_from(count).map_err(|_| Failure::corrupt(format!("{column} is negative")))
    };
    let stamp = |column: &str| optional(column);
    let is_active: bool = get(row, "is_active")?;
    let rate: Option<f64> = get(row, "sample_rate")?;
    let rate = rate.map(|hertz| {
        SampleRate::new(hertz).ok_or_else(|| Failure::corrupt("sample_rate is no rate"))
    });
    let fields = SessionFields {
        start_time: required(stamp("start_time_stamp")?, optional("start_time")?)?,
        end_time: register(stamp("end_time_stamp")?, optional("end_time")?),
        is_active: register(stamp("is_active_stamp")?, is_active),
        enabled_sensors: required(
            stamp("enabled_sensors_stamp")?,
            get(row, "enabled_sensors")?,
        )?,
        sample_rate: required(stamp("sample_rate_stamp")?, rate.transpose()?)?,
        notes: register(stamp("notes_stamp")?, get(row, "notes")?),
    };
    Ok(SessionState {
        id: SessionId(get::<Uuid>(row, "session_id")?),
        created_at: instant("created_at")?,
        updated_at: instant("updated_at")?,
        deleted_at: optional("deleted_at")?,
        live: get(row, "live")?,
        fields,
        data_count: count("data_count")?,
        data_bytes: count("data_bytes")?,
        series_count: count("series_count")?,
        data_purged_at: optional("data_purged_at")?,
    })
}

fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(row: &'r PgRow, column: &str) -> Result<T> {
    Ok(row.try_get(column)?)
}

/// A register, where it was written.
fn register<T>(stamp: Option<Timestamp>, value: T) -> Option<Register<T>> {
    stamp.map(|stamp| Register { stamp, value })
}

/// A register whose value cannot be null.
fn required<T>(stamp: Option<Timestamp>, value: Option<T>) -> Result<Option<Register<T>>> {
    match (stamp, value) {
        (None, _) => Ok(None),
        (Some(stamp), Some(value)) => Ok(Some(Register { stamp, value })),
        (Some(_), None) => Err(Failure::corrupt("a field that was written has no value")),
    }
}
