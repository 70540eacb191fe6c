# A two-turn conversation with nothing but curl, after the steps of the client protocol's docs:
# create with the first message, read the answer, append a follow-up, read on from the last seq.
json() { grep -oE "\"$1\": ?\"[^\"]*\"" | head -1 | sed -E 's/.*: ?"(.*)"/\1/'; }

made=$(curl -sS -X POST "$BASE_URL/api/v1/sessions" \
  -H "Authorization: Bearer $SECRET_KEY" -H "Content-Type: application/json" -d @- <<JSON
{"type": "chat.agent", "externalId": "$CHAT_ID", "taskIdentifier": "$TASK_ID",
 "triggerConfig": {"basePayload": {"chatId": "$CHAT_ID", "trigger": "submit-message",
  "message": {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "pong"}]}}}}
JSON
)
session=$(json id <<<"$made")
token=$(json publicAccessToken <<<"$made")

read_out() {
  curl -sS --max-time 30 -N "$BASE_URL/realtime/v1/sessions/$session/out" \
    -H "Authorization: Bearer $token" -H "Accept: text/event-stream" \
    -H "Timeout-Seconds: 2" "$@"
}

sse=$(read_out)
grep -E "text-delta|trigger-control" <<<"$sse"
last=$(grep -oE '"seq_num":[0-9]+' <<<"$sse" | tail -1 | grep -oE '[0-9]+')
echo "lastSeq: $last"

curl -sS -X POST "$BASE_URL/realtime/v1/sessions/$session/in/append" \
  -H "Authorization: Bearer $token" -H "Content-Type: application/json" -d @- >/dev/null <<JSON
{"kind": "message", "payload": {"chatId": "$CHAT_ID", "trigger": "submit-message",
 "message": {"id": "u2", "role": "user", "parts": [{"type": "text", "text": "echo"}]}}}
JSON

read_out -H "Last-Event-ID: $last" | grep -E "text-delta|trigger-control"
