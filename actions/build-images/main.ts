import { plainText } from "../shared/domain/image/changes.ts";
import type { Problem } from "../shared/domain/problem.ts";
import { formatDuration, formatSize } from "../shared/domain/quantity.ts";
import { ReleaseError } from "../shared/lib/error.ts";
import type { ImageBuilder } from "../shared/ports/image-builder.ts";
import type { ImageStore } from "../shared/ports/image-store.ts";
import { type FinishedImage, finishImage } from "./build-image.ts";
import type { Outcome, PlannedImage } from "./outcome.ts";
import { type ImagePlan, planImages } from "./plan-images.ts";
import type { Ports } from "./ports.ts";
import { prepareImages } from "./prepare-image.ts";
import { findChanges, setTags } from "./release-tags.ts";
import { runByNeeds } from "./schedule.ts";
import type { BuildStep } from "./step.ts";
import { fillTags } from "./tag-templates.ts";

export async function main(step: BuildStep, ports: Ports): Promise<Outcome> {
  const started = step.clock.now();
  const store = ports.images(step.signal);
  const tags = fillTags(step.inputs.tags, step.release);
  if (tags.state === "bad") throw new ReleaseError("INPUT", tags.problems);
  const prepared = await prepareImages(step, ports.platform);
  const { prefix, platform } = ports;
  const plans = await planImages(prepared, { store, prefix, platform, reuse: step.inputs.reuse, clock: step.clock });
  const builders = await findBuilders(plans, step, ports);
  const common = {
    findings: prepared.flatMap(({ findings }) => findings),
    rehearsal: ports.isFolder && step.job.ephemeral,
    where: prefix,
  };
  if (step.inputs.mode === "plan") {
    const images = plans.map((plan) => planned(plan, builders.get(plan.name)));
    return { ...common, state: "planned", images, tags: tags.value };
  }
  await checkRights(plans, tags.value, store);
  const finished = await finishAll(plans, builders, { step, ports, store });
  const set = await step.log.group("Tags of the release", async () => {
    const changes = await findChanges(store, finished, tags.value);
    const undo = ports.images(new AbortController().signal);
    return setTags(changes, { store, undo, state: step.state, say: step.log.info });
  });
  return { ...common, state: "released", images: finished, tags: set, seconds: (step.clock.now() - started) / 1_000 };
}

/** A builder for each image that must be made; the machine's engines are asked only then, and before anything is begun. */
async function findBuilders(
  plans: readonly ImagePlan[],
  { inputs, signal }: BuildStep,
  ports: Ports,
): Promise<ReadonlyMap<string, ImageBuilder>> {
  const missing = plans.filter(({ reused }) => reused === undefined);
  const forEngine = missing.filter(({ way }) => way === "engine");
  const choice = inputs.builder === "append" ? "auto" : inputs.builder;
  const engine = forEngine.length === 0 ? undefined : await ports.findEngine(choice, signal);
  if (forEngine.length > 0 && engine === undefined) throw noEngine(choice, forEngine);
  return new Map(
    missing.flatMap(({ name, way }) => {
      const builder = way === "append" ? ports.append : engine;
      return builder === undefined ? [] : [[name, builder] as const];
    }),
  );
}

function noEngine(choice: string, plans: readonly ImagePlan[]): ReleaseError {
  const hint =
    choice === "auto"
      ? "install docker, podman or buildah on the runner, or copy what these lines make: then no engine is needed"
      : `install ${choice} on the runner and start it, or set builder: auto`;
  const none: Problem = {
    rule:
      choice === "auto" ? "no container engine answers on this machine" : `${choice} does not answer on this machine`,
    where: { input: "builder" },
    saw: `${plans.map(({ name }) => name).join(", ")} must be built`,
    hint,
  };
  return new ReleaseError("CONFIG", [none, ...(choice === "auto" ? plans.flatMap(({ obstacles }) => obstacles) : [])]);
}

/** Before anything is built: whoever may not push would find out only at the end. */
async function checkRights(plans: readonly ImagePlan[], tags: readonly string[], store: ImageStore): Promise<void> {
  await Promise.all(
    plans.map(async ({ repository, reused }) => {
      const now = await Promise.all(tags.map((tag) => store.resolve(repository, tag)));
      const isWritten = reused === undefined || now.some((digest) => digest !== reused.digest);
      if (isWritten) await store.check(repository);
    }),
  );
}

type Around = { readonly step: BuildStep; readonly ports: Ports; readonly store: ImageStore };

async function finishAll(
  plans: readonly ImagePlan[],
  builders: ReadonlyMap<string, ImageBuilder>,
  { step, ports, store }: Around,
): Promise<readonly FinishedImage[]> {
  const byName = new Map(plans.map((plan) => [plan.name, plan]));
  const finished = await runByNeeds<FinishedImage>({
    needs: new Map(plans.map(({ name, needs }) => [name, needs])),
    limit: step.inputs["max-parallel"],
    signal: step.signal,
    run: async (name, done, signal) => {
      const plan = byName.get(name);
      if (plan === undefined) throw new ReleaseError("INTERNAL", { rule: "an image was not planned", saw: name });
      const builder = builders.get(name);
      const why = plainText(plan.why);
      if (builder !== undefined) step.log.info(`${name}: ${builder.name} makes it (${why}).`);
      const image = await finishImage(plan, { step, store, platform: ports.platform, builder, done, signal });
      step.log.info(
        `${name} ${image.how}${builder === undefined ? ` (${why})` : ""}: ${image.ref}, ${formatSize(image.bytes)}, ${formatDuration(image.seconds * 1_000)}.`,
      );
      return image;
    },
  });
  return Object.keys(step.inputs.images).flatMap((name) => finished.get(name) ?? []);
}

function planned(plan: ImagePlan, builder: ImageBuilder | undefined): PlannedImage {
  const { name, repository, key, why, way, reused } = plan;
  const would = reused !== undefined ? "be reused" : way === "append" ? "be appended" : "be built";
  return { name, repository, key, why, would, ...(builder === undefined ? {} : { builder: builder.name }) };
}
