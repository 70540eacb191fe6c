//! Appends to one session are made one after another, by whichever handle.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use tokio::sync::Mutex;

/// Sessions that are remembered before unused ones are forgotten.
const REMEMBERED: usize = 1_024;

/// Held while an append is under way. It is fair: who asks first goes first.
pub(crate) type Order = Arc<Mutex<()>>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    all: HashMap<String, Weak<Mutex<()>>>,
}

impl Orders {
    pub(crate) fn of(&mut self, session: &str) -> Order {
        if let Some(order) = self.all.get(session).and_then(Weak::upgrade) {
            return order;
        }
        if self.all.len() >= REMEMBERED {
            self.all.retain(|_, order| order.strong_count() > 0);
        }
        let order = Order::default();
        self.all.insert(session.to_owned(), Arc::downgrade(&order));
        order
    }
}
