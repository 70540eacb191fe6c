// Addresses of the HTTP binding.

import { TidegateError } from "../errors.js";
import type { Place } from "../wire.js";

/** The gateway's address without a slash at its end. */
export function base(url: string): string {
  if (!/^https?:\/\//.test(url)) {
    throw new TidegateError("bad_url", `the gateway's URL must start with http(s)://: ${url}`);
  }
  return url.replace(/\/+$/, "");
}

export function streamPath({ session, channel, side }: Place): string {
  const at = `/realtime/v1/sessions/${encodeURIComponent(session)}`;
  return side === undefined
    ? `${at}/${channel}` : `${at}/channels/${encodeURIComponent(side)}/${channel}`;
}
