import type { OwnCard } from "../../shared/domain/model-card.ts";
import type { VersionRecord } from "../../shared/domain/model-version.ts";
import { formatCount, formatSize } from "../../shared/domain/quantity.ts";
import type { Finding } from "../../shared/domain/report.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import type { HashedModel } from "../../shared/lib/hash-model.ts";
import type { ModelPackage } from "../../shared/lib/model-package.ts";
import { findAlias } from "../../shared/lib/model-registry/aliases.ts";
import { findVersion } from "../../shared/lib/model-registry/versions.ts";
import { readRunDetails } from "../../shared/lib/read-run-details.ts";
import type { ModelSigner } from "../../shared/ports/model-signing.ts";
import type { SourceFile, TrackedFacts } from "../../shared/ports/source-file.ts";
import { type AliasGuard, checkPlace, readAliasGuard } from "../aliases/alias-guard.ts";
import { signingFindings } from "../record/signing.ts";
import { CANDIDATE, type Request, readRequest } from "../request.ts";
import { checkChain, judgeStanding } from "../standing/chain.ts";
import type { Description, Ports, RegisterStep } from "../step.ts";
import { championFindings } from "./champion-findings.ts";
import { findExisting } from "./find-existing.ts";
import { findSource, type Source } from "./find-source.ts";
import { LICENCE_FILES, readLicence } from "./licence.ts";
import { readOwnCard } from "./own-card.ts";
import { packageFindings, packageModel } from "./package-model.ts";
import { type RunFacts, readRunFacts } from "./run-facts.ts";
import { judgeScan } from "./scan-policy.ts";

/** Everything that is known before a byte of the model is read. */
export type Prepared = {
  readonly request: Request;
  readonly source: "run" | "files";
  readonly files: readonly SourceFile[];
  readonly described: Description;
  readonly facts: RunFacts | undefined;
  /** What MLflow knows of the training, where the model is from there. */
  readonly tracked: TrackedFacts | undefined;
  readonly licence: string | undefined;
  readonly card: OwnCard | undefined;
  readonly signer: ModelSigner | undefined;
  /** The files once more, as one file that is kept beside them. */
  readonly archive: ModelPackage | undefined;
  readonly existing: VersionRecord | undefined;
  readonly guard: AliasGuard;
  /** The files, where they were read to find out whether the version exists. */
  readonly hashed: HashedModel | undefined;
  readonly champion: VersionRecord | undefined;
  readonly findings: readonly Finding[];
};

/** Where the model comes from and which version it is to be. Throws for what is wrong with either. */
export function readWish({ inputs, release }: RegisterStep): { readonly request: Request; readonly source: Source } {
  const request = readRequest(inputs, release);
  const source = findSource(inputs.model, release);
  if (request.state === "bad") throw new ReleaseError("INPUT", request.problems);
  if (source.state === "bad") throw new ReleaseError("REFUSED", source.problems);
  return { request: request.value, source: source.value };
}

export async function prepare(
  step: RegisterStep,
  ports: Ports,
  { request, source }: { readonly request: Request; readonly source: Exclude<Source, { source: "none" }> },
): Promise<Prepared> {
  const { inputs, release, job, log, signal } = step;
  const signer = await ports.signer();
  const aliases = [CANDIDATE, ...request.aliases];
  const guard = await readAliasGuard(ports, aliases);
  checkPlace(guard, aliases);
  const card = await readOwnCard(inputs.card, job.workspace);
  checkChain(judgeStanding(release, { source: source.source }));
  const { files, tracked } = await ports.findModel(source.place);
  const size = formatSize(files.reduce((sum, file) => sum + file.size, 0));
  log.info(`Found the model at ${source.place.replace(/\?.*$/s, "")}: ${formatCount(files.length, "file")}, ${size}.`);
  const described = await ports.describe(files, { allowed: inputs["allow-imports"] ?? [], signal });
  log.info(`Looked into it: ${sayScan(described)}.`);
  const archive = await packageModel(step, ports, files);
  const { existing, hashed } = await findExisting(ports.store, request, { files, signal });
  // A version that is there is there: a release that is run again is not refused what it was granted.
  const scan = judgeScan(described.scan, existing === undefined ? inputs["unsafe-pickle"] : "allow");
  if (scan.problems.length > 0) throw new ReleaseError("REFUSED", scan.problems);
  const { facts, findings } = await readDetails(step, source.source);
  const alias = await findAlias(ports.store, request.name, "champion");
  const champion = alias && (await findVersion(ports.store, request.name, alias.version));
  const licence = await readLicence(job.workspace);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  return {
    request,
    source: source.source,
    files,
    described,
    facts,
    tracked,
    licence,
    card,
    signer,
    archive,
    existing,
    guard,
    hashed,
    champion,
    findings: [
      ...scan.findings,
      ...championFindings({ described, bytes }, champion?.version === existing?.version ? undefined : champion),
      ...described.findings,
      ...findings,
      ...(licence === undefined ? [NO_LICENCE] : []),
      ...signingFindings(existing, signer?.signer),
      ...packageFindings(existing, archive),
    ],
  };
}

const NO_LICENCE: Finding = {
  level: "notice",
  message: `no licence that is known was found: add ${LICENCE_FILES[0]} to the repository, so that whoever takes the model knows what is allowed`,
};

function sayScan({ format, scan }: Description): string {
  const imports = scan.imports.length === 0 ? "" : `, ${formatCount(scan.imports.length, "import")} beyond plain data`;
  return `${format === undefined ? "no known format" : format.name}, ${scan.verdict}${imports}`;
}

type Details = { readonly facts: RunFacts | undefined; readonly findings: readonly Finding[] };

async function readDetails({ release, job }: RegisterStep, source: "run" | "files"): Promise<Details> {
  const { run } = release;
  const nothing = { facts: undefined, findings: [] };
  if (source !== "run" || run === undefined) return nothing;
  const found = await readRunDetails(run, job.home);
  switch (found.state) {
    case "found":
      return { facts: readRunFacts(found.details, run), findings: [] };
    case "none":
      return nothing;
    case "elsewhere": {
      const message = `${found.file} is not on this machine: framework, hyper-parameters and environment of the training are not recorded`;
      return { facts: undefined, findings: [{ level: "warning", message }] };
    }
  }
}
