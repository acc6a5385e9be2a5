//! Cron expressions.

use chrono::{DateTime, Utc};
use koodtx_server::queue::{CronError, Schedule};

/// The next times after a Wednesday.
fn next(text: &str, count: usize) -> Vec<String> {
    let schedule: Schedule = text.parse().unwrap();
    let start: DateTime<Utc> = "2025-01-01T00:00:00Z".parse().unwrap();
    let mut time = start.timestamp_micros();
    let mut times = Vec::new();
    for _ in 0..count {
        time = schedule.next_after(time).unwrap();
        let time = DateTime::from_timestamp_micros(time).unwrap();
        times.push(time.format("%a %d %b %H:%M:%S").to_string());
    }
    times
}

#[test]
fn minutes_hours_and_seconds() {
    assert_eq!(
        next("*/30 * * * *", 2),
        ["Wed 01 Jan 00:30:00", "Wed 01 Jan 01:00:00"]
    );
    assert_eq!(
        next("15 3 * * *", 2),
        ["Wed 01 Jan 03:15:00", "Thu 02 Jan 03:15:00"]
    );
    assert_eq!(
        next("0 8-18/5 * * *", 2),
        ["Wed 01 Jan 08:00:00", "Wed 01 Jan 13:00:00"]
    );
    assert_eq!(
        next("50/4 0 * * *", 2),
        ["Wed 01 Jan 00:50:00", "Wed 01 Jan 00:54:00"]
    );
    assert_eq!(
        next("*/20 * * * * *", 2),
        ["Wed 01 Jan 00:00:20", "Wed 01 Jan 00:00:40"]
    );
    assert_eq!(next("  @daily ", 1), ["Thu 02 Jan 00:00:00"]);
    assert_eq!(
        next("0 0 1 feb,Mar *", 2),
        ["Sat 01 Feb 00:00:00", "Sat 01 Mar 00:00:00"]
    );
}

#[test]
fn days_of_the_week() {
    for sunday in ["0", "7", "sun", "SUN"] {
        assert_eq!(
            next(&format!("0 0 * * {sunday}"), 1),
            ["Sun 05 Jan 00:00:00"]
        );
    }
    assert_eq!(next("0 0 * * 1", 1), ["Mon 06 Jan 00:00:00"]);
    let week = [
        "Thu 02 Jan 00:00:00",
        "Fri 03 Jan 00:00:00",
        "Mon 06 Jan 00:00:00",
    ];
    assert_eq!(next("0 0 * * 1-5", 3), week);
    assert_eq!(next("0 0 * * MON-FRI", 3), week);
    let end = [
        "Fri 03 Jan 00:00:00",
        "Sat 04 Jan 00:00:00",
        "Sun 05 Jan 00:00:00",
    ];
    assert_eq!(next("0 0 * * 5-7", 3), end);
    assert_eq!(next("0 0 * * FRI-SUN", 3), end);
    assert_eq!(
        next("0 0 * * */3", 2),
        ["Sat 04 Jan 00:00:00", "Sun 05 Jan 00:00:00"]
    );
}

#[test]
fn either_kind_of_day_is_enough() {
    let times = [
        "Mon 06 Jan 00:00:00",
        "Mon 13 Jan 00:00:00",
        "Wed 15 Jan 00:00:00",
    ];
    assert_eq!(next("0 0 15 * 1", 3), times);
    assert_eq!(
        next("0 0 */2 * 1", 2),
        ["Mon 13 Jan 00:00:00", "Mon 27 Jan 00:00:00"]
    );
}

#[test]
fn errors_say_what_is_wrong() {
    let error = |text: &str| text.parse::<Schedule>().unwrap_err().to_string();
    assert!(error("* * * *").starts_with("4 fields instead of five"));
    assert!(error("").starts_with("0 fields"));
    assert_eq!(
        error("* 24 * * *"),
        "`24` is no hour: the numbers go from 0 to 23"
    );
    assert_eq!(
        error("* * 0 * *"),
        "`0` is no day of the month: the numbers go from 1 to 31"
    );
    assert_eq!(
        error("* * * * 8"),
        "`8` is no day of the week: the numbers go from 0 to 7"
    );
    assert_eq!(error("*/0 * * * *"), "`*/0` is no minute: `0` is no step");
    assert_eq!(
        error("9-5 * * * *"),
        "`9-5` is no minute: `9-5` goes backwards"
    );
    assert_eq!(
        error("1, * * * *"),
        "`1,` is no minute: a number is missing"
    );
    assert_eq!(
        error("* * * foo *"),
        "`foo` is no month: `foo` is no number"
    );
    assert_eq!(error("+1 * * * *"), "`+1` is no minute: `+1` is no number");
    assert_eq!(
        error("99999999999 * * * *"),
        "`99999999999` is no minute: `99999999999` is too large"
    );
    assert_eq!(
        "@reboot".parse::<Schedule>(),
        Err(CronError::Abbreviation("@reboot".to_owned()))
    );
    assert_eq!("0 0 30 2 *".parse::<Schedule>(), Err(CronError::Never));
}

#[test]
fn says_what_it_was_made_of() {
    let schedule: Schedule = " 0 0 * * 1 ".parse().unwrap();
    assert_eq!(schedule.to_string(), "0 0 * * 1");
    assert_eq!(format!("{schedule:?}"), "Schedule(\"0 0 * * 1\")");
    assert_eq!(schedule.next_after(i64::MAX), None);
}
