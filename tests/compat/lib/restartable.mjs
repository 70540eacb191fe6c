// A gateway that is stopped and comes back as what it was.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, launch } from "../harness.mjs";

/** A gateway on disk that can be started again at the same address with the same data. */
export async function restartable(t, more = {}) {
  const data = await mkdtemp(join(tmpdir(), "tidegate-restart-"));
  const options = { store: "disk:", data, port: await freePort(), ...more };
  const place = { gw: await launch(options) };
  place.restart = async (signal, meanwhile) => {
    const ended = await place.gw.stop(signal);
    await meanwhile?.();
    place.gw = await launch(options);
    return ended;
  };
  t.after(async () => {
    const { code } = await place.gw.stop();
    await rm(data, { recursive: true, force: true });
    assert.equal(code, 0);
  });
  return place;
}
