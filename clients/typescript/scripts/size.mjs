// What the client adds to a page: minified, and gzipped.

import { gzipSync } from "node:zlib";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

export const ENTRIES = {
  "tidegate/client, all of it": 'export * from "./dist/client/index.js"',
  "createClient": 'export { createClient } from "./dist/client/index.js"',
  "TidegateChatTransport": 'export { TidegateChatTransport } from "./dist/client/index.js"',
  "tidegate/react (without React and the AI SDK)": 'export * from "./dist/react/index.js"',
};

/** Bytes of what a page that has only `contents` loads. */
export async function size(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: ROOT }, bundle: true, minify: true, write: false,
    format: "esm", platform: "browser", target: "es2022",
    external: ["react", "ai", "@ai-sdk/react"],
  });
  const bytes = outputFiles[0].contents;
  return { min: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, contents] of Object.entries(ENTRIES)) {
    const { min, gzip } = await size(contents);
    console.log(`${name}: ${min} bytes minified, ${gzip} gzipped`);
  }
}
