//! How the metadata of a session merges: field by field.

use crate::conformance::Harness;
use crate::conformance::failure::{Outcome, ensure, ensure_eq};
use crate::conformance::script::{ANN, RUN, WALK, before_noon, session, session_with};
use crate::session::SessionFields;
use crate::time::Timestamp;

async fn fields(h: &Harness) -> Outcome<SessionFields> {
    Ok(h.state(ANN, RUN).await?.fields)
}

fn edited(members: &str, stamp: Timestamp) -> String {
    session_with(RUN, &format!(r#"{members},"updated_at":"{stamp}""#))
}

/// Every field comes back as it was pushed.
pub(crate) async fn all_metadata_comes_back(h: &Harness) -> Outcome {
    let notes = "naïve café, 走る, 🏃🏽 \u{1F3C1}".repeat(100);
    let pushed = format!(
        r#""end_time":"2025-11-13T01:00:00.000001+01:00","is_active":true,
           "enabled_sensors":["gps","acc","ü","gps"],"sample_rate":99.5,"notes":"{notes}""#
    );
    h.push(ANN, &session_with(RUN, &pushed), &[]).await?;
    let fields = fields(h).await?;
    ensure_eq!(
        fields.start_time().to_string(),
        "2025-11-13T00:00:00Z",
        "start_time"
    );
    let end = fields.end_time().map(|end| end.to_string());
    ensure_eq!(
        end.as_deref(),
        Some("2025-11-13T00:00:00.000001Z"),
        "end_time"
    );
    ensure!(fields.is_active(), "is_active was pushed as true");
    ensure_eq!(
        fields.enabled_sensors(),
        ["gps", "acc", "ü", "gps"],
        "enabled_sensors"
    );
    ensure_eq!(fields.sample_rate(), Some(99.5), "sample_rate in Hz");
    ensure_eq!(fields.notes(), Some(notes.as_str()), "notes");
    Ok(())
}

/// Two devices that edit different fields both keep their edit, whichever arrives first.
pub(crate) async fn fields_merge_one_by_one(h: &Harness) -> Outcome {
    h.push(
        ANN,
        &edited(r#""notes":"phone","sample_rate":10"#, before_noon(30)),
        &[],
    )
    .await?;
    h.push(ANN, &edited(r#""notes":"watch""#, before_noon(10)), &[])
        .await?;
    h.push(ANN, &edited(r#""sample_rate":50"#, before_noon(20)), &[])
        .await?;
    let fields = fields(h).await?;
    ensure_eq!(fields.notes(), Some("watch"), "notes, edited last");
    ensure_eq!(
        fields.sample_rate(),
        Some(50.0),
        "sample_rate, edited before notes were"
    );
    Ok(())
}

/// A field that is absent from a push is not written.
pub(crate) async fn an_absent_field_is_kept(h: &Harness) -> Outcome {
    h.push(
        ANN,
        &session_with(RUN, r#""notes":"rain","sample_rate":50"#),
        &[],
    )
    .await?;
    h.push(ANN, &session(RUN), &[]).await?;
    let fields = fields(h).await?;
    ensure_eq!(fields.notes(), Some("rain"), "notes");
    ensure_eq!(fields.sample_rate(), Some(50.0), "sample_rate");
    Ok(())
}

/// An explicit null clears `end_time` or `notes`.
pub(crate) async fn null_clears_end_time_and_notes(h: &Harness) -> Outcome {
    let full = r#""notes":"rain","end_time":"2025-11-13T01:00:00Z""#;
    h.push(ANN, &session_with(RUN, full), &[]).await?;
    h.push(
        ANN,
        &session_with(RUN, r#""notes":null,"end_time":null"#),
        &[],
    )
    .await?;
    let fields = fields(h).await?;
    ensure_eq!(fields.notes(), None, "notes");
    ensure_eq!(fields.end_time(), None, "end_time");
    Ok(())
}

/// A new session is active exactly when it has no end.
pub(crate) async fn a_new_session_is_active_until_it_ends(h: &Harness) -> Outcome {
    h.push(ANN, &session(RUN), &[]).await?;
    ensure!(
        h.state(ANN, RUN).await?.fields.is_active(),
        "a session without an end is active"
    );
    h.push(
        ANN,
        &session_with(WALK, r#""end_time":"2025-11-13T01:00:00Z""#),
        &[],
    )
    .await?;
    ensure!(
        !h.state(ANN, WALK).await?.fields.is_active(),
        "a session with an end is not active"
    );
    Ok(())
}

/// An end without a word on activity ends the session.
pub(crate) async fn an_end_ends_the_session(h: &Harness) -> Outcome {
    h.push(ANN, &session_with(RUN, r#""is_active":true"#), &[])
        .await?;
    h.push(
        ANN,
        &session_with(RUN, r#""end_time":"2025-11-13T01:00:00Z""#),
        &[],
    )
    .await?;
    ensure!(
        !fields(h).await?.is_active(),
        "an ended session is not active"
    );
    Ok(())
}

/// What a client says of activity counts, also beside an end.
pub(crate) async fn an_explicit_activity_counts(h: &Harness) -> Outcome {
    let paused = r#""end_time":"2025-11-13T01:00:00Z","is_active":true"#;
    h.push(ANN, &session_with(RUN, paused), &[]).await?;
    ensure!(fields(h).await?.is_active(), "is_active was pushed as true");
    h.push(ANN, &session_with(RUN, r#""is_active":false"#), &[])
        .await?;
    ensure!(
        !fields(h).await?.is_active(),
        "is_active was pushed as false"
    );
    Ok(())
}

/// Of two values of a field the one with the later stamp wins, in whatever order they arrive.
pub(crate) async fn the_later_metadata_wins_in_both_orders(h: &Harness) -> Outcome {
    let notes = |text: &str, stamp| edited(&format!(r#""notes":"{text}""#), stamp);
    h.push(ANN, &notes("b", before_noon(20)), &[]).await?;
    h.push(ANN, &notes("c", before_noon(30)), &[]).await?;
    ensure_eq!(
        fields(h).await?.notes(),
        Some("b"),
        "notes after an older edit"
    );
    h.push(ANN, &notes("a", before_noon(10)), &[]).await?;
    ensure_eq!(
        fields(h).await?.notes(),
        Some("a"),
        "notes after a newer edit"
    );
    Ok(())
}

/// Equal stamps of a field are decided by the values.
pub(crate) async fn equal_metadata_stamps_are_decided_by_value(h: &Harness) -> Outcome {
    let notes = |text: &str| edited(&format!(r#""notes":"{text}""#), before_noon(10));
    for text in ["b", "c", "a"] {
        h.push(ANN, &notes(text), &[]).await?;
    }
    ensure_eq!(
        fields(h).await?.notes(),
        Some("c"),
        "notes, the greatest of b, c, a"
    );
    Ok(())
}

/// Equal metadata with a newer stamp raises the stored stamp and moves no clock.
pub(crate) async fn equal_metadata_with_a_newer_stamp_raises_the_stamp(h: &Harness) -> Outcome {
    let notes = |text: &str, stamp| edited(&format!(r#""notes":"{text}""#), stamp);
    let first = h.push(ANN, &notes("same", before_noon(30)), &[]).await?;
    let again = h.push(ANN, &notes("same", before_noon(10)), &[]).await?;
    ensure_eq!(again.clock, first.clock, "the clock after the raise");
    h.push(ANN, &notes("other", before_noon(20)), &[]).await?;
    ensure_eq!(
        fields(h).await?.notes(),
        Some("same"),
        "notes after an edit older than the raise"
    );
    Ok(())
}
