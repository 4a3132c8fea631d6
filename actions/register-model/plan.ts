import { actOf } from "../shared/lib/act.ts";
import { hashFiles } from "../shared/lib/hash-model.ts";
import { outlivesJob } from "../shared/lib/outlives-job.ts";
import { foreseeAlias } from "./aliases.ts";
import { buildRecord } from "./build-record.ts";
import { judgeStanding } from "./chain.ts";
import { otherDigestError } from "./conflict.ts";
import type { AliasResult, Outcome } from "./outcome.ts";
import { checkChain, prepare, readWish } from "./prepare.ts";
import { CANDIDATE, type Request } from "./request.ts";
import { publicKeyOf, signatureOf } from "./signing.ts";
import { keepStanding, stopped } from "./standing.ts";
import type { Ports, RegisterStep } from "./step.ts";

/** Everything that `register` decides, and nothing that it writes. */
export async function plan(step: RegisterStep, ports: Ports): Promise<Outcome> {
  const { inputs, release, job, clock, signal } = step;
  const { store } = ports;
  const { request, source } = readWish(step);
  const rehearsal = !outlivesJob(job, store);
  if (source.source === "none")
    return { state: "planned-early", rehearsal, ...request, store: store.uri, why: source.problem.rule };
  const stop = stopped(step, ports, request);
  if (stop !== undefined) return stop;
  const prepared = await prepare(step, ports, { request, source });
  const { existing, files, champion, findings } = prepared;
  const model = await hashFiles(files, signal);
  if (existing !== undefined && existing.digest !== model.digest) throw otherDigestError(existing, model);
  const judged = checkChain(judgeStanding(release, { source: source.source, digest: model.digest }));
  const folder = `${request.name}/files/${request.version}`;
  const record =
    existing ??
    buildRecord({
      ...prepared,
      stored: { ...model, folder },
      release,
      workflow: job.github.workflow,
      standing: judged,
      metadata: inputs.metadata,
      logAfter: 0,
      createdAt: new Date(clock.now()).toISOString(),
    });
  const standing = keepStanding(judged, record);
  return {
    state: "planned",
    rehearsal,
    exists: existing !== undefined,
    record,
    standing: standing.state,
    aliases: await foresee(step, ports, { request, digest: model.digest, isWithheld: standing.state === "failed" }),
    champion: champion?.version === request.version ? undefined : champion,
    publicKey: existing === undefined ? prepared.signingKey?.id : publicKeyOf(existing),
    signature: signatureOf(store, record),
    store: store.uri,
    uri: store.address(record.folder),
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    findings,
  };
}

type Foreseen = {
  readonly request: Request;
  readonly digest: Parameters<typeof foreseeAlias>[1]["to"]["digest"];
  readonly isWithheld: boolean;
};

async function foresee(
  step: RegisterStep,
  { store }: Ports,
  { request, digest, isWithheld }: Foreseen,
): Promise<readonly AliasResult[]> {
  const { name, version, aliases } = request;
  const act = actOf(step);
  return Promise.all(
    [...new Set([CANDIDATE, ...aliases])].map(async (alias) =>
      isWithheld
        ? { alias, state: "withheld" }
        : await foreseeAlias(store, { name, alias, to: { version, digest }, act }),
    ),
  );
}
