//! Listings: windows of all partitions, merged.

use tidegate_core::seams::store::{ListPage, ListQuery, Position, StoreError};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::SessionKey;

use super::connect::Call;
use super::index::Listed;
use super::keys::{Home, PARTITIONS, base};
use super::reads::parse_row;
use super::store::Shared;
use super::value::{bytes, list, text, unexpected};
use crate::listing::filter::matches;
use crate::listing::place::Place;

/// Most members that a partition gives at once.
const WINDOW_MAX: usize = 256;

/// Which way a listing is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Older,
    Newer,
}

impl Shared {
    pub(super) async fn list(&self, query: &ListQuery) -> Result<ListPage, StoreError> {
        if let Some(external_id) = &query.external_id {
            let row = self.session(&SessionKey::new(&query.environment, external_id)).await?;
            let row = row.filter(|row| matches(query, row));
            let rows = row.iter().map(|row| (**row).clone()).collect();
            return Ok(ListPage { rows, ..ListPage::default() });
        }
        let size = query.size.max(1);
        let (way, start) = match &query.position {
            Position::Start => (Way::Older, None),
            Position::After(cursor) => (Way::Older, Some(Place::parse(cursor)?)),
            Position::Before(cursor) => (Way::Newer, Some(Place::parse(cursor)?)),
        };
        let mut rows = self.walk(query, way, start, size + 1).await?;
        let more = rows.len() > size;
        rows.truncate(size);
        if way == Way::Newer {
            rows.reverse();
        }
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(ListPage::default());
        };
        let (first, last) = (Place::of(first), Place::of(last));
        let any = async |way, from: &Place| {
            Ok::<_, StoreError>(!self.walk(query, way, Some(from.clone()), 1).await?.is_empty())
        };
        let has_older = if way == Way::Newer { any(Way::Older, &last).await? } else { more };
        let has_newer = match query.position {
            Position::Start => false,
            Position::After(_) => any(Way::Newer, &first).await?,
            Position::Before(_) => more,
        };
        let next = has_older.then(|| last.cursor());
        let previous = has_newer.then(|| first.cursor());
        Ok(ListPage { rows, next, previous })
    }

    /// The first `count` sessions of the listing that lie beyond `from`.
    async fn walk(
        &self,
        query: &ListQuery,
        way: Way,
        from: Option<Place>,
        count: usize,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let mut bounds = Bounds::new(query, way, from);
        let mut partitions: Vec<u16> = (0..PARTITIONS).collect();
        let (mut rows, mut window) = (Vec::new(), count);
        loop {
            let mut listed = self.window(query, way, &bounds, window, &mut partitions).await?;
            // Beyond the window, another partition may have a nearer one.
            let is_end = listed.len() <= window;
            listed.truncate(window);
            let Some(last) = listed.last() else { return Ok(rows) };
            bounds.narrow(way, &last.place);
            rows.extend(self.rows_of(query, listed).await?);
            if rows.len() >= count || is_end {
                rows.truncate(count);
                return Ok(rows);
            }
            window = (2 * window).min(WINDOW_MAX);
        }
    }

    /// Members within `bounds`, nearest first: at least the `window` nearest. Partitions that have
    /// none any more are dropped.
    async fn window(
        &self,
        query: &ListQuery,
        way: Way,
        bounds: &Bounds,
        window: usize,
        partitions: &mut Vec<u16>,
    ) -> Result<Vec<Listed>, StoreError> {
        let ask = |partition: &u16| {
            let key = format!("{}l", base(&query.environment, *partition as u8));
            let call = match way {
                Way::Older => Call::command("ZREVRANGEBYLEX", key).arg(&bounds.high),
                Way::Newer => Call::command("ZRANGEBYLEX", key).arg(&bounds.low),
            };
            let call = call.arg(if way == Way::Older { &bounds.low } else { &bounds.high });
            call.arg("LIMIT").arg(0).arg(window + 1)
        };
        let answers = self.run_all(partitions.iter().map(ask)).await?;
        let mut found = Vec::new();
        let mut rest = Vec::new();
        for (partition, answer) in partitions.iter().zip(answers) {
            let members = list(answer)?;
            if !members.is_empty() {
                rest.push(*partition);
            }
            for member in members {
                let listed = Listed::parse(&query.environment, &text(member)?);
                found.push(listed.ok_or_else(|| unexpected("a listing"))?);
            }
        }
        *partitions = rest;
        found.sort_unstable();
        if way == Way::Older {
            found.reverse();
        }
        Ok(found)
    }

    /// Rows that the query's filters let through. A member whose session is gone is dropped.
    async fn rows_of(
        &self,
        query: &ListQuery,
        listed: Vec<Listed>,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let homes: Vec<_> = listed.iter().map(|listed| Home::of(&listed.session)).collect();
        let ask = |home: &Home| Call::command("HGET", home.key("h")).arg("r");
        let answers = self.run_all(homes.iter().map(ask)).await?;
        let (mut rows, mut gone) = (Vec::new(), Vec::new());
        for ((listed, home), answer) in listed.iter().zip(&homes).zip(answers) {
            match parse_row(bytes(answer)?)? {
                Some(row) => rows.extend(matches(query, &row).then_some(row)),
                None => {
                    let id = &listed.place.id;
                    gone.push(
                        Call::command("ZREM", format!("{}l", home.base)).arg(listed.member()),
                    );
                    gone.push(Call::command("HDEL", format!("{}i", home.base)).arg(id));
                }
            }
        }
        self.run_all(gone).await?;
        Ok(rows)
    }
}

/// Ends of a range of members, as `ZRANGEBYLEX` wants them.
#[derive(Debug)]
struct Bounds {
    low: String,
    high: String,
}

impl Bounds {
    fn new(query: &ListQuery, way: Way, from: Option<Place>) -> Self {
        let before = |at: u64| format!("({at:016x}.");
        let low = query.created_from.map_or_else(|| "-".to_owned(), before);
        let newest = query.created_to.and_then(|to| to.checked_add(1));
        let mut bounds = Self { low, high: newest.map_or_else(|| "+".to_owned(), before) };
        if let Some(from) = from {
            bounds.narrow(way, &from);
        }
        bounds
    }

    /// What lies on this side of `place`, and it itself, is left out.
    fn narrow(&mut self, way: Way, place: &Place) {
        // A member goes on with a zero byte after its place.
        match way {
            Way::Older => {
                let high = format!("({}", place.cursor());
                if self.high == "+" || high < self.high {
                    self.high = high;
                }
            }
            Way::Newer => {
                let low = format!("({}\u{1}", place.cursor());
                if self.low == "-" || low > self.low {
                    self.low = low;
                }
            }
        }
    }
}
