// A tab that follows one session, for the tests of tabs.

import { createClient } from "../../../src/client/index.ts";

const Own = globalThis.WebSocket;
globalThis.sockets = [];
globalThis.WebSocket = class extends Own {
  constructor(...args) {
    super(...args);
    globalThis.sockets.push(this);
  }
};

globalThis.openSockets = () =>
  globalThis.sockets.filter(({ readyState }) => readyState <= 1).length;

globalThis.begin = (url, token, name, options = {}) => {
  globalThis.client = createClient({ url, token, ...options });
  globalThis.session = globalThis.client.session(name);
  globalThis.text = "";
  globalThis.seqs = [];
  globalThis.lives = [];
  globalThis.gaps = 0;
  globalThis.done = 0;
  globalThis.subscription = globalThis.session.subscribe();
  void (async () => {
    for await (const event of globalThis.subscription) {
      if (event.type === "gap") globalThis.gaps += 1;
      if (event.state === "live") globalThis.lives.push(event.transport);
      if (event.seq !== undefined) globalThis.seqs.push(event.seq);
      if (event.type === "chunk" && event.chunk.type === "text-delta") {
        globalThis.text += event.chunk.delta;
      }
      if (event.type === "turn-complete") globalThis.done += 1;
    }
  })();
};
