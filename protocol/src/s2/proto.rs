//! The messages of S2 in protobuf. Unknown fields are skipped.

use bytes::Bytes;

use super::input::{AppendAck, AppendInput, InputError, InputRecord, Position};
use super::wire::{Field, Fields, put_bytes, put_number, put_present};

/// Reads an AppendInput. Bodies and headers share the bytes that they were read from.
pub fn decode_input(bytes: Bytes) -> Result<AppendInput, InputError> {
    let mut input = AppendInput::default();
    each(bytes, |number, field| {
        match (number, field) {
            (1, Field::Bytes(bytes)) => input.records.push(record(bytes)?),
            (2, Field::Varint(seq)) => input.match_seq_num = Some(seq),
            (3, Field::Bytes(token)) => input.fencing_token = Some(text(&token)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(input)
}

/// Writes an AppendInput.
pub fn encode_input(input: &AppendInput) -> Vec<u8> {
    let mut out = Vec::new();
    for record in &input.records {
        let mut message = Vec::with_capacity(record.body.len() + 16);
        if let Some(timestamp) = record.timestamp {
            put_present(&mut message, 1, timestamp);
        }
        for (name, value) in &record.headers {
            let mut header = Vec::with_capacity(name.len() + value.len() + 8);
            put_bytes(&mut header, 1, name);
            put_bytes(&mut header, 2, value);
            put_bytes(&mut message, 2, &header);
        }
        put_bytes(&mut message, 3, &record.body);
        put_bytes(&mut out, 1, &message);
    }
    if let Some(seq) = input.match_seq_num {
        put_present(&mut out, 2, seq);
    }
    if let Some(token) = &input.fencing_token {
        put_bytes(&mut out, 3, token.as_bytes());
    }
    out
}

/// Writes an AppendAck; all three positions are there.
pub fn encode_ack(ack: &AppendAck) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    for (number, position) in (1..).zip([ack.start, ack.end, ack.tail]) {
        let mut message = Vec::with_capacity(20);
        put_number(&mut message, 1, position.seq_num);
        put_number(&mut message, 2, position.timestamp);
        put_bytes(&mut out, number, &message);
    }
    out
}

/// Reads an AppendAck; a position that is absent is 0.
pub fn decode_ack(bytes: Bytes) -> Result<AppendAck, InputError> {
    let mut ack = AppendAck::default();
    each(bytes, |number, field| {
        match (number, field) {
            (1, Field::Bytes(bytes)) => ack.start = position(bytes)?,
            (2, Field::Bytes(bytes)) => ack.end = position(bytes)?,
            (3, Field::Bytes(bytes)) => ack.tail = position(bytes)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(ack)
}

fn record(bytes: Bytes) -> Result<InputRecord, InputError> {
    let mut record = InputRecord::default();
    each(bytes, |number, field| {
        match (number, field) {
            (1, Field::Varint(timestamp)) => record.timestamp = Some(timestamp),
            (2, Field::Bytes(bytes)) => record.headers.push(header(bytes)?),
            (3, Field::Bytes(body)) => record.body = body,
            _ => {}
        }
        Ok(())
    })?;
    Ok(record)
}

fn header(bytes: Bytes) -> Result<(Bytes, Bytes), InputError> {
    let mut header = (Bytes::new(), Bytes::new());
    each(bytes, |number, field| {
        match (number, field) {
            (1, Field::Bytes(name)) => header.0 = name,
            (2, Field::Bytes(value)) => header.1 = value,
            _ => {}
        }
        Ok(())
    })?;
    Ok(header)
}

fn position(bytes: Bytes) -> Result<Position, InputError> {
    let mut position = Position::default();
    each(bytes, |number, field| {
        match (number, field) {
            (1, Field::Varint(seq)) => position.seq_num = seq,
            (2, Field::Varint(timestamp)) => position.timestamp = timestamp,
            _ => {}
        }
        Ok(())
    })?;
    Ok(position)
}

fn each(
    bytes: Bytes,
    mut take: impl FnMut(u64, Field) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let malformed = |why: &str| InputError::Malformed(why.to_owned());
    let mut fields = Fields(bytes);
    while let Some((number, field)) = fields.next().map_err(malformed)? {
        take(number, field)?;
    }
    Ok(())
}

fn text(bytes: &[u8]) -> Result<String, InputError> {
    let text = std::str::from_utf8(bytes);
    text.map(str::to_owned).map_err(|_| InputError::Malformed("a text is not UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Bytes> {
        vec(any::<u8>(), 0..40).prop_map(Bytes::from)
    }

    fn any_input() -> impl Strategy<Value = AppendInput> {
        let record = (any::<Option<u64>>(), vec((bytes(), bytes()), 0..3), bytes())
            .prop_map(|(timestamp, headers, body)| InputRecord { timestamp, headers, body });
        (vec(record, 0..4), any::<Option<u64>>(), any::<Option<String>>()).prop_map(
            |(records, match_seq_num, fencing_token)| AppendInput {
                records,
                match_seq_num,
                fencing_token,
            },
        )
    }

    proptest! {
        #[test]
        fn inputs_round_trip(input in any_input()) {
            prop_assert_eq!(decode_input(encode_input(&input).into()), Ok(input));
        }

        #[test]
        fn acks_round_trip(seqs: [u64; 3], timestamps: [u64; 3]) {
            let at = |n: usize| Position { seq_num: seqs[n], timestamp: timestamps[n] };
            let ack = AppendAck { start: at(0), end: at(1), tail: at(2) };
            prop_assert_eq!(decode_ack(encode_ack(&ack).into()), Ok(ack));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..60)) {
            let bytes = Bytes::from(bytes);
            let _ = decode_ack(bytes.clone());
            let _ = decode_input(bytes).map(AppendInput::into_records);
        }

        #[test]
        fn changed_bytes_are_read_without_a_panic(
            input in any_input(), at: prop::sample::Index, to: u8, cut: prop::sample::Index,
        ) {
            let mut bytes = encode_input(&input);
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = to;
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            let _ = decode_input(bytes.into()).map(AppendInput::into_records);
        }

        #[test]
        fn unknown_fields_are_skipped(input in any_input(), number in 4..1000_u64, value: u64) {
            let mut bytes = encode_input(&input);
            put_present(&mut bytes, number, value);
            put_bytes(&mut bytes, number, b"later");
            prop_assert_eq!(decode_input(bytes.into()), Ok(input));
        }
    }
}
