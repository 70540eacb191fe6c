import { test } from "node:test";
import { stage } from "./lib/stage.mjs";
import { records } from "../lib/wire.mjs";
import { setTimeout as sleep } from "node:timers/promises";
const s = await stage(["parts","tools","talk"]);
const { gw, talk, host } = s;
test("34", async () => {
  for (const [a,t] of [["oversized","/huge"],["handy","/tool blob"]]) {
  const one = talk(a); await one.open();
  await one.turn(t); await sleep(500);
  console.log(JSON.stringify((await one.records()).map(r=>({...r,data:JSON.stringify(r.data).slice(0,150)}))), JSON.stringify(await one.fates()));
  }
});
test("73", async () => {
  const one = talk("talk"); await one.open(); for (let i=0;i<3;i++) await one.turn("/count 5"); await sleep(1000);
  const a=await (await fetch(`${gw.url}/realtime/v1/sessions/${one.chat}/out/records`,{headers:{authorization:`Bearer ${gw.key}`}})).json();
  console.log(JSON.stringify(a.records.map(r=>[r.seqNum,r.data?.type,JSON.stringify(r.headers)])));
});
test.after(()=>{ console.log(host.logs().slice(-3000));
  console.log(gw.logs().slice(-3000));});
