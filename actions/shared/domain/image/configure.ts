import { readPairs } from "../dockerfile/copy.ts";
import { flagOf, type Instruction, jsonWords } from "../dockerfile/parse.ts";
import { expandWord, expandWords, type Variables } from "../dockerfile/words.ts";
import { parseDuration } from "../quantity.ts";
import { environmentOf, type RunConfig } from "./config.ts";

type Setting = { readonly config: RunConfig; readonly variables: Variables; readonly escapeChar: string };

/**
 * The configuration after one instruction that sets some of it (ENV, CMD, USER …); undefined where its words cannot be read.
 * WORKDIR is relative to the one before.
 */
export function configure(instruction: Instruction, { config, variables, escapeChar }: Setting): RunConfig | undefined {
  const { keyword, rest } = instruction;
  const word = () => expandWord(rest, variables, escapeChar);
  const words = () => expandWords(rest, variables, escapeChar);
  const pairs = () => readPairs(rest, variables, escapeChar);
  switch (keyword) {
    case "ENV":
      return withDefined(pairs(), (env) => ({ ...config, Env: mergeEnv(config, env) }));
    case "LABEL":
      return withDefined(pairs(), (labels) => ({
        ...config,
        Labels: { ...config.Labels, ...Object.fromEntries(labels) },
      }));
    case "USER":
      return withDefined(word(), (User) => ({ ...config, User }));
    case "WORKDIR":
      return withDefined(word(), (folder) => ({ ...config, WorkingDir: joinFolder(config.WorkingDir, folder) }));
    case "STOPSIGNAL":
      return withDefined(word(), (StopSignal) => ({ ...config, StopSignal }));
    case "EXPOSE":
      return withDefined(words(), (ports) => exposePorts(config, ports));
    case "VOLUME":
      return withDefined(instruction.words ?? words(), (paths) => ({
        ...config,
        Volumes: { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) },
      }));
    case "SHELL":
      return withDefined(instruction.words, (Shell) => ({ ...config, Shell: [...Shell] }));
    case "CMD":
      return { ...config, Cmd: commandOf(instruction, config) };
    case "ENTRYPOINT":
      return { ...config, Entrypoint: commandOf(instruction, config) };
    case "HEALTHCHECK":
      return withDefined(healthcheck(instruction), (Healthcheck) => ({ ...config, Healthcheck }));
    default:
      return config;
  }
}

/** ENTRYPOINT without a CMD of one's own drops the CMD of the base: its words were meant for another program. */
export function dropInheritedCmd(config: RunConfig, keywords: readonly string[]): RunConfig {
  if (!keywords.includes("ENTRYPOINT") || keywords.includes("CMD")) return config;
  const { Cmd: _, ...rest } = config;
  return rest;
}

/** An absolute path without `.`, `..` and a trailing slash. */
export function joinFolder(folder: string | undefined, path: string): string {
  const parts: string[] = [];
  const whole = path.startsWith("/") ? path : `${folder ?? "/"}/${path}`;
  for (const part of whole.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

function withDefined<T>(value: T | undefined, set: (value: T) => RunConfig | undefined): RunConfig | undefined {
  return value === undefined ? undefined : set(value);
}

function mergeEnv(config: RunConfig, env: readonly (readonly [string, string])[]): string[] {
  return [...new Map([...environmentOf(config), ...env])].map(([name, value]) => `${name}=${value}`);
}

function exposePorts(config: RunConfig, ports: readonly string[]): RunConfig | undefined {
  const exposed: Record<string, unknown> = { ...config.ExposedPorts };
  for (const port of ports) {
    const [, from = "", to = from, protocol = "tcp"] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(port) ?? [];
    const last = Number(to);
    if (from === "" || last > 65_535 || last < Number(from)) return undefined;
    for (let number = Number(from); number <= last; number++) exposed[`${number}/${protocol.toLowerCase()}`] = {};
  }
  return { ...config, ExposedPorts: exposed };
}

/** The JSON form as it stands; the shell form through the shell, which expands what it likes. */
function commandOf({ words, rest }: Pick<Instruction, "words" | "rest">, { Shell }: RunConfig): string[] {
  return words === undefined ? [...(Shell ?? ["/bin/sh", "-c"]), rest] : [...words];
}

function healthcheck(instruction: Instruction): Readonly<Record<string, unknown>> | undefined {
  if (/^none$/i.test(instruction.rest.trim())) return { Test: ["NONE"] };
  const [, kind, command = ""] = /^(CMD)\s+([\s\S]*)$/i.exec(instruction.rest) ?? [];
  if (kind === undefined) return undefined;
  const words = jsonWords(command);
  const Test = words === undefined ? ["CMD-SHELL", command] : ["CMD", ...words];
  const times = { Interval: "interval", Timeout: "timeout", StartPeriod: "start-period" } as const;
  const set = Object.entries(times).flatMap(([key, flag]) => {
    const ms = parseDuration(flagOf(instruction, flag) ?? "");
    return ms === undefined ? [] : [[key, ms * 1e6] as const];
  });
  const retries = flagOf(instruction, "retries");
  return { Test, ...Object.fromEntries(set), ...(retries === undefined ? {} : { Retries: Number(retries) }) };
}
