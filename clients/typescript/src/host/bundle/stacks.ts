// Stacks of the bundle, told in terms of the agent files.

import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";

/** Maps the places of `bundle` in a stack. Whatever goes wrong, the stack itself is returned. */
export function mapped(stack: string, bundle: string): string {
  if (!stack.includes(bundle)) return stack;
  try {
    const map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, "utf8")));
    const place = new RegExp(`(?:file://)?${escaped(bundle)}:(\\d+):(\\d+)`, "g");
    return stack.replaceAll(place, (whole, line: string, column: string) => {
      const found = map.findEntry(Number(line) - 1, Number(column) - 1);
      if (!("originalSource" in found)) return whole;
      const file = resolve(dirname(bundle), found.originalSource);
      return `${file}:${found.originalLine + 1}:${found.originalColumn + 1}`;
    });
  } catch {
    return stack;
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
