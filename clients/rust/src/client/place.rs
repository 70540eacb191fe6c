//! Which stream of a session.

/// One of the two directions of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// What users say.
    In,
    /// What the agent says.
    Out,
}

/// See the module. Without a channel it is that of users: `.in` to write, `.out` to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) channel: Option<Channel>,
    pub(crate) side: Option<String>,
}

impl Channel {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

impl Place {
    /// The channel as frames name it.
    pub(crate) fn channel_name(&self) -> Option<String> {
        self.channel.map(|channel| channel.name().to_owned())
    }
}
