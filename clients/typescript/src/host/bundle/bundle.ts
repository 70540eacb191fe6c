// One file that holds the agent files, the SDK and the isolate's main: isolates start fast with it.

import { createHash } from "node:crypto";
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, stop } from "esbuild";
import { HostError } from "../errors.js";
import { nativePlugin } from "./native.js";
import { locationPlugin, sdkPlugin } from "./plugins.js";
import type { Sdk } from "./sdk.js";

const START = fileURLToPath(new URL("../isolate/start.js", import.meta.url));

export interface BundleOptions {
  files: string[];
  sdk: Sdk;
  /** Packages that are left to the runtime beside the native ones. */
  external: string[];
  /** Where bundles are kept, each under the hash of its content. */
  cache?: string;
}

/** Returns the bundle's path. */
export async function bundle({ files, sdk, external, cache }: BundleOptions): Promise<string> {
  const { code, map } = await made(files, sdk, external);
  const folder = cache ?? join(tmpdir(), `tidegate-bundles-${userInfo().uid}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = createHash("sha256").update(code).digest("hex").slice(0, 32);
  const path = join(folder, `${name}.mjs`);
  if (await exists(path)) return path;
  // Both under a name of our own first: another host may write the same bundle now.
  await put(`${path}.map`, map);
  await put(path, `${code}\n//# sourceMappingURL=${name}.mjs.map\n`);
  return path;
}

async function made(files: string[], sdk: Sdk, external: string[]) {
  try {
    const result = await build({
      stdin: { contents: entry(files), resolveDir: sdk.folder, sourcefile: "tidegate-entry.js" },
      outfile: "bundle.mjs",
      bundle: true,
      write: false,
      format: "esm",
      platform: "node",
      target: "node20",
      mainFields: ["module", "main"],
      conditions: ["module"],
      keepNames: true,
      sourcemap: "external",
      sourcesContent: false,
      legalComments: "none",
      logLevel: "silent",
      banner: { js: banner(files[0]!) },
      plugins: [sdkPlugin(sdk.folder), nativePlugin(external), locationPlugin()],
    });
    const text = (suffix: string) =>
      result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? "";
    return { code: text(".mjs"), map: text(".map") };
  } catch (error) {
    throw new HostError("bundle_failed", `can't bundle the agent files: ${detail(error, sdk)}`);
  } finally {
    // Its process is of no use any more.
    await stop();
  }
}

function entry(files: string[]): string {
  const loads = files.map((file) => {
    const path = JSON.stringify(file);
    return `{ file: ${path}, load: () => import(${path}) }`;
  });
  return `import { start } from ${JSON.stringify(START)};\nawait start([${loads.join(", ")}]);\n`;
}

/** CommonJS in the bundle needs its globals. Properties, so that no module's own name clashes. */
function banner(file: string): string {
  const at = JSON.stringify(pathToFileURL(file).href);
  return [
    `import { createRequire as __tidegateRequire } from "node:module";`,
    `globalThis.require ??= __tidegateRequire(${at});`,
    `globalThis.__filename ??= ${JSON.stringify(file)};`,
    `globalThis.__dirname ??= ${JSON.stringify(file.replace(/[\\/][^\\/]*$/, ""))};`,
  ].join("\n");
}

function detail(error: unknown, sdk: Sdk): string {
  const failure = error as { errors?: { text: string; location?: { file: string } | null }[] };
  const texts = failure.errors?.map(({ text, location }) =>
    location ? `${location.file}: ${text}` : text);
  const hint = texts?.some((text) => text.includes("@trigger.dev/core"))
    ? ` (@trigger.dev/sdk ${sdk.version} may be too old; 4.8 or newer is needed)`
    : "";
  return (texts?.slice(0, 5).join("; ") ?? String(error)) + hint;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(() => true, () => false);
}

async function put(path: string, text: string): Promise<void> {
  const own = `${path}.${process.pid}`;
  await writeFile(own, text, { mode: 0o600 });
  await rename(own, path);
}
