//! Cuts a page out of an ordered listing.

use tidegate_core::seams::store::{ListPage, ListQuery, Position, StoreError};
use tidegate_core::sessions::row::SessionRow;

use super::filter::matches;
use super::place::Place;

/// The sessions of one environment in order.
pub(crate) trait Rows {
    /// From just below `than` (or the newest) to the oldest.
    fn older(&self, than: Option<Place>) -> impl Iterator<Item = Result<SessionRow, StoreError>>;
    /// From just above `than` to the newest.
    fn newer(&self, than: Place) -> impl Iterator<Item = Result<SessionRow, StoreError>>;
}

/// The page of `query`. It is cut by place, so sessions that come or go meanwhile neither repeat
/// nor hide others.
pub(crate) fn page(query: &ListQuery, rows: &impl Rows) -> Result<ListPage, StoreError> {
    let size = query.size.max(1);
    let mut page = match &query.position {
        Position::Start => take(size + 1, older(query, rows, None))?,
        Position::After(cursor) => {
            let place = Place::parse(cursor)?;
            take(size + 1, older(query, rows, Some(place)))?
        }
        Position::Before(cursor) => take(size + 1, newer(query, rows, Place::parse(cursor)?))?,
    };
    let more = page.len() > size;
    page.truncate(size);
    let backwards = matches!(query.position, Position::Before(_));
    if backwards {
        page.reverse();
    }
    let (Some(first), Some(last)) = (page.first(), page.last()) else {
        return Ok(ListPage::default());
    };
    let (first, last) = (Place::of(first), Place::of(last));
    let has_older = if backwards { any(older(query, rows, Some(last.clone())))? } else { more };
    let has_newer = match query.position {
        Position::Start => false,
        Position::After(_) => any(newer(query, rows, first.clone()))?,
        Position::Before(_) => more,
    };
    let next = has_older.then(|| last.cursor());
    let previous = has_newer.then(|| first.cursor());
    Ok(ListPage { rows: page, next, previous })
}

type RowResult = Result<SessionRow, StoreError>;

fn older<'a>(
    query: &'a ListQuery,
    rows: &'a impl Rows,
    than: Option<Place>,
) -> impl Iterator<Item = RowResult> + 'a {
    let newest = query.created_to.and_then(|to| to.checked_add(1));
    let newest = newest.map(|created_at| Place { created_at, id: String::new() });
    let start = match (than, newest) {
        (Some(than), Some(newest)) => Some(than.min(newest)),
        (than, newest) => than.or(newest),
    };
    let oldest = query.created_from.unwrap_or(0);
    rows.older(start)
        .take_while(move |row| row.as_ref().map_or(true, |row| row.created_at >= oldest))
        .filter(|row| row.as_ref().map_or(true, |row| matches(query, row)))
}

fn newer<'a>(
    query: &'a ListQuery,
    rows: &'a impl Rows,
    than: Place,
) -> impl Iterator<Item = RowResult> + 'a {
    let newest = query.created_to.unwrap_or(u64::MAX);
    rows.newer(than)
        .take_while(move |row| row.as_ref().map_or(true, |row| row.created_at <= newest))
        .filter(|row| row.as_ref().map_or(true, |row| matches(query, row)))
}

fn take(
    count: usize,
    rows: impl Iterator<Item = RowResult>,
) -> Result<Vec<SessionRow>, StoreError> {
    rows.take(count).collect()
}

fn any(mut rows: impl Iterator<Item = RowResult>) -> Result<bool, StoreError> {
    Ok(rows.next().transpose()?.is_some())
}
