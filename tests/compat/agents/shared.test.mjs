// The rows that need one gateway and one host with every agent.

import "./sessions.rows.mjs";
import "./turns.rows.mjs";
import "./stops.rows.mjs";
import "./hitl.rows.mjs";
import "./lifecycle.rows.mjs";
import "./close.rows.mjs";
import "./streams.rows.mjs";
import "./subagents.rows.mjs";
import "./sdk-only.rows.mjs";
import "./differential.rows.mjs";
