import { type Flag, flagOf, formatInstruction, type Instruction } from "../../domain/dockerfile/parse.ts";
import type { Stage, StagePlan } from "../../domain/dockerfile/stages.ts";

/**
 * The Dockerfile of a plan as an engine is given it: only the stages that the target needs, the target last, and every image by the
 * name that `pin` gives for what is written. So the engine builds on the very bases that are in the content key.
 */
export function pinnedDockerfile(plan: StagePlan, pin: (written: string) => string): string {
  const { syntax, escapeChar } = plan.dockerfile;
  const directives = [
    ...(syntax === undefined ? [] : [`# syntax=${syntax}`]),
    ...(escapeChar === "`" ? ["# escape=`"] : []),
  ];
  const names = new Map(plan.stages.map((stage) => [stage.index, stageName(stage)]));
  const lines = plan.stages.flatMap((stage) => [
    `FROM ${baseOf(stage, names, pin)} AS ${stageName(stage)}`,
    ...stage.instructions.map((instruction) => formatInstruction(pinFrom(instruction, { stage, plan, names, pin }))),
  ]);
  return `${[...directives, ...plan.globals.map(formatInstruction), ...lines].join("\n")}\n`;
}

type Names = ReadonlyMap<number, string>;
type Pinning = {
  readonly stage: Stage;
  readonly plan: StagePlan;
  readonly names: Names;
  readonly pin: (written: string) => string;
};

function stageName({ name, index }: Stage): string {
  return name ?? `stage-${index}`;
}

function baseOf({ base }: Stage, names: Names, pin: Pinning["pin"]): string {
  switch (base.kind) {
    case "scratch":
      return "scratch";
    case "stage":
      return names.get(base.index) ?? "scratch";
    case "source":
      return pin(base.source.kind === "image" ? base.source.ref : `image://${base.source.name}`);
  }
}

function pinFrom(instruction: Instruction, pinning: Pinning): Instruction {
  if (instruction.keyword === "COPY" && flagOf(instruction, "from") !== undefined)
    return { ...instruction, flags: instruction.flags.map((flag) => pinCopy(flag, pinning)) };
  if (instruction.keyword === "RUN")
    return { ...instruction, flags: instruction.flags.map((flag) => pinMount(flag, pinning)) };
  return instruction;
}

function pinCopy(flag: Flag, pinning: Pinning): Flag {
  return flag.name === "from" ? { ...flag, value: pinName(flag.value, pinning) } : flag;
}

function pinMount(flag: Flag, pinning: Pinning): Flag {
  if (flag.name !== "mount") return flag;
  return {
    ...flag,
    value: flag.value.replace(/(^|,)from=([^,]+)/, (_, comma, name) => `${comma}from=${pinName(name, pinning)}`),
  };
}

/** Stages by number get their name: the numbers change when stages are left out. */
function pinName(written: string, { stage, plan, names, pin }: Pinning): string {
  const earlier = plan.stages.filter(({ index }) => index < stage.index);
  const named = earlier.find(({ name }) => name === written.toLowerCase());
  const numbered = earlier.find(({ index }) => String(index) === written);
  const found = named ?? numbered;
  return found === undefined ? pin(written) : (names.get(found.index) ?? written);
}
