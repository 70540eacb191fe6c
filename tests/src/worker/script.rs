//! What the agents are told, and what they say to that: `say COUNT PAUSE_MS`, or `upgrade`.

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// So many words.
    Say {
        /// How many.
        count: u64,
        /// Before each, ms.
        pause_ms: u64,
    },
    /// One word, and then another run must take over.
    Upgrade,
}

impl Script {
    /// Reads the text of a message.
    pub fn parse(text: &str) -> Option<Self> {
        match *text.split(' ').collect::<Vec<_>>().as_slice() {
            ["say", count, pause_ms] => {
                Some(Self::Say { count: count.parse().ok()?, pause_ms: pause_ms.parse().ok()? })
            }
            ["upgrade"] => Some(Self::Upgrade),
            _ => None,
        }
    }

    /// Words of the answer.
    pub fn count(self) -> u64 {
        match self {
            Self::Say { count, .. } => count,
            Self::Upgrade => 1,
        }
    }

    /// Before each word, ms.
    pub fn pause_ms(self) -> u64 {
        match self {
            Self::Say { pause_ms, .. } => pause_ms,
            Self::Upgrade => 0,
        }
    }
}

/// One delta of an answer: it says who wrote it, for which message, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Tag of the worker, which tells its processes apart.
    pub worker: String,
    /// Tells answers of one worker apart; a run's fence in mode `runs`.
    pub answer: u64,
    /// Id of the message that is answered.
    pub message: String,
    /// Its place, from 0.
    pub index: u64,
    /// The newest message that the agent's history holds, mode `runs`: `.in` seq.
    pub after: Option<u64>,
}

impl Word {
    /// The text of the delta.
    pub fn to_text(&self) -> String {
        let after = self.after.map_or_else(|| "-".to_owned(), |seq| seq.to_string());
        format!("{} {} {} {} {after};", self.worker, self.answer, self.message, self.index)
    }

    /// Reads it back.
    pub fn parse(text: &str) -> Option<Self> {
        let [worker, answer, message, index, after] =
            *text.strip_suffix(';')?.split(' ').collect::<Vec<_>>().as_slice()
        else {
            return None;
        };
        Some(Self {
            worker: worker.to_owned(),
            answer: answer.parse().ok()?,
            message: message.to_owned(),
            index: index.parse().ok()?,
            after: after.parse().ok(),
        })
    }
}
