// Where `logger` of the SDK writes: lines on the host's own output.

import { trace } from "@opentelemetry/api";
import type { Span } from "@opentelemetry/api";

export function taskLogger(run: string) {
  const line = (level: string, write: (text: string) => void) =>
    (message: string, properties?: Record<string, unknown>) => {
      const more = properties === undefined ? "" : ` ${safeJson(properties)}`;
      write(`${level} ${run}: ${message}${more}`);
    };
  return {
    debug: line("debug", () => undefined),
    log: line("log", console.log),
    info: line("info", console.log),
    warn: line("warn", console.error),
    error: line("error", console.error),
    trace: <T>(name: string, work: (span: Span) => Promise<T>) => work(span(name)),
    startSpan: span,
  };
}

function span(name: string): Span {
  return trace.getTracer("tidegate-host").startSpan(name);
}

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "(not JSON)";
  }
}
