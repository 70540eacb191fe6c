// The same agent with `ai` 6.0.201. From 6.0.202 on the tool branch of a head start is broken
// upstream: the SDK resumes the call with an approval that it makes up, which `ai` denies.

import { chat } from "@trigger.dev/sdk/ai";
import { stepCountIs, tool } from "ai";
import { rejecting, starter } from "../fixtures/lib/starters.mjs";

export const pinned = starter({ chat, tool, stepCountIs }, "pinned");

/** Boots for as long as the test wants. */
export const slow = starter({ chat, tool, stepCountIs }, "slow", 2, true);

/** Takes nothing over in a chat's first turn. */
export const picky = starter({ chat, tool, stepCountIs }, "pinned-picky", 2, false, rejecting);
