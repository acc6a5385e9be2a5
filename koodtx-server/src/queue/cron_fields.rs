//! From cron expressions as everybody writes them to those of the `cron` crate.
//!
//! That crate wants the second in front, numbers the days of the week from 1 for
//! Sunday, and takes a day of the month and a day of the week as "both".

/// Why a text is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Not five or six fields.
    #[error(
        "{0} fields instead of five (minute, hour, day of month, month, day of week) \
         or six (second in front)"
    )]
    Count(usize),
    /// A field that does not parse.
    #[error("`{text}` is no {field}: {reason}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What is written there.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An abbreviation that nobody knows.
    #[error("`{0}` is unknown; use @hourly, @daily, @weekly, @monthly or @yearly")]
    Abbreviation(String),
    /// There is no such day.
    #[error("there is no time that it describes")]
    Never,
}

/// The fields in order, with the numbers that each may hold.
const FIELDS: [(&str, u32, u32); 6] = [
    ("second", 0, 59),
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
];
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The schedules of the `cron` crate of which any must match.
pub(super) fn parse(text: &str) -> Result<Vec<cron::Schedule>, CronError> {
    let text = match text.trim() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other if other.starts_with('@') => {
            return Err(CronError::Abbreviation(other.to_owned()));
        }
        other => other,
    };
    let mut fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() == 5 {
        fields.insert(0, "0");
    }
    let fields: [&str; 6] = fields
        .try_into()
        .map_err(|f: Vec<_>| CronError::Count(f.len()))?;
    let mut parts = Vec::with_capacity(fields.len());
    for (index, text) in fields.into_iter().enumerate() {
        parts.push(field(index, text)?);
    }
    let [second, minute, hour, day, month, weekday] = &parts[..] else {
        return Err(CronError::Count(parts.len()));
    };
    let time = format!("{second} {minute} {hour}");
    // As ever: a field that begins with a star does not restrict the days, so it
    // is the other one that counts, or both together.
    let is_either = !fields[3].starts_with('*') && !fields[5].starts_with('*');
    let expressions = if is_either {
        vec![
            format!("{time} {day} {month} *"),
            format!("{time} * {month} {weekday}"),
        ]
    } else {
        vec![format!("{time} {day} {month} {weekday}")]
    };
    expressions
        .iter()
        .map(|expression| expression.parse().map_err(|_| CronError::Never))
        .collect()
}

/// A field as the `cron` crate wants it: `*` or a list of numbers; names for the
/// days of the week.
fn field(index: usize, text: &str) -> Result<String, CronError> {
    let (name, min, max) = FIELDS[index];
    if text == "*" {
        return Ok(text.to_owned());
    }
    let mut values = Vec::new();
    for item in text.split(',') {
        values.extend(
            numbers(index, item, min, max).map_err(|reason| CronError::Field {
                field: name,
                text: text.to_owned(),
                reason,
            })?,
        );
    }
    let written = |value: u32| match index {
        5 => DAYS[value as usize % DAYS.len()].to_owned(),
        _ => value.to_string(),
    };
    Ok(values
        .into_iter()
        .map(written)
        .collect::<Vec<_>>()
        .join(","))
}

/// The numbers that one item of a list stands for.
fn numbers(index: usize, item: &str, min: u32, max: u32) -> Result<Vec<u32>, String> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => match step.parse() {
            Ok(step) if step > 0 => (range, Some(step)),
            _ => return Err(format!("`{step}` is no step")),
        },
        None => (item, None),
    };
    let (first, last) = if range == "*" {
        // Sunday is there once only.
        (min, if index == 5 { 6 } else { max })
    } else if let Some((first, last)) = range.split_once('-') {
        let (first, last) = (number(index, first)?, number(index, last)?);
        // A week may end with Sunday by its name.
        let is_week = index == 5 && last == 0 && first > 0;
        (first, if is_week { 7 } else { last })
    } else {
        let first = number(index, range)?;
        (first, if step.is_some() { max } else { first })
    };
    if first < min || last > max {
        return Err(format!("the numbers go from {min} to {max}"));
    }
    if first > last {
        return Err(format!("`{range}` goes backwards"));
    }
    Ok((first..=last).step_by(step.unwrap_or(1)).collect())
}

/// A number, or the number of a name.
fn number(index: usize, text: &str) -> Result<u32, String> {
    let position = |names: &[&str]| {
        let is_it = |name: &&str| name.eq_ignore_ascii_case(text);
        names.iter().position(is_it).map(|position| position as u32)
    };
    let named = match index {
        4 => position(&MONTHS).map(|month| month + 1),
        5 => position(&DAYS),
        _ => None,
    };
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match named {
        Some(number) => Ok(number),
        None if is_number => text.parse().map_err(|_| format!("`{text}` is too large")),
        None if text.is_empty() => Err("a number is missing".to_owned()),
        None => Err(format!("`{text}` is no number")),
    }
}
