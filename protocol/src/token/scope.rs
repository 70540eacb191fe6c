//! Scopes: what a public token may do. `action[:type[:id]]`; ids may hold colons.

use crate::ids::{Channel, Direction};

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Retrieve, list, follow.
    Read,
    /// Append, create.
    Write,
    /// Update, close.
    Admin,
}

impl Action {
    /// The wire form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// Reads the wire form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Admin].into_iter().find(|action| action.as_str() == text)
    }
}

/// What a request does it to.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// A session, or one of its channels.
    Session {
        /// Every name of it: as in the URL, the friendly id, the external id. Blank ones never
        /// match.
        ids: &'a [&'a str],
        /// The channel; `None` is the session itself.
        channel: Option<&'a Channel>,
    },
    /// The transcript blob of the session of this name, which no session scope reaches.
    Transcript(&'a str),
    /// What belongs to one agent.
    Task(&'a str),
    /// Every session, as a listing shows them.
    AllSessions,
    /// Every agent.
    AllTasks,
}

/// One scope, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    action: Box<str>,
    kind: Option<Box<str>>,
    id: Option<Box<str>>,
}

/// Why a scope was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Nothing before the first colon.
    #[error("a scope must start with an action, as in `read:sessions:my-chat`")]
    BlankAction,
    /// Nothing between the first two colons.
    #[error("a scope must name a type after its action, as in `read:sessions`")]
    BlankType,
    /// A second colon and nothing after it.
    #[error("a scope's id must not be blank; leave out the colon to mean every id")]
    BlankId,
}

impl Scope {
    /// Reads a scope. Actions and types that mean nothing here are kept, and match nothing.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let mut parts = text.splitn(3, ':');
        let action = part(parts.next(), ScopeError::BlankAction)?.ok_or(ScopeError::BlankAction)?;
        let kind = part(parts.next(), ScopeError::BlankType)?;
        let id = part(parts.next(), ScopeError::BlankId)?;
        Ok(Self { action, kind, id })
    }

    /// Does it let `action` be done to `resource`?
    ///
    /// Bare `admin` lets everything. Every other scope needs a type (`all` is any), so that bare
    /// `read`, `write` and `*` let nothing.
    pub fn allows(&self, action: Action, resource: &Resource<'_>) -> bool {
        let Some(kind) = self.kind.as_deref() else { return &*self.action == "admin" };
        if &*self.action != action.as_str() && &*self.action != "*" {
            return false;
        }
        if kind == "all" {
            return true;
        }
        let id = self.id.as_deref();
        match resource {
            Resource::AllSessions => kind == "sessions" && id.is_none(),
            Resource::AllTasks => kind == "tasks" && id.is_none(),
            Resource::Transcript(name) => kind == "transcripts" && id.is_some_and(|id| id == *name),
            Resource::Task(task) => kind == "tasks" && id.is_none_or(|id| id == *task),
            Resource::Session { ids, channel } => {
                let any_name = |id| ids.iter().any(|name| reaches(id, name, *channel));
                kind == "sessions" && id.is_none_or(any_name)
            }
        }
    }
}

/// Every scope of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(Vec<Scope>);

impl Grants {
    /// Reads the scopes of a token. One that can't be read grants nothing.
    pub fn new(scopes: &[String]) -> Self {
        Self(scopes.iter().filter_map(|scope| Scope::parse(scope).ok()).collect())
    }

    /// Does any of them let `action` be done to `resource`?
    pub fn allows(&self, action: Action, resource: &Resource<'_>) -> bool {
        self.0.iter().any(|scope| scope.allows(action, resource))
    }
}

fn part(text: Option<&str>, blank: ScopeError) -> Result<Option<Box<str>>, ScopeError> {
    match text {
        None => Ok(None),
        Some(text) if text.trim().is_empty() => Err(blank),
        Some(text) => Ok(Some(text.into())),
    }
}

