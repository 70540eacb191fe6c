// Makes one script of a page.

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** The bundled text of the module at `entry`. */
export async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    // Writers that only servers use reach for HTTP/2; a page never loads them.
    external: ["node:*"],
    nodePaths: [fileURLToPath(new URL("./node_modules", import.meta.url))],
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"', "process.env": "{}" },
    logLevel: "error",
  });
  return outputFiles[0].text;
}
