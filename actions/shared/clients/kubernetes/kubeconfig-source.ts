import { delimiter, dirname, join, resolve } from "node:path";
import type { Place } from "../../domain/problem.ts";
import { decodeConfig } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { readTextFile } from "../../lib/read-text.ts";
import { parseYaml, type YamlSource } from "../../lib/yaml.ts";
import { type Kubeconfig, KubeconfigSchema } from "./kubeconfig-schema.ts";

/** A kubeconfig as it was found: its relative paths begin in `folder`. */
export type Source = {
  readonly config: Kubeconfig;
  readonly name: string;
  readonly folder: string;
  readonly placeOf: (path: readonly (string | number)[]) => Place;
};

export type SourceOptions = {
  /** Path of a kubeconfig, or its whole text (as it lies in a secret), also in base64. Default: as kubectl finds it. */
  readonly kubeconfig?: string;
  /** Where relative paths begin. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

const MAX_BYTES = 4 * 1024 * 1024;

/** What kubectl would read: what is given, else the files of KUBECONFIG, else ~/.kube/config. None where there is none. */
export async function findSources({ kubeconfig, cwd, env }: SourceOptions): Promise<readonly Source[]> {
  if (kubeconfig !== undefined) {
    const text = textIn(kubeconfig);
    if (text !== undefined)
      return [parse(text, { input: "kubeconfig" }, { name: "the input kubeconfig", folder: cwd })];
    return [await readSource(resolve(cwd, kubeconfig.trim()), "the input kubeconfig")];
  }
  const paths = (env.KUBECONFIG ?? "").split(delimiter).filter(Boolean);
  if (paths.length > 0) {
    // kubectl passes over files of the list that are not there; a single one that is missing is a mistake.
    if (paths.length === 1) return [await readSource(resolve(cwd, paths[0] ?? ""), "KUBECONFIG")];
    return (await Promise.all(paths.map((path) => readIfThere(resolve(cwd, path))))).filter((one) => one !== undefined);
  }
  const own = env.HOME ? await readIfThere(join(env.HOME, ".kube", "config")) : undefined;
  return own === undefined ? [] : [own];
}

/** The text of a kubeconfig that was given in place of a path. */
function textIn(given: string): string | undefined {
  const text = given.trim();
  if (
    text.includes("\n")
      ? /^\s*(apiVersion|kind|clusters|contexts|current-context|users|preferences|---|#|\{)/m.test(text)
      : text.startsWith("{")
  )
    return given;
  if (!/^[A-Za-z0-9+/\s]{64,}={0,2}$/.test(text)) return text.includes("\n") ? given : undefined;
  const decoded = Buffer.from(text, "base64").toString("utf8");
  return /\bclusters\b/.test(decoded) ? decoded : undefined;
}

async function readSource(path: string, named: string): Promise<Source> {
  const found = await readIfThere(path);
  if (found !== undefined) return found;
  throw new ReleaseError("NOT_FOUND", {
    rule: `the kubeconfig that ${named} names is not there`,
    where: { file: path },
    hint: "give the path of a kubeconfig, or its text (from a secret)",
  });
}

async function readIfThere(path: string): Promise<Source | undefined> {
  const text = await readTextFile(path, MAX_BYTES);
  return text === undefined
    ? undefined
    : parse(text, { file: path }, { name: `the kubeconfig ${path}`, folder: dirname(path) });
}

function parse(text: string, from: YamlSource, { name, folder }: Pick<Source, "name" | "folder">): Source {
  const { value, placeOf } = parseQuietly(text, from);
  if (typeof value !== "object" || value === null)
    throw new ReleaseError("CONFIG", {
      rule: "is no kubeconfig",
      where: { ...from },
      saw: value === undefined || value === null ? "nothing" : "a single value",
      allowed: "a mapping with clusters, users, contexts and current-context",
      hint: "a secret that was cut, or encoded twice, looks like this",
    });
  return { config: decodeConfig(KubeconfigSchema, value, placeOf), name, folder, placeOf };
}

/** The parser quotes what it does not understand, which may be a key. */
function parseQuietly(text: string, from: YamlSource) {
  try {
    return parseYaml(text, from);
  } catch (error) {
    if (!isReleaseError(error)) throw error;
    const problems = error.problems.map(({ rule, where }) => ({
      rule: rule.replaceAll(/"[^"]*"?/g, "…").slice(0, 160),
      ...(where === undefined ? {} : { where }),
      hint: "check that the kubeconfig was copied whole, with its line breaks and indentation",
    }));
    throw new ReleaseError("CONFIG", problems);
  }
}
