//! Actions: `{"type":"say","text":…}`, `{"type":"undo"}`, `{"type":"nothing"}`.

use tidegate_core::seams::backend::{BackendFault, TurnRequest};

use super::script::Script;
use crate::history;

/// Writes the answer to an action.
pub(super) fn write(script: &mut Script, request: &TurnRequest) {
    let action = request.action.as_ref();
    let field = |name: &str| action.and_then(|action| action[name].as_str());
    let text = match field("type") {
        Some("nothing") => return,
        Some("say") => field("text").unwrap_or("(nothing)").to_owned(),
        Some("undo") => {
            let last = history::last_user_text(&request.messages);
            format!("Let us forget that you said “{last}”.")
        }
        other => {
            let name = other.unwrap_or("(no type)");
            return script.fail(BackendFault::Invalid, &format!("unknown action {name}"));
        }
    };
    script.start(&request.answer_id);
    script.start_step();
    script.text(&text);
    script.finish();
}
