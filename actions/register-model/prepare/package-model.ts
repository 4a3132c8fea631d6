import type { VersionRecord } from "../../shared/domain/model-version.ts";
import type { Problem } from "../../shared/domain/problem.ts";
import type { Finding } from "../../shared/domain/report.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { findModel } from "../../shared/lib/model-files.ts";
import { type ModelPackage, modelPackage, type PackedFile } from "../../shared/lib/model-package.ts";
import type { ModelStore } from "../../shared/ports/model-store.ts";
import type { SourceFile } from "../../shared/ports/source-file.ts";
import type { Ports, RegisterStep } from "../step.ts";
import { judgeScan } from "./scan-policy.ts";

/** The archive that is kept beside the version; undefined where none is asked for. Its code is looked into as the model is. */
export async function packageModel(
  step: RegisterStep,
  { describe }: Ports,
  files: readonly SourceFile[],
): Promise<ModelPackage | undefined> {
  const { inputs, signal } = step;
  checkWishes(inputs);
  if (inputs.package === "none") return undefined;
  const code = await findCode(step);
  const { scan } = await describe(
    code.map(({ file }) => file),
    { allowed: inputs["allow-imports"] ?? [], signal },
  );
  const { problems } = judgeScan(scan, inputs["unsafe-pickle"]);
  if (problems.length > 0) throw new ReleaseError("REFUSED", problems);
  const packed = [...files.map((file) => ({ path: file.path, file })), ...code];
  const twice = twicePacked(packed);
  if (twice.length > 0) throw new ReleaseError("INPUT", twice);
  return modelPackage(packed, signal);
}

/** What an archive comes to where the version is registered already: its record never changes. */
export function packageFindings(
  existing: VersionRecord | undefined,
  archive: ModelPackage | undefined,
): readonly Finding[] {
  if (existing === undefined || existing.package !== undefined || archive === undefined) return [];
  const message = `${existing.model} ${existing.version} was registered without an archive, and stays so: release a new version to have one`;
  return [{ level: "notice", message }];
}

/** The archive of a version, as other programs find it. */
export function archiveOf(store: ModelStore, { package: kept }: VersionRecord) {
  return kept && { uri: store.address(kept.key), size: kept.size };
}

type Wishes = RegisterStep["inputs"];

function checkWishes(inputs: Wishes): void {
  const lone = (["package-code", "package-requirements"] as const).filter((input) => inputs[input] !== undefined);
  if (inputs.package === "tar" || lone.length === 0) return;
  const rule = "code and requirements go into an archive";
  const hint = "set `package: tar`, or leave this out";
  throw new ReleaseError(
    "INPUT",
    lone.map((input): Problem => ({ rule, where: { input }, saw: "`package: none`", hint })),
  );
}

async function findCode({ inputs, job }: RegisterStep): Promise<readonly PackedFile[]> {
  const find = async (path: string | undefined) => (path === undefined ? [] : await findModel(path, [job.workspace]));
  const [code, requirements] = [await find(inputs["package-code"]), await find(inputs["package-requirements"])];
  return [
    ...code.filter(({ path }) => !isBytecode(path)).map((file) => ({ path: `code/${file.path}`, file })),
    ...requirements.map((file) => ({ path: "code/requirements.txt", file })),
  ];
}

/** What Python makes of its sources differs each time. */
function isBytecode(path: string): boolean {
  return path.split("/").includes("__pycache__") || path.endsWith(".pyc");
}

function twicePacked(files: readonly PackedFile[]): readonly Problem[] {
  return [...Map.groupBy(files, ({ path }) => path)]
    .filter(([, same]) => same.length > 1)
    .slice(0, 20)
    .map(([path, same]) => ({
      rule: "a path must be in the archive once",
      where: { input: "package-code" },
      saw: `${path} from ${same.map(({ file }) => file.source).join(" and ")}`,
      hint: "leave one of them out",
    }));
}
