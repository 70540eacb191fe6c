"""The agent of the suite of turns (suite/README.md), in Python."""

import asyncio
import json
import os

from tidegate import App, Tool, Turn, TurnError

app = App()
TOOL = "delete_file"
NOTHING = {"type": "object"}
QUERY = {**NOTHING, "properties": {"query": {"type": "string"}}, "required": ["query"]}


@app.agent("suite-python", actions=True, steering=True,
           tools=[Tool("show_map", input_schema=NOTHING)])
async def suite(turn: Turn):
    if turn.trigger == "action":
        yield act(turn.action)
    elif turn.continues:
        for chunk in resumed(turn):
            yield chunk
    else:
        command, _, rest = turn.text.partition(" ")
        async for given in COMMANDS[command](turn, rest):
            yield given


@suite.tool(input_schema=QUERY)
async def search(input, call):
    """Finds what it is asked for"""
    return {"found": input["query"]}


@suite.tool(input_schema=NOTHING)
async def breaks(input, call):
    raise TurnError("no luck")


@suite.tool(input_schema=NOTHING)
async def sleeps(input, call):
    await asyncio.Event().wait()


@suite.tool(name=TOOL, input_schema=NOTHING, needs_approval=lambda input, call: True)
def delete_file(input, call):
    return None


# What no gateway takes: a tool with this name, or one with this schema.
if name := os.environ.get("SUITE_TOOL"):
    suite.add(Tool(name, input_schema=NOTHING))
if schema := os.environ.get("SUITE_SCHEMA"):
    suite.add(Tool("odd", input_schema=json.loads(schema)))


@suite.on_turn_start
async def turn_start(turn):
    if turn.text.endswith("+ reject"):
        raise TurnError("not today")


def act(action):
    if action.get("type") != "greet":
        raise TurnError("unknown action")
    return f"Hello {action['name']}."


def resumed(turn):
    calls = [part for part in turn.messages[-1]["parts"] if "toolCallId" in part]
    call = calls[-1] if calls else {}
    if "approval" not in call:
        ends = [part.get("errorText") or compact(part.get("output")) for part in calls]
        yield f"Then: {', '.join(ends) or 'nothing'}."
        return
    name = call["input"]["name"]
    if call["approval"]["approved"]:
        output = {"deleted": True}
        yield {"type": "tool-output-available", "toolCallId": call["toolCallId"], "output": output}
        yield f"Deleted {name}."
    else:
        yield {"type": "tool-output-denied", "toolCallId": call["toolCallId"]}
        yield f"Kept {name}."


def compact(value):
    return json.dumps(value, separators=(",", ":"))


async def model(turn, rest):
    yield "Ran."


async def say(turn, rest):
    for index, word in enumerate(rest.split(" ")):
        yield word if index == 0 else f" {word}"


async def history(turn, rest):
    users = [message for message in turn.messages if message["role"] == "user"]
    texts = [message["parts"][0]["text"] for message in users]
    yield f"{len(turn.messages)}: {' | '.join(texts)}"


async def wait(turn, rest):
    yield "Tick."
    await asyncio.Event().wait()


async def count(turn, rest):
    for number in range(1, int(rest) + 1):
        yield f"{number} "
        await asyncio.sleep(0.005)


async def delete(turn, rest):
    call = {"toolCallId": f"call-{turn.turn}", "toolName": TOOL, "input": {"name": rest}}
    yield {"type": "tool-input-available", **call}
    asked = {"approvalId": f"approval-{turn.turn}", "toolCallId": call["toolCallId"]}
    yield {"type": "tool-approval-request", **asked}


async def fail(turn, rest):
    yield "Half"
    raise TurnError("out of order")


async def cite(turn, rest):
    yield {"type": "reasoning-start", "id": "r"}
    yield {"type": "reasoning-delta", "id": "r", "delta": "Hm."}
    yield {"type": "reasoning-end", "id": "r"}
    yield {"type": "source-url", "sourceId": "s1", "url": "https://example.com/"}
    yield {"type": "data-mood", "id": "m", "data": {"mood": "calm", "über": [1, None, "☃"]}}
    yield "Cited."


async def which(turn, rest):
    yield turn.trigger


async def meta(turn, rest):
    yield json.dumps(turn.metadata, separators=(",", ":"), sort_keys=True)


async def steer(turn, rest):
    yield "Waiting."
    while not turn.pending:
        await asyncio.sleep(0.005)
    for message in turn.pending.take():
        yield f" Got {message['parts'][0]['text']}."


async def flood(turn, rest):
    for number in range(int(rest)):
        yield chr(97 + number % 26) * 65_536


COMMANDS = {f.__name__: f for f in (
    model, say, history, wait, count, delete, fail, cite, which, meta, steer, flood)}

app.run()
