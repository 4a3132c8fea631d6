// Loaded before an action by `node --import`: writes down what the process asks of the network, the file system and other programs. See trace.ts.
import childProcess from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { resolve } from "node:path";
import type { TraceEvent } from "./trace.ts";

const file = process.env.ML_RELEASE_TEST_TRACE ?? "";
const { appendFileSync, existsSync } = fs;

function note(event: TraceEvent): void {
  appendFileSync(file, `${JSON.stringify(event)}\n`);
}

function noteWrite(call: string, path: unknown): void {
  if (typeof path === "number" || path === undefined) return; // a descriptor: its open was noted
  const full = resolve(path instanceof URL ? path.pathname : String(path));
  const existed = existsSync(full);
  if (full !== file && !(call.startsWith("mkdir") && existed)) note({ kind: "write", call, path: full, existed });
}

type Calls = Record<string, unknown>;

/** Replaces a function by one that notes which paths it changes. */
function watch(calls: Calls, name: string, pathsOf: (args: readonly unknown[]) => readonly unknown[]): void {
  const original = calls[name];
  if (typeof original !== "function") return;
  calls[name] = function watched(this: unknown, ...args: readonly unknown[]) {
    for (const path of pathsOf(args)) noteWrite(name, path);
    return Reflect.apply(original, this, args);
  };
}

const writesFirst = [
  "writeFile",
  "appendFile",
  "mkdir",
  "mkdtemp",
  "rm",
  "rmdir",
  "unlink",
  "chmod",
  "chown",
  "utimes",
  "truncate",
];
const writesSecond = ["symlink", "link", "copyFile", "cp"];
const isWriting = (flags: unknown) =>
  typeof flags === "number" ? (flags & 3) !== 0 : /[wa+]/.test(String(flags ?? "r"));

for (const calls of [fs, fs.promises] as readonly unknown[] as readonly Calls[]) {
  for (const suffix of ["", "Sync"]) {
    for (const name of writesFirst) watch(calls, name + suffix, ([path]) => [path]);
    for (const name of writesSecond) watch(calls, name + suffix, ([, path]) => [path]);
    watch(calls, `rename${suffix}`, ([from, to]) => [from, to]);
    watch(calls, `open${suffix}`, ([path, flags]) => (isWriting(flags) ? [path] : []));
  }
}
watch(fs as unknown as Calls, "createWriteStream", ([path]) => [path]);
for (const name of ["spawn", "execFile", "fork", "spawnSync", "execFileSync"] as const) {
  const original = childProcess[name] as (...args: readonly unknown[]) => unknown;
  (childProcess as unknown as Calls)[name] = (...args: readonly unknown[]) => {
    note({ kind: "program", command: [args[0], ...(Array.isArray(args[1]) ? args[1] : [])].map(String) });
    return Reflect.apply(original, childProcess, args);
  };
}
watchSockets();
syncBuiltinESMExports();

// fetch, and whatever is built on undici.
subscribe("undici:request:create", (message) => {
  const { request } = message as {
    readonly request: { readonly origin?: unknown; readonly path: string; readonly method: string };
  };
  note({ kind: "request", method: request.method, url: `${String(request.origin)}${request.path}` });
});
// node:http and node:https.
subscribe("http.client.request.start", (message) => {
  const { request } = message as {
    readonly request: {
      readonly method: string;
      readonly protocol: string;
      readonly host: string;
      readonly path: string;
      getHeader(name: string): unknown;
    };
  };
  const host = String(request.getHeader("host") ?? request.host);
  note({ kind: "request", method: request.method, url: `${request.protocol}//${host}${request.path}` });
});

function watchSockets(): void {
  const original = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function connect(this: net.Socket, ...args: readonly unknown[]) {
    // The modules of Node call it with their arguments in a list of their own.
    const first = Array.isArray(args[0]) ? args[0][0] : args[0];
    const { host, port, path } = (
      typeof first === "object" ? first : { port: first, host: args[1] }
    ) as net.TcpNetConnectOpts & net.IpcNetConnectOpts;
    note({ kind: "connection", to: path ?? `${host ?? "localhost"}:${port}` });
    return Reflect.apply(original, this, args);
  } as typeof original;
}
