import type { PipelinePackage } from "./package.ts";

/**
 * The packages that the lightweight components install before they start (`packages_to_install`), in the words of pip, without those
 * that the compiler adds for itself.
 */
export function installedPackages({ spec }: PipelinePackage): readonly string[] {
  const commands = Object.values(spec.deploymentSpec.executors).flatMap(({ container }) => {
    const [shell, flag, script] = container?.command ?? [];
    return shell === "sh" && flag === "-c" && script !== undefined ? [script] : [];
  });
  const found = commands.flatMap((script) =>
    [...script.matchAll(/-m pip install ([^\n]*?)(?=&&|\n|$)/g)].flatMap(([, words]) => requirementsIn(words ?? "")),
  );
  return [...new Set(found)].sort();
}

function requirementsIn(words: string): readonly string[] {
  const quoted = [...words.matchAll(/'((?:[^']|'\\'')*)'/g)].map(([, word]) => (word ?? "").replaceAll("'\\''", "'"));
  return quoted.filter((word) => !word.startsWith("-") && !isCompilersOwn(word));
}

/** `kfp==…` and what it needs on old versions of Python. */
function isCompilersOwn(requirement: string): boolean {
  return (
    /^kfp\s*[=<>~!]/.test(requirement) ||
    requirement === "kfp" ||
    /^typing-extensions.*python_version/.test(requirement)
  );
}

/** The name of a distribution as pip compares it (PEP 503): `scikit_learn[x] >= 1` is `scikit-learn`. */
export function distributionName(requirement: string): string {
  const name = /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)/.exec(requirement)?.[1] ?? "";
  return name
    .toLowerCase()
    .replace(/[-_.]+/g, "-")
    .replace(/-$/, "");
}
