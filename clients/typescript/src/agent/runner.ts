// Runs one turn: asks the agent, sends its answer, and says how it ended.

import { WorkLostError } from "../link/index.js";
import type { Work } from "../link/index.js";
import { answerAction } from "./actions.js";
import { Texts, streamOf, untilAborted } from "./chunks.js";
import type { AgentDefinition } from "./definition.js";
import { shown, TurnError } from "./errors.js";
import type { Gateway } from "./gateway.js";
import { HeadStart } from "./head-start.js";
import type { InRecord } from "./inputs.js";
import { Outgoing } from "./outgoing.js";
import { turnOf } from "./turn.js";
import type { Chunk, Outcome, Turn } from "./types.js";

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
  const headStart = work.frame["head_start"] === true ? new HeadStart(work.signal) : undefined;
  const out = new Outgoing(work, headStart !== undefined);
  const turn = turnOf(work, out, gateway);
  void listen(work, turn, out, headStart);
  const where = `turn ${turn.id} of ${definition.id}`;
  const asked: Asked = { definition, turn, out, work, headStart,
    log: (what, error) => log(`${what} in ${where}`, error),
    failed: (error) => {
      if (!(error instanceof TurnError)) log(`${where} failed`, error);
    } };
  const outcome = await outcomeOf(asked);
  try {
    await definition.onTurnComplete?.(turn, outcome);
  } catch (error) {
    log(`onTurnComplete of ${where} failed`, error);
  }
}

/** One turn that runs. */
interface Asked {
  definition: AgentDefinition;
  turn: Turn;
  out: Outgoing;
  work: Work;
  headStart: HeadStart | undefined;
  log: Log;
  failed: (error: unknown) => void;
}

/** Takes the messages that arrive meanwhile, and the hand-over of a head start. */
async function listen(
  work: Work,
  turn: Turn,
  out: Outgoing,
  headStart: HeadStart | undefined,
): Promise<void> {
  for await (const frame of work.frames) {
    if (frame.t === "in") turn.pending.add(frame["records"] as InRecord[]);
    if (frame.t !== "handover") continue;
    headStart?.give(frame);
    out.release();
  }
}

async function outcomeOf(asked: Asked): Promise<Outcome> {
  const { definition, turn, out, work, headStart, failed } = asked;
  try {
    try {
      // What arrives from here on gets a turn of its own.
      await answer(asked).finally(() => turn.pending.end());
      await out.finish();
    } catch (error) {
      if (work.signal.aborted || error instanceof WorkLostError) throw error;
      failed(error);
      // A hook may fail while the step still runs: the user sees that behind the step.
      await headStart?.came;
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

async function answer({ definition, turn, out, headStart, log }: Asked): Promise<void> {
  if (turn.turn === 1) await definition.onStart?.(turn);
  await definition.onTurnStart?.(turn);
  if (headStart !== undefined) {
    const write = (chunk: Chunk) => out.chunk(chunk);
    if (!(await headStart.takeOver({ options: definition, turn, write, log }))) return;
  }
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
