//! Which primary of a Cluster serves which slots.

use redis::Value;

use super::slot::SLOTS;
use super::url::Address;

/// Ranges of slots with their primaries, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SlotMap(Vec<(u16, u16, Address)>);

impl SlotMap {
    /// Parses the answer to `CLUSTER SLOTS`. A server that does not know its own address leaves it
    /// empty: it is the one that was asked.
    pub(super) fn parse(value: &Value, asked: &Address) -> Option<Self> {
        let Value::Array(ranges) = value else { return None };
        let ranges = ranges.iter().map(|range| parse_range(range, asked));
        let mut ranges = ranges.collect::<Option<Vec<_>>>()?;
        ranges.sort();
        Some(Self(ranges))
    }

    pub(super) fn primary(&self, slot: u16) -> Option<&Address> {
        let after = self.0.partition_point(|(first, _, _)| *first <= slot);
        let (_, last, address) = self.0.get(after.checked_sub(1)?)?;
        (slot <= *last).then_some(address)
    }

    pub(super) fn primaries(&self) -> impl Iterator<Item = &Address> {
        self.0.iter().map(|(_, _, address)| address)
    }

    /// A server said that `slot` is at `address` now.
    pub(super) fn moved(&mut self, slot: u16, address: &Address) {
        let Some(at) = self.0.iter().position(|(first, last, _)| (*first..=*last).contains(&slot))
        else {
            self.0.push((slot, slot, address.clone()));
            return self.0.sort();
        };
        let (first, last, old) = self.0.remove(at);
        if first < slot {
            self.0.push((first, slot - 1, old.clone()));
        }
        if slot < last {
            self.0.push((slot + 1, last, old));
        }
        self.0.push((slot, slot, address.clone()));
        self.0.sort();
    }
}

fn parse_range(range: &Value, asked: &Address) -> Option<(u16, u16, Address)> {
    let Value::Array(parts) = range else { return None };
    let [Value::Int(first), Value::Int(last), Value::Array(node), ..] = parts.as_slice() else {
        return None;
    };
    let [host, Value::Int(port), ..] = node.as_slice() else { return None };
    let host = match host {
        Value::BulkString(host) if !host.is_empty() => String::from_utf8(host.clone()).ok()?,
        Value::BulkString(_) | Value::Nil => asked.host.clone(),
        _ => return None,
    };
    let last = u16::try_from(*last).ok().filter(|last| *last < SLOTS)?;
    let address = Address { host, port: u16::try_from(*port).ok()? };
    Some((u16::try_from(*first).ok()?, last, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> Address {
        Address { host: "h".to_owned(), port }
    }

    fn range(first: i64, last: i64, port: i64) -> Value {
        let host = Value::BulkString(b"h".to_vec());
        let node = Value::Array(vec![host, Value::Int(port), Value::Nil]);
        Value::Array(vec![Value::Int(first), Value::Int(last), node])
    }

    #[test]
    fn slots_are_found_and_move() {
        let value = Value::Array(vec![range(100, 16_383, 2), range(0, 50, 1)]);
        let mut map = SlotMap::parse(&value, &address(9)).unwrap();
        assert_eq!(map.primary(50), Some(&address(1)));
        assert_eq!(map.primary(51), None);
        assert_eq!(map.primary(16_383), Some(&address(2)));
        map.moved(120, &address(3));
        map.moved(51, &address(3));
        let found = [51, 119, 120, 121].map(|slot| map.primary(slot).unwrap().port);
        assert_eq!(found, [3, 2, 3, 2]);
    }

    #[test]
    fn what_is_no_map_is_refused() {
        assert_eq!(SlotMap::parse(&Value::Nil, &address(1)), None);
        let value = Value::Array(vec![range(0, 16_384, 1)]);
        assert_eq!(SlotMap::parse(&value, &address(1)), None);
    }
}
