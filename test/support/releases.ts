import type { Digest } from "../../actions/shared/domain/digest.ts";
import type { Release, ReleaseParts } from "../../actions/shared/domain/release.ts";

export function digest(letter: string): Digest {
  return `sha256:${letter.repeat(64)}`;
}

/** A record with good defaults: a test shows only what matters. */
export function release(parts: ReleaseParts & Partial<Pick<Release, "id" | "source">> = {}): Release {
  return {
    schema: 1,
    id: "v1.0.0",
    source: {
      repository: "acme/digits",
      commit: "a".repeat(40),
      ref: "refs/tags/v1.0.0",
      tag: "v1.0.0",
      event: "push",
      actor: "octocat",
    },
    ...parts,
  };
}

export const parts = {
  images: (letter: string): NonNullable<ReleaseParts["images"]> => ({
    serving: { ref: `r/serving@${digest(letter)}`, digest: digest(letter), key: `k1-${"0".repeat(64)}`, how: "built" },
  }),
  run: (number: number, model?: string): NonNullable<ReleaseParts["run"]> => ({
    id: `00000000-0000-5000-8000-${String(number).padStart(12, "0")}`,
    attempt: 1,
    state: "succeeded",
    parameters: {},
    gpus: [],
    ...(model === undefined
      ? {}
      : { model: { task: "export", output: "model", uri: "file:///m", digest: digest(model) } }),
  }),
  gate: (number: number, model?: string): NonNullable<ReleaseParts["gate"]> => ({
    verdict: "pass",
    subject: { runId: parts.run(number).id, ...(model === undefined ? {} : { digest: digest(model) }) },
    rules: [],
  }),
  model: (letter: string): NonNullable<ReleaseParts["model"]> => ({
    name: "digits",
    version: "1.0.0",
    digest: digest(letter),
    uri: "file:///m",
    store: "file:///s",
  }),
  metrics: (value: number): NonNullable<ReleaseParts["metrics"]> => [{ name: "accuracy", value }],
  deployment: (): NonNullable<ReleaseParts["deployment"]> => ({
    target: "local",
    decision: "promoted",
    exposure: 1,
    rehearsal: false,
  }),
};
