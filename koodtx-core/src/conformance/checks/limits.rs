//! What a store has to refuse by itself.

use crate::conformance::Harness;
use crate::conformance::failure::{Failure, Outcome, ensure_eq};
use crate::conformance::follower::whole_copy;
use crate::conformance::harness::push_command;
use crate::conformance::script::{
    ANN, RUN, body, everything, record, samples, session, session_with,
};
use crate::limits::SESSION_SENSOR_TYPES_MAX_COUNT;
use crate::store::StoreErrorKind;

fn one_of_each(sensors: std::ops::Range<usize>) -> Vec<String> {
    sensors
        .map(|number| record(&format!("s{number:04}"), 1, r#"{"x":1}"#))
        .collect()
}

/// A session may hold as many sensor types as the limit says.
pub(crate) async fn a_session_may_reach_the_sensor_limit(h: &Harness) -> Outcome {
    let half = SESSION_SENSOR_TYPES_MAX_COUNT / 2;
    h.push(ANN, &session(RUN), &one_of_each(0..half)).await?;
    let records = one_of_each(0..SESSION_SENSOR_TYPES_MAX_COUNT);
    let outcome = h.push(ANN, &session(RUN), &records).await?;
    let expected = SESSION_SENSOR_TYPES_MAX_COUNT as u64;
    ensure_eq!(outcome.data_count, expected, "data_count at the limit");
    ensure_eq!(
        h.detail(ANN, RUN).await?.series.len() as u64,
        expected,
        "series at the limit"
    );
    Ok(())
}

/// A push that would pass the limit is refused whole: nothing of it is stored, not even a log
/// entry.
pub(crate) async fn a_push_over_the_sensor_limit_is_refused_whole(h: &Harness) -> Outcome {
    const RECENT: usize = 10;
    // With the one that is stored, one too many; the push alone would be within the limit.
    let new = SESSION_SENSOR_TYPES_MAX_COUNT;
    h.push(ANN, &session(RUN), &samples("gps", 0..3)).await?;
    let copy = whole_copy(&**h.sync(), ANN).await?;
    let before = (
        h.pull(everything(ANN)).await?,
        h.sync().status(ANN, RECENT).await?,
    );

    let now = h.now();
    let metadata = session_with(RUN, r#""notes":"too much""#);
    let body = body(&metadata, &one_of_each(0..new));
    match h.sync().push(push_command(ANN, &body, now)?, now).await {
        Err(error) if error.kind() == StoreErrorKind::LimitExceeded => {}
        other => {
            return Err(Failure::new(format!(
                "{new} new sensor types gave {other:?}"
            )));
        }
    }
    let after = (
        h.pull(everything(ANN)).await?,
        h.sync().status(ANN, RECENT).await?,
    );
    ensure_eq!(after, before, "sessions and log after the refused push");
    ensure_eq!(
        whole_copy(&**h.sync(), ANN).await?,
        copy,
        "records after the refused push"
    );
    Ok(())
}
