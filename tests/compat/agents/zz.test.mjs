import { test } from "node:test";
import { stage } from "./lib/stage.mjs";
import { runs } from "@trigger.dev/sdk";
import { call, records } from "../lib/wire.mjs";
import { setTimeout as sleep } from "node:timers/promises";
const s = await stage(["hooks"]);
const { gw, talk, host } = s;
test("99", async () => {
  const one = talk("tagged"); const {runId}=await one.open();
  await one.turn("hi"); await sleep(1500);
  const r = await call(gw,`/api/v3/runs/${runId}`); console.log(await r.text());
  for (const [m,p,b] of [["PUT","metadata",{metadata:{a:1}}],["GET","metadata"],["POST","tags",{tags:["x"]}]]) { const a=await call(gw,`/api/v1/runs/${runId}/${p}`,{method:m,json:b}); console.log(m,p,a.status,await a.text()); }
  const r2 = await call(gw,`/api/v3/runs/${runId}`); console.log(await r2.text());
});
test.after(()=>{ console.log(host.logs().slice(-3000));
  console.log(gw.logs().slice(-3000));});
