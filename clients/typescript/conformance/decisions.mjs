// The client's pure decisions, as `decide` asks for them.

import { refusal as refusalOf } from "../dist/client/errors.js";
import { Position } from "../dist/client/state/position.js";

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

async function refusal({ status, headers, body }) {
  const { code, retry, param = null } = await refusalOf(new Response(body, { status, headers }));
  return { code, retry, param };
}

export const DECISIONS = { follow, refusal };
