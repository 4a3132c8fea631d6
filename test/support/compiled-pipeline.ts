import { mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { hexOf } from "../../actions/shared/domain/digest.ts";
import { sha256 } from "../../actions/shared/lib/hash.ts";
import { writeFileAtomic } from "../../actions/shared/lib/write-file.ts";
import { compilePipeline } from "../../actions/shared/local/kfp-engine/compile.ts";
import { kfpPython, USER_CACHE } from "./python-environment.ts";

const SOURCE = resolve(import.meta.dirname, "../fixtures/pipelines/flow.py");

/** A pipeline of test/fixtures/pipelines/flow.py, compiled; kept by the hash of its source. */
export async function compiledPipeline(name: string): Promise<string> {
  const key = hexOf(sha256(`${readFileSync(SOURCE, "utf8")}${name}`), 16);
  const kept = join(USER_CACHE, "ml-release-tests", "pipelines", `${key}.yaml`);
  try {
    return readFileSync(kept, "utf8");
  } catch {
    const text = await compilePipeline({
      python: await kfpPython(),
      source: SOURCE,
      function: name,
      env: process.env as Record<string, string>,
      cwd: tmpdir(),
      workspace: tmpdir(),
      temp: tmpdir(),
      signal: new AbortController().signal,
      onOutput: () => {},
    });
    mkdirSync(join(kept, ".."), { recursive: true });
    await writeFileAtomic(kept, text);
    return text;
  }
}
