//! Protobuf's wire format: varints and length-delimited fields; the rest is skipped.

use bytes::{Buf, Bytes};

/// Bytes of the longest varint.
const VARINT_MAX_BYTES: usize = 10;

/// One field of a message.
pub(super) enum Field {
    Varint(u64),
    Bytes(Bytes),
    /// Of a type that none of our fields has.
    Other,
}

/// Reads the fields of a message, in order.
pub(super) struct Fields(pub(super) Bytes);

impl Fields {
    /// Number and content of the next field; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Field)>, &'static str> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = varint(&mut self.0)?;
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Field::Other)?,
            2 => {
                let length = varint(&mut self.0)?;
                Field::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Other)?,
            _ => return Err("a field is of a type that protobuf does not have any more"),
        };
        match tag >> 3 {
            0 => Err("a field has the number 0"),
            number => Ok(Some((number, field))),
        }
    }

    fn take(&mut self, length: u64) -> Result<Bytes, &'static str> {
        match usize::try_from(length) {
            Ok(length) if length <= self.0.len() => Ok(self.0.split_to(length)),
            _ => Err("a field is longer than its message"),
        }
    }
}

/// Appends a number; 0 is left out, as it is what absent means.
pub(super) fn put_number(out: &mut Vec<u8>, number: u64, value: u64) {
    if value != 0 {
        put_present(out, number, value);
    }
}

/// Appends an optional number that is there.
pub(super) fn put_present(out: &mut Vec<u8>, number: u64, value: u64) {
    put_varint(out, number << 3);
    put_varint(out, value);
}

/// Appends bytes, a text or a message.
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn varint(bytes: &mut Bytes) -> Result<u64, &'static str> {
    let mut value = 0_u64;
    for at in 0..VARINT_MAX_BYTES {
        if bytes.is_empty() {
            return Err("a number is cut off");
        }
        let byte = bytes.get_u8();
        let bits = u64::from(byte & 0x7f);
        if at == VARINT_MAX_BYTES - 1 && bits > 1 {
            break;
        }
        value |= bits << (7 * at);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number has more than 64 bits")
}
