//! Members of the listing index: they sort like listings do, and name their session.

use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::SessionKey;

use crate::listing::place::Place;

/// The member of a row.
pub(super) fn place_of(row: &SessionRow) -> String {
    format!("{}\0{}", Place::of(row).cursor(), row.name())
}

/// A member, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    pub(super) place: Place,
    pub(super) session: SessionKey,
}

impl Listed {
    pub(super) fn parse(environment: &str, member: &str) -> Option<Self> {
        let (place, name) = member.split_once('\0')?;
        let place = Place::parse(place).ok()?;
        Some(Self { place, session: SessionKey::new(environment, name) })
    }

    /// As the index holds it.
    pub(super) fn member(&self) -> String {
        format!("{}\0{}", self.place.cursor(), self.session.name())
    }
}
