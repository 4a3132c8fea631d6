import type { Executor } from "./package.ts";

/**
 * `lightweight`: Python whose code is in the package, so that any Python with the KFP SDK can run it. `containerized`: Python whose code is
 * in its image. `container`: any command of an image.
 */
export type ComponentKind = "lightweight" | "containerized" | "container" | "importer";

/** The command of every Python component ends in this module. */
const PYTHON_COMPONENT = "kfp.dsl.executor_main";
/** The file that a lightweight component writes its code to when it starts. */
const CARRIED_CODE = "ephemeral_component.py";

export function componentKind({ container }: Executor): ComponentKind {
  if (container === undefined) return "importer";
  const words = [...container.command, ...container.args];
  if (!words.some((word) => word.includes(PYTHON_COMPONENT))) return "container";
  return words.some((word) => word.includes(CARRIED_CODE)) ? "lightweight" : "containerized";
}

/** Images that KFP's driver acts on itself: a volume is made or removed, nothing is pulled. */
export function isVolumeTask({ container }: Executor): boolean {
  return /^argostub\/(?:createpvc|deletepvc)$/.test(container?.image ?? "");
}
