// The part of `chromium.mjs` that runs in the page.

import { answer, begin, end } from "./commands.mjs";

globalThis.adapter = { answer, begin, end };
