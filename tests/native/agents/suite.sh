# The agent of the suite of turns (suite/README.md), as a process backend in POSIX shell with jq.

read -r request

# Prints a text as a piece of the answer.
say() { jq -cn --arg text "$1" '$text'; }
ask() { printf '%s' "$request" | jq -r "$1"; }
fail() { echo "$1" >&2; exit 1; }

act() {
  [ "$(ask .action.type)" = greet ] || fail "unknown action"
  say "Hello $(ask .action.name)."
}

resumed() {
  call=$(ask '.messages[-1].parts | map(select(.toolCallId)) | last | tojson')
  name=$(printf '%s' "$call" | jq -r .input.name)
  if [ "$(printf '%s' "$call" | jq .approval.approved)" = true ]; then
    printf '%s' "$call" |
      jq -c '{type: "tool-output-available", toolCallId, output: {deleted: true}}'
    say "Deleted $name."
  else
    printf '%s' "$call" | jq -c '{type: "tool-output-denied", toolCallId}'
    say "Kept $name."
  fi
}

words() {
  space=
  for word in $1; do
    say "$space$word"
    space=' '
  done
}

count() {
  number=1
  while [ $number -le "$1" ]; do
    echo "\"$number \""
    sleep 0.005
    number=$((number + 1))
  done
}

history() {
  say "$(ask '"\(.messages | length): \(
    [.messages[] | select(.role == "user") | .parts[0].text] | join(" | "))"')"
}

delete() {
  turn=$(ask .turn)
  jq -cn --arg call "call-$turn" --arg approval "approval-$turn" --arg name "$1" '
    {type: "tool-input-available", toolCallId: $call, toolName: "delete_file",
      input: {name: $name}},
    {type: "tool-approval-request", approvalId: $approval, toolCallId: $call}'
}

cite() {
  cat <<'END'
{"type":"reasoning-start","id":"r"}
{"type":"reasoning-delta","id":"r","delta":"Hm."}
{"type":"reasoning-end","id":"r"}
{"type":"source-url","sourceId":"s1","url":"https://example.com/"}
{"type":"data-mood","id":"m","data":{"mood":"calm","über":[1,null,"☃"]}}
"Cited."
END
}

if [ "$TIDEGATE_TRIGGER" = action ]; then
  act
elif [ "$(ask .continues)" = true ]; then
  resumed
else
  rest=${TIDEGATE_TEXT#* }
  case $TIDEGATE_TEXT in
    "say "*) words "$rest" ;;
    "count "*) count "$rest" ;;
    "delete "*) delete "$rest" ;;
    history) history ;;
    # The end of the input says that nobody wants the answer any more.
    wait) echo '"Tick."'; cat > /dev/null ;;
    fail) echo '"Half"'; fail "out of order" ;;
    which) say "$TIDEGATE_TRIGGER" ;;
    meta) say "$(ask '.metadata | tojson')" ;;
    cite) cite ;;
    *) fail "unknown command" ;;
  esac
fi
