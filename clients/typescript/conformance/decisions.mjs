// The client's pure decisions, as `decide` asks for them.

import { refusal as refusalOf } from "../dist/client/errors.js";
import { Position } from "../dist/client/state/position.js";
import { DuplexMachine } from "../dist/client/transports/duplex-machine.js";

function follow({ after, steps }) {
  const position = new Position(after ?? undefined);
  const delivered = [];
  for (const step of steps) {
    if (step.gap !== undefined) {
      const [from, to, reason] = step.gap;
      const gap = position.skip({ from, to, reason });
      if (gap !== undefined) delivered.push(shown({ gap }));
    } else if (step.batch !== undefined) {
      delivered.push(...position.take(step.batch.map(record), true).map(shown));
    }
  }
  const { cursor } = position;
  return { delivered, cursor: cursor === undefined || cursor < 0 ? null : cursor };
}

function record(seq) {
  const command = Array.isArray(seq);
  return { seq_num: command ? seq[0] : seq, timestamp: 0, body: "",
    headers: command ? [["", "trim"]] : [] };
}

function shown({ record, gap }) {
  return gap === undefined ? record.seq_num : [gap.from, gap.to, gap.reason];
}

function frame({ text }) {
  const machine = new DuplexMachine(0, "key");
  machine.opened(0);
  machine.received(JSON.stringify({ t: "welcome" }), 0, 0);
  const id = machine.read({ session: "s", channel: "out" }, "key");
  machine.received(JSON.stringify({ t: "ack", id }), 0, 0);
  drained(machine);
  machine.received(text.replaceAll("$ID", id), 0, 0);
  const outputs = drained(machine);
  if (outputs.some((output) => output.do === "close")) return { error: "malformed" };
  const delivered = outputs.flatMap(({ tell, records, gap }) => {
    if (tell === "records") return records.map((one) => shown({ record: one }));
    return tell === "gap" ? [shown({ gap })] : [];
  });
  const sent = outputs.filter((output) => output.do === "send")
    .map((output) => JSON.stringify(output.frame));
  return { delivered, sent };
}

function drained(machine) {
  const outputs = [];
  for (let output; (output = machine.poll()) !== undefined;) outputs.push(output);
  return outputs;
}

async function refusal({ status, headers, body }) {
  const { code, retry, param = null } = await refusalOf(new Response(body, { status, headers }));
  return { code, retry, param };
}

export const DECISIONS = { follow, frame, refusal };
