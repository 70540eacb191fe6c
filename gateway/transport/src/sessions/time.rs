//! RFC 3339 timestamps, from and to Unix milliseconds.

const DAY_MS: i64 = 86_400_000;

/// `1970-01-01T00:00:00.000Z`.
pub(crate) fn format(unix_ms: u64) -> String {
    let ms = i64::try_from(unix_ms).unwrap_or(i64::MAX);
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let in_day = ms.rem_euclid(DAY_MS);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1_000 % 60, in_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Reads a timestamp with a zone (`Z` or an offset), or a date alone, which is its first
/// millisecond in UTC. `None` for anything else, for days that do not exist, and before 1970.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = parse_date(date)?;
    if rest.is_empty() {
        return u64::try_from(days * DAY_MS).ok();
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = rest.split_at(zone_at);
    let ms = days * DAY_MS + parse_time(time)? - parse_zone(zone)?;
    u64::try_from(ms).ok()
}

fn parse_date(text: &str) -> Option<i64> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    let days = days_of(year, month, day);
    // A day that does not exist comes back as another.
    (civil(days) == (year, month, day)).then_some(days)
}

fn parse_time(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').map_or((text, None), |(c, f)| (c, Some(f)));
    let (hour, rest) = clock.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    let (hour, minute, second) = (digits(hour, 2)?, digits(minute, 2)?, digits(second, 2)?);
    // A leap second is the last moment of its minute.
    let in_range = hour < 24 && minute < 60 && second <= 60;
    let milli = match fraction {
        None => 0,
        Some(fraction) if fraction.is_empty() || !is_digits(fraction) => return None,
        Some(fraction) => format!("{fraction:0<3}")[..3].parse().ok()?,
    };
    in_range.then_some(((hour * 60 + minute) * 60 + second.min(59)) * 1_000 + milli)
}

fn parse_zone(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, offset) = text.split_at_checked(1)?;
    let (hours, minutes) = offset.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let ms = (hours * 60 + minutes) * 60_000;
    (hours < 24 && minutes < 60).then_some(if sign == "-" { -ms } else { ms })
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && is_digits(text)).then(|| text.parse().ok())?
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Days since 1970 of a date of the Gregorian calendar, counted from 1 March of year 0, so that
/// the leap day ends a year.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        let cases = [
            ("1970-01-01T00:00:00.000Z", 0),
            ("2000-02-29T12:00:00.000Z", 951_825_600_000),
            ("2026-11-22T10:09:08.765Z", 1_795_342_148_765),
            ("2100-03-01T00:00:00.000Z", 4_107_542_400_000),
        ];
        for (text, ms) in cases {
            assert_eq!(format(ms), text);
            assert_eq!(parse(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn other_forms() {
        assert_eq!(parse("1970-01-02"), Some(86_400_000));
        assert_eq!(parse("1970-01-01T02:00:00.5+01:30"), Some(1_800_500));
        assert_eq!(parse("1970-01-01t00:00:00.123456z"), Some(123));
        for bad in [
            "",
            "now",
            "1970-01-01T00:00:00",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00Z",
            "1969-12-31",
            "2026-01-01T00:00:00+1:00",
            "äöüßäöüß",
            "2026-1-01",
            "+026-01-01",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in 0..146_097 {
            let ms = day * 86_400_000 + 1;
            assert_eq!(parse(&format(ms)), Some(ms));
        }
    }
}
