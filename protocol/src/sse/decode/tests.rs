use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Reads a whole body with string operations, as the standard's text goes.
fn naive(body: &str) -> Vec<Event> {
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    let mut event = Event::default();
    let mut data = String::new();
    // What stands after the last line end is no line.
    let mut lines: Vec<&str> = body.split('\n').collect();
    lines.pop();
    for line in lines {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            _ if line.is_empty() => {
                let name = event.event.take().filter(|name| !name.is_empty());
                if let Some(data) = std::mem::take(&mut data).strip_suffix('\n') {
                    let data = Bytes::from(data.to_owned());
                    events.push(Event { event: name, data, ..std::mem::take(&mut event) });
                }
            }
            "data" => data += &format!("{value}\n"),
            "event" => event.event = Some(value.to_owned()),
            "id" if !value.contains('\0') => event.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.chars().all(|c| c.is_ascii_digit()) => {
                event.retry = value.parse().ok();
            }
            _ => {}
        }
    }
    events
}

fn decode(limit: usize, parts: &[&[u8]]) -> (Vec<Result<Event, DecodeError>>, bool) {
    let mut decoder = Decoder::new(limit);
    let mut items = Vec::new();
    for part in parts {
        decoder.push(&Bytes::copy_from_slice(part));
        items.extend(decoder.by_ref());
    }
    let cut = decoder.finish();
    assert_eq!(decoder.next(), None);
    (items, cut)
}

/// `bytes`, cut at each of `cuts`.
fn split<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn body() -> impl Strategy<Value = String> {
    let pieces = vec![
        "data",
        "data: ",
        "data:",
        "event: ",
        "event",
        "id: ",
        "retry: ",
        ":",
        " ",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\u{feff}",
        "x",
        "12",
        "é",
        "😀",
        "\0",
        "{\"a\":1}",
    ];
    vec(select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn reads_what_the_naive_reader_reads(body in body(), cuts: Vec<prop::sample::Index>) {
        let (items, _) = decode(usize::MAX, &split(body.as_bytes(), &cuts));
        let events: Vec<Event> = items.into_iter().map(|item| item.expect("no limit")).collect();
        prop_assert_eq!(events, naive(&body));
    }

    #[test]
    fn splits_have_no_meaning(
        bytes in prop_oneof![body().prop_map(String::into_bytes), any::<Vec<u8>>()],
        cuts: Vec<prop::sample::Index>,
        limit in 0..60usize,
    ) {
        let whole = decode(limit, &[&bytes]);
        prop_assert_eq!(decode(limit, &split(&bytes, &cuts)), whole);
    }

    #[test]
    fn nothing_is_held_over_the_limit(body in body(), cuts: Vec<prop::sample::Index>) {
        let limit = 24;
        let mut decoder = Decoder::new(limit);
        for part in split(body.as_bytes(), &cuts) {
            decoder.push(&Bytes::copy_from_slice(part));
            prop_assert!(decoder.line.len() <= limit);
            if let Data::Many(joined) = &decoder.data {
                prop_assert!(joined.len() <= limit);
            }
        }
        for event in decoder.flatten() {
            prop_assert!(event.data.len() <= limit);
        }
    }
}

#[test]
fn a_line_within_one_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"data: {\"type\":\"start\"}\n\n");
    let mut decoder = Decoder::new(1_000);
    decoder.push(&chunk);
    let event = decoder.next().expect("an event").expect("no error");
    assert_eq!(event.data.as_ptr(), chunk[6..].as_ptr());
}

#[test]
fn bytes_that_are_not_utf8_reach_the_reader_of_the_data() {
    let (items, cut) = decode(100, &[b"event: a\xff\ndata: b\xff\n\n"]);
    let event = items[0].as_ref().expect("an event");
    assert_eq!(event.event.as_deref(), Some("a\u{fffd}"));
    assert_eq!((&event.data[..], cut), (&b"b\xff"[..], false));
}

#[test]
fn events_before_the_error_are_kept_and_none_follow() {
    let (items, cut) = decode(10, &[b"data: a\n\ndata: 12345", b"\n\ndata: b\n\n"]);
    assert_eq!(items[0].as_ref().map(|event| &event.data[..]), Ok(&b"a"[..]));
    assert_eq!(items[1..], [Err(DecodeError::TooLarge { limit: 10 })]);
    assert!(!cut);
}
