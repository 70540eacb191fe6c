// Packages with native parts look for files beside themselves, so they are not bundled.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin, PluginBuild } from "esbuild";
import { OURS } from "./ours.js";

const LOADERS = ["bindings", "node-gyp-build", "@mapbox/node-pre-gyp", "prebuild-install"];

/** Leaves `also`, and whatever is native, to the runtime, by absolute path. */
export function nativePlugin(also: string[]): Plugin {
  const known = new Map<string, boolean>();
  const asked = new Map<string, Promise<string | undefined>>();
  return {
    name: "tidegate-native",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async (args) => {
        if (args.pluginData === OURS || args.path.startsWith("node:")) return undefined;
        const key = `${args.kind} ${args.path} ${args.resolveDir}`;
        const found = await cached(asked, key, () => resolve(build, args));
        if (found === undefined) return undefined;
        const folder = packageFolder(found);
        if (folder === undefined) return undefined;
        const name = packageName(args.path);
        const native = also.includes(name) || cached(known, folder, () => isNative(folder));
        if (!native) return undefined;
        const isRequire = args.kind === "require-call" || args.kind === "require-resolve";
        return { path: isRequire ? found : pathToFileURL(found).href, external: true };
      });
      build.onResolve({ filter: /\.node$/ }, async (args) => {
        if (args.pluginData === OURS) return undefined;
        const found = await resolve(build, args);
        return found === undefined ? undefined : { path: found, external: true };
      });
    },
  };
}

async function resolve(
  build: PluginBuild,
  { path, kind, importer, resolveDir }: Parameters<Parameters<PluginBuild["onResolve"]>[1]>[0],
): Promise<string | undefined> {
  const result = await build.resolve(path, { kind, importer, resolveDir, pluginData: OURS });
  return result.errors.length > 0 || result.external ? undefined : result.path;
}

function packageName(path: string): string {
  return path.split("/").slice(0, path.startsWith("@") ? 2 : 1).join("/");
}

function packageFolder(file: string): string | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json")) && /node_modules/.test(folder)) return folder;
  }
  return undefined;
}

function isNative(folder: string): boolean {
  if (existsSync(join(folder, "binding.gyp"))) return true;
  try {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      dependencies?: Record<string, string>;
      gypfile?: boolean;
      napi?: unknown;
    };
    const { dependencies = {}, gypfile, napi } = manifest;
    return gypfile === true || napi !== undefined || LOADERS.some((name) => name in dependencies);
  } catch {
    return false;
  }
}

function cached<V>(known: Map<string, V>, key: string, make: () => V): V {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}
