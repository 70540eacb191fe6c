//! Canned content.

use serde_json::{Value, json};

/// A 1×1 PNG.
pub(super) const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ\
AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Something to render.
pub(super) const MARKDOWN: &str = "# A heading\n\nSome *emphasis*, some **weight**, `code`, and a \
[link](https://example.com).\n\n- one\n- two\n  - two and a half\n\n1. first\n2. second\n\n\
```rust\nfn main() {\n    let answer = 42;\n}\n```\n\n| tide | height |\n|---|---|\n\
| low | 0.4 m |\n| high | 3.1 m |\n\n> Time and tide wait for no one.\n";

/// What the demo understands.
pub(super) const HELP: &str = "Say anything and I repeat it. Or try:\n\
- `/words N [MS]`: N numbered words, MS milliseconds apart\n\
- `/wait MS [TEXT]`: nothing for MS milliseconds, then an answer\n\
- `/reason [TEXT]`: reasoning, then an answer\n\
- `/steps N`: N steps\n\
- `/tool CITY`: a tool that runs on the server\n\
- `/tool-error CITY`: a tool that fails on the server\n\
- `/approve ITEM`: a tool that needs your approval\n\
- `/client NAME[, NAME…]`: tools that run in your client\n\
- `/data`, `/source`, `/file`, `/markdown`: other parts\n\
- `/message-metadata`: metadata on the message\n\
- `/meta`: what I was sent besides the messages\n\
- `/fail [TEXT]`, `/fail-first`: I break, after some words or before any\n\
- `/error [TEXT]`: an error chunk of my own\n\
- `/abort`: an abort chunk of my own\n\
- `/broken`: a chunk that breaks the grammar\n\
- `/cut`: an answer that stops without an end\n\
- `/hang`, `/hang-first`: I never finish, or never start\n\
- `/flood N [KIB]`: N blocks of KIB KiB as fast as possible\n\
Actions: `{\"type\":\"say\",\"text\":…}`, `{\"type\":\"undo\"}`, `{\"type\":\"nothing\"}`.\n";

/// The weather is the same every day, but not in every city.
pub(super) fn weather(city: &str) -> Value {
    const SKIES: [&str; 4] = ["sunny", "cloudy", "windy", "foggy"];
    let sum: usize = city.bytes().map(usize::from).sum();
    json!({"city": city, "celsius": sum % 30, "sky": SKIES[sum % SKIES.len()]})
}

/// What approving `item` gives.
pub(super) fn shipment(item: &str) -> Value {
    json!({"item": item, "shipped": true})
}