/// Is `scope_id` the session `name`, or a narrower form of it that holds `channel`? Names may hold
/// colons, so the name is taken off as a prefix and never found by splitting.
fn reaches(scope_id: &str, name: &str, channel: Option<&Channel>) -> bool {
    if name.trim().is_empty() {
        return false;
    }
    match scope_id.strip_prefix(name) {
        Some("") => true,
        Some(rest) => match (rest.strip_prefix(':'), channel) {
            (Some(narrower), Some(channel)) => narrows_to(narrower, channel),
            _ => false,
        },
        None => false,
    }
}

/// `out`, `channels:{name}` or `channels:{name}:{in|out}`.
fn narrows_to(narrower: &str, channel: &Channel) -> bool {
    let Some(side) = channel.side.as_deref() else {
        return narrower == "out" && channel.direction == Direction::Out;
    };
    let rest = narrower.strip_prefix("channels:").and_then(|rest| rest.strip_prefix(side));
    match rest {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':') == Some(channel.direction.as_str()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// Every scope, written out, that lets `action` be done to the session or channel.
    fn granting(action: &str, ids: &[&str], channel: Option<&Channel>) -> Vec<String> {
        let mut forms = vec!["admin".to_owned()];
        for action in [action, "*"] {
            forms.push(format!("{action}:all"));
            forms.push(format!("{action}:sessions"));
            for id in ids {
                forms.push(format!("{action}:sessions:{id}"));
                let Some(Channel { side, direction }) = channel else { continue };
                match side {
                    None if *direction == Direction::Out => {
                        forms.push(format!("{action}:sessions:{id}:out"));
                    }
                    None => {}
                    Some(name) => {
                        let io = direction.as_str();
                        forms.push(format!("{action}:sessions:{id}:channels:{name}"));
                        forms.push(format!("{action}:sessions:{id}:channels:{name}:{io}"));
                    }
                }
            }
        }
        forms
    }

    fn any_channel() -> impl Strategy<Value = Option<Channel>> {
        let channel = (select(vec![None, Some("a"), Some("out")]), any::<bool>());
        proptest::option::of(channel.prop_map(|(side, is_in)| Channel {
            side: side.map(Into::into),
            direction: if is_in { Direction::In } else { Direction::Out },
        }))
    }

    /// Scopes that are close to the forms.
    fn any_scope() -> impl Strategy<Value = String> {
        let action = select(vec!["read", "write", "admin", "*", "trigger"]);
        let kind = select(vec!["sessions", "sessions", "sessions", "all", "tasks"]);
        let pieces = vec!["a", "b", "out", "in", "channels"];
        (action, kind, vec(select(pieces), 0..6))
            .prop_map(|(action, kind, rest)| [&[action, kind][..], &rest].concat().join(":"))
    }

    proptest! {
        #[test]
        fn exactly_the_written_out_forms_grant(
            action in select(vec![Action::Read, Action::Write, Action::Admin]),
            ids in vec(vec(select(vec!["a", "b", "out", "channels"]), 1..3), 1..3),
            channel in any_channel(),
            scope in any_scope(),
            written: prop::sample::Index,
        ) {
            let ids: Vec<String> = ids.iter().map(|parts| parts.join(":")).collect();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let resource = Resource::Session { ids: &ids, channel: channel.as_ref() };
            let forms = granting(action.as_str(), &ids, channel.as_ref());
            prop_assert!(Grants::new(&[written.get(&forms).clone()]).allows(action, &resource));
            let allowed = Grants::new(std::slice::from_ref(&scope)).allows(action, &resource);
            // An id after `all` has no meaning.
            let scope = match scope.find(":all:") {
                Some(at) => scope[..at + ":all".len()].to_owned(),
                None => scope,
            };
            prop_assert_eq!(allowed, forms.contains(&scope), "{}", scope);
        }

        #[test]
        fn any_text_is_read_without_a_panic(scope: String, id: String) {
            let ids = [id.as_str()];
            let resource = Resource::Session { ids: &ids, channel: Some(&Channel::OUT) };
            Grants::new(&[scope]).allows(Action::Read, &resource);
            prop_assume!(!id.trim().is_empty());
            let exact = Grants::new(&[format!("read:sessions:{id}")]);
            prop_assert!(exact.allows(Action::Read, &resource));
            prop_assert!(!exact.allows(Action::Write, &resource));
        }
    }
}
