import { formatScanFinding, type ModelScan, type ScanFinding } from "../../shared/domain/model-scan.ts";
import type { Problem } from "../../shared/domain/problem.ts";
import type { Finding } from "../../shared/domain/report.ts";

/** What becomes of files that do more than hold data. */
export type ScanPolicy = "fail" | "warn" | "allow";

export type ScanJudgement = {
  /** Why the model is refused; empty where it is not. */
  readonly problems: readonly Problem[];
  readonly findings: readonly Finding[];
};

/** So many are shown one by one. */
const SHOWN = 10;

/** `fail` refuses what is dangerous and warns of code; `warn` warns of both; `allow` says so. */
export function judgeScan({ findings }: ModelScan, policy: ScanPolicy): ScanJudgement {
  const dangerous = findings.filter(({ level }) => level === "dangerous");
  if (policy === "fail" && dangerous.length > 0)
    return { problems: [...dangerous.slice(0, SHOWN).map(problemOf), ...restOf(dangerous)], findings: [] };
  const level = policy === "allow" ? "notice" : "warning";
  // The worst first, so that they are the ones that are shown.
  const ordered = [...dangerous, ...findings.filter((finding) => finding.level !== "dangerous")];
  const rest = ordered.length - SHOWN;
  return {
    problems: [],
    findings: [
      ...ordered.slice(0, SHOWN).map((finding) => ({ level, message: formatScanFinding(finding) }) as const),
      ...(rest > 0 ? [{ level, message: `${rest} more findings like these` } as const] : []),
    ],
  };
}

/** Whether what is dangerous was let in by somebody who said so, not only warned of. */
export function isUnsafeAllowed({ verdict }: Pick<ModelScan, "verdict">, policy: ScanPolicy): boolean {
  return verdict === "dangerous" && policy === "allow";
}

function problemOf(finding: ScanFinding): Problem {
  const { import: path } = finding;
  return {
    rule: "loading a model must not run what came with it",
    saw: formatScanFinding(finding),
    hint:
      path === undefined
        ? "save the model as ONNX or safetensors, or set `unsafe-pickle: warn` where you trust whoever made it"
        : `save the model as ONNX or safetensors; where you trust it, \`allow-imports: ${path}\` or \`unsafe-pickle: warn\``,
  };
}

function restOf(findings: readonly ScanFinding[]): readonly Problem[] {
  const rest = findings.length - SHOWN;
  return rest > 0 ? [{ rule: `${rest} more findings like these` }] : [];
}
