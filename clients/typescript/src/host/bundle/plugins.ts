// How names resolve in the bundle: one copy of the SDK for the agents and for the isolate.

import { readFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Loader, Plugin } from "esbuild";
import { OURS } from "./ours.js";

const ISOLATE = fileURLToPath(new URL("../isolate/", import.meta.url));

/**
 * What the isolate imports comes from the SDK's own dependencies; and whoever asks for the SDK gets
 * its ES modules, also by `require`: a second copy would have managers of its own.
 */
export function sdkPlugin(sdkFolder: string): Plugin {
  return {
    name: "tidegate-sdk",
    setup(build) {
      build.onResolve({ filter: /^(@trigger\.dev\/|@opentelemetry\/api$)/ }, (args) => {
        if (args.pluginData === OURS) return undefined;
        const resolveDir = args.importer.startsWith(ISOLATE) ? sdkFolder : args.resolveDir;
        const { path, importer } = args;
        const kind = "import-statement" as const;
        return build.resolve(path, { kind, importer, resolveDir, pluginData: OURS });
      });
    },
  };
}

/** Own modules know where they are, as if they were not bundled. */
export function locationPlugin(): Plugin {
  return {
    name: "tidegate-location",
    setup(build) {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
        if (/[\\/]node_modules[\\/]/.test(path)) return undefined;
        const text = await readFile(path, "utf8");
        if (!/import\.meta\.|__dirname|__filename/.test(text)) return undefined;
        return { contents: located(text, path), loader: loaderOf(path) };
      });
    },
  };
}

function located(text: string, path: string): string {
  const url = JSON.stringify(pathToFileURL(path).href);
  const folder = JSON.stringify(dirname(path));
  const file = JSON.stringify(path);
  return text
    .replaceAll(/\bimport\.meta\.url\b/g, url)
    .replaceAll(/\bimport\.meta\.dirname\b/g, folder)
    .replaceAll(/\bimport\.meta\.filename\b/g, file)
    .replaceAll(/(?<![\w$.]|const |let |var )__dirname\b(?!\s*=)/g, folder)
    .replaceAll(/(?<![\w$.]|const |let |var )__filename\b(?!\s*=)/g, file);
}

function loaderOf(path: string): Loader {
  const kind = extname(path).replace(/^\.[cm]?/, "");
  return kind === "js" ? "jsx" : (kind as Loader);
}
