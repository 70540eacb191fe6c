// Runs one turn: asks the agent, sends its answer, and says how it ended.

import { WorkLostError } from "../link/index.js";
import type { Work } from "../link/index.js";
import { answerAction } from "./actions.js";
import { Texts, streamOf, untilAborted } from "./chunks.js";
import type { AgentDefinition } from "./definition.js";
import { shown, TurnError } from "./errors.js";
import type { Gateway } from "./gateway.js";
import type { InRecord } from "./inputs.js";
import { Outgoing } from "./outgoing.js";
import { turnOf } from "./turn.js";
import type { Outcome, Turn } from "./types.js";

/** Told of what went wrong; it only logs. */
export type Log = (message: string, error?: unknown) => void;

/** The reasons of a `cancel` with which the gateway wants no answer any more, from anybody. */
const STOPS: ReadonlySet<string> = new Set(["stopped", "cancelled"]);

export interface Surroundings {
  gateway: Gateway;
  log: Log;
}

/** Never rejects. */
export async function runTurn(
  definition: AgentDefinition,
  work: Work,
  { gateway, log }: Surroundings,
): Promise<void> {
  const out = new Outgoing(work);
  const turn = turnOf(work, out, gateway);
  void listen(work, turn);
  const where = `turn ${turn.id} of ${definition.id}`;
  const outcome = await outcomeOf(definition, turn, out, work, (error) => {
    if (!(error instanceof TurnError)) log(`${where} failed`, error);
  });
  try {
    await definition.onTurnComplete?.(turn, outcome);
  } catch (error) {
    log(`onTurnComplete of ${where} failed`, error);
  }
}

/** Takes the messages that arrive meanwhile. */
async function listen(work: Work, turn: Turn): Promise<void> {
  for await (const frame of work.frames) {
    if (frame.t === "in") turn.pending.add(frame["records"] as InRecord[]);
  }
}

async function outcomeOf(
  definition: AgentDefinition,
  turn: Turn,
  out: Outgoing,
  work: Work,
  failed: (error: unknown) => void,
): Promise<Outcome> {
  try {
    try {
      // What arrives from here on gets a turn of its own.
      await answer(definition, turn, out).finally(() => turn.pending.end());
      await out.finish();
    } catch (error) {
      if (work.signal.aborted || error instanceof WorkLostError) throw error;
      failed(error);
      const errorText = shown(error, definition.showError);
      await out.finish(errorText);
      await work.flush();
      return { status: "failed", error, errorText };
    }
    await work.flush();
    return { status: "done" };
  } catch (error) {
    // The signal's reason says more than what an agent throws when it is aborted.
    return lost(work.signal.aborted ? work.signal.reason : error);
  }
}

function lost(error: unknown): Outcome {
  if (!(error instanceof WorkLostError)) return { status: "lost", reason: String(error) };
  if (STOPS.has(error.reason)) return { status: "stopped" };
  return { status: "lost", reason: error.reason };
}

async function answer(definition: AgentDefinition, turn: Turn, out: Outgoing): Promise<void> {
  if (turn.turn === 1) await definition.onStart?.(turn);
  await definition.onTurnStart?.(turn);
  const asked = turn.trigger === "action" ? answerAction(definition, turn) : definition.run(turn);
  const texts = new Texts();
  const stream = streamOf(await asked, streamOptions(definition, turn));
  for await (const given of untilAborted(stream, turn.signal)) {
    for (const chunk of texts.chunks(given)) out.chunk(chunk);
    await out.room();
  }
  for (const chunk of texts.end()) out.chunk(chunk);
}

function streamOptions(definition: AgentDefinition, turn: Turn): Record<string, unknown> {
  return {
    originalMessages: turn.messages,
    generateMessageId: () => turn.answerId,
    onError: (error: unknown) => shown(error, definition.showError),
    ...definition.uiMessageStreamOptions,
  };
}
