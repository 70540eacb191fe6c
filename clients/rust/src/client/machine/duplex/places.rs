//! Which connection carries what: when there is a new one, what goes over it, and when the old one
//! is left.

use std::time::Duration;

use super::Duplex;
use crate::client::machine::action::{Action, Key};
use crate::client::machine::conn::Conn;

impl Duplex {
    pub(super) fn dial(&mut self, now: Duration) {
        let can = match self.conns.last() {
            None => true,
            Some(conn) => conn.leave_at.is_some_and(|at| at <= now),
        };
        let wanted = !self.appends.is_empty() || self.subs.wanted(now).next().is_some();
        if can && wanted && self.redial_at <= now {
            self.last_conn += 1;
            self.conns.push(Conn::new(self.last_conn));
            self.actions.push_back(Action::Dial(self.last_conn));
        }
    }

    /// Sends what has no place yet on the newest open connection.
    pub(super) fn request(&mut self, now: Duration) {
        let Some(at) = self.conns.iter().rposition(|conn| conn.is_open) else { return };
        let conn = &self.conns[at];
        let subs = self.subs.wanted(now).filter(|(key, _)| !conn.has(*key));
        let subs: Vec<Key> = subs.map(|(key, _)| key).collect();
        for key in subs {
            let Some(session) = self.subs.get(key).map(|sub| sub.spec.session.clone()) else {
                continue;
            };
            if self.has_credential(at, &session)
                && let Some(sub) = self.subs.get(key)
            {
                self.conns[at].subscribe(key, &sub.spec);
            }
        }
        let unsent = self.appends.iter().filter(|(_, waiting)| waiting.on.is_none());
        let unsent: Vec<Key> = unsent.map(|(key, _)| *key).collect();
        for key in unsent {
            let session = self.appends[&key].frame.session.clone();
            if self.has_credential(at, &session)
                && let Some(waiting) = self.appends.get_mut(&key)
            {
                self.conns[at].append(key, &waiting.frame);
                waiting.on = Some(self.conns[at].id);
            }
        }
    }

    /// Can requests for `session` be sent on the connection? If not, a token is on its way.
    fn has_credential(&mut self, at: usize, session: &str) -> bool {
        if self.token.is_some() {
            return true;
        }
        let Some(token) = self.tokens.held(session).map(str::to_owned) else {
            self.refresh(session);
            return false;
        };
        if !self.conns[at].has_credential(session, &token) {
            self.conns[at].auth(session, &token);
        }
        true
    }

    /// Closes what a newer connection has taken over (R-DPX-24).
    pub(super) fn leave(&mut self) {
        let Some((newest, _)) = self.conns.split_last() else { return };
        if !newest.was_good
            || self.subs.iter().any(|(key, sub)| !sub.parked && !newest.has_open(key))
        {
            return;
        }
        let newest = newest.id;
        self.conns.retain(|conn| {
            let stays = conn.id == newest || !conn.appends().is_empty();
            if !stays {
                self.actions.push_back(Action::Close(conn.id));
            }
            stays
        });
    }
}
