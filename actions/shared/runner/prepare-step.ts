import { realpathSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ReleaseError } from "../lib/error.ts";
import type { ModelStore } from "../ports/model-store.ts";
import type { Job, Step } from "../ports/step.ts";
import type { Action, Declarations } from "./action.ts";
import type { FoundRelease } from "./find-release.ts";
import type { Inputs } from "./inputs.ts";
import { describeJob, ownFolder, type Place, readPlace } from "./job.ts";
import { readInputs } from "./read-inputs.ts";
import type { World } from "./world.ts";

/** How far a step came: each field is there once it is known, so that a conclusion can be applied at any point. */
export type Reached<D extends Declarations, Ports> = {
  place?: Place;
  inputs?: Inputs<D>;
  found?: FoundRelease;
  job?: Job;
  step?: Step<Inputs<D>>;
  ports?: Ports;
};

export type Preparation<D extends Declarations, Ports> = {
  readonly reached: Reached<D, Ports>;
  readonly signal: AbortSignal;
  /** Told the step's `timeout` in milliseconds as soon as it is known. */
  readonly onTimeout?: (ms: number) => void;
};

/** Reads and checks everything, connects and finds the release: what comes before the story. Notes in `reached` how far it came. */
export async function prepareStep<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
  world: World,
  { reached, signal, onTimeout }: Preparation<D, Ports>,
): Promise<{ readonly step: Step<Inputs<D>>; readonly ports: Ports }> {
  refuseWindows();
  const place = await readPlace(world.env);
  reached.place = place;
  const inputs = await checkedInputs(action, world, place);
  reached.inputs = inputs;
  if (typeof inputs.timeout === "number") onTimeout?.(inputs.timeout);

  // Behind the input check: a missing input is told at once.
  const { completeFromStore, findReleaseOfJob } = await import("./find-release.ts");
  const begun = await findReleaseOfJob({
    github: place.github,
    input: inputText(inputs, "release"),
    folder: ownFolder(place),
    from: resolve(place.workspace, inputText(inputs, "working-directory") ?? "."),
    nowMs: world.clock.now(),
  });
  const stepWith = async (found: FoundRelease): Promise<Step<Inputs<D>>> => {
    const job = await describeJob(place, world.env, {
      action: action.manifest.name,
      releaseId: found.release.id,
      isPlan: isPlan(inputs),
      secrets: world.masks.values(),
      actionPath: dirname(realpathSync(process.argv[1] ?? ".")),
    });
    const { log, clock, state, masks } = world;
    const mask = (secret: string) => masks.add("a derived secret", secret);
    return { inputs, release: found.release, job, log, clock, signal, state, mask, hide: masks.hideIn };
  };
  const ports = await action.connect(await stepWith(begun));
  reached.ports = ports;

  const found = await completeFromStore(begun, storeOf(ports), place.github);
  reached.found = found;
  const step = await stepWith(found);
  await mkdir(step.job.reports, { recursive: true });
  reached.job = step.job;
  reached.step = step;
  return { step, ports };
}

/** A plan changes nothing that outlives the job. */
export function isPlan(inputs: Readonly<Record<string, unknown>> | undefined): boolean {
  return inputs?.mode === "plan";
}

export function storeOf(ports: object | undefined): ModelStore | undefined {
  return ports !== undefined && "store" in ports ? (ports.store as ModelStore | undefined) : undefined;
}

async function checkedInputs<D extends Declarations, Ports extends object, Outcome>(
  action: Action<D, Ports, Outcome>,
  { env, masks }: World,
  { workspace }: Place,
): Promise<Inputs<D>> {
  const read = await readInputs(action.manifest.inputs, { env, workspace, masks }, action.check);
  if (read.state === "bad") throw new ReleaseError("INPUT", read.problems);
  return read.value;
}

function inputText(inputs: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = inputs[name];
  return typeof value === "string" ? value : undefined;
}

function refuseWindows(): void {
  if (process.platform === "win32")
    throw new ReleaseError("REFUSED", {
      rule: "these actions do not run on Windows",
      saw: "win32",
      allowed: "Linux x64 and arm64; macOS where no image is built",
      hint: "use `runs-on: ubuntu-latest`",
    });
}
