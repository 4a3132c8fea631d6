import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** What a traced process did. */
export type TraceEvent =
  | { readonly kind: "write"; readonly call: string; readonly path: string; readonly existed: boolean }
  | { readonly kind: "program"; readonly command: readonly string[] }
  | { readonly kind: "connection"; readonly to: string }
  | { readonly kind: "request"; readonly method: string; readonly url: string };

export type Trace = {
  /** Makes a process of Node, and those that it starts, write down what they do. */
  readonly env: Readonly<Record<string, string>>;
  read(): readonly TraceEvent[];
  remove(): void;
};

export function openTrace(): Trace {
  const folder = mkdtempSync(join(tmpdir(), "ml-release-trace-"));
  const file = join(folder, "events.jsonl");
  return {
    env: {
      ML_RELEASE_TEST_TRACE: file,
      NODE_OPTIONS: `--import=${resolve(import.meta.dirname, "trace-hook.ts")}`,
    },
    read: () => {
      const text = existsSync(file) ? readFileSync(file, "utf8") : "";
      return text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as TraceEvent);
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
