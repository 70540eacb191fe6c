// Server-sent events out of text, however it is cut.

export interface ServerEvent {
  event: string;
  data: string;
}

export class EventStream {
  #rest = "";
  #event = "";
  #data: string[] = [];
  #begun = false;

  /** The events that are whole with `text`. */
  push(text: string): ServerEvent[] {
    if (!this.#begun && text.length > 0) {
      this.#begun = true;
      if (text.startsWith("\ufeff")) text = text.slice(1);
    }
    const events: ServerEvent[] = [];
    const all = this.#rest + text;
    let start = 0;
    for (;;) {
      const end = lineEnd(all, start);
      if (end === undefined) break;
      this.#line(all.slice(start, end.at), events);
      start = end.next;
    }
    this.#rest = all.slice(start);
    return events;
  }

  #line(line: string, events: ServerEvent[]): void {
    if (line === "") {
      if (this.#data.length > 0) {
        events.push({ event: this.#event || "message", data: this.#data.join("\n") });
      }
      this.#event = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
  }
}

/** Where the line that starts at `start` ends. A CR at the very end may be half of a CRLF. */
function lineEnd(text: string, start: number): { at: number; next: number } | undefined {
  const feed = text.indexOf("\n", start);
  const head = feed === -1 ? text.slice(start) : text.slice(start, feed);
  const back = head.indexOf("\r");
  if (back === -1) return feed === -1 ? undefined : { at: feed, next: feed + 1 };
  const at = start + back;
  if (at + 1 === text.length) return undefined;
  return { at, next: text[at + 1] === "\n" ? at + 2 : at + 1 };
}
