import type { Place, Problem } from "../problem.ts";
import { flagOf, type Instruction } from "./parse.ts";
import type { Stage, StagePlan } from "./stages.ts";

/**
 * What stands in the way of making an image by adding layers of files to its base, with the lines of the Dockerfile. Empty: no builder
 * is needed.
 */
export function appendObstacles(plan: StagePlan, file: string): readonly Problem[] {
  const chain = appendChain(plan);
  const others = plan.stages.filter((stage) => !chain.includes(stage));
  return [
    ...others.map((stage) => obstacle("takes files of another stage", { file, line: stage.from.line }, "FROM")),
    ...chain.flatMap((stage) => stage.instructions.flatMap((instruction) => checkInstruction(instruction, file))),
  ];
}

/** The stages that the target stands on, from the base up. */
export function appendChain({ stages }: StagePlan): readonly Stage[] {
  const chain: Stage[] = [];
  let stage = stages.at(-1);
  while (stage !== undefined) {
    chain.unshift(stage);
    const { base }: Stage = stage;
    stage = base.kind === "stage" ? stages.find(({ index }) => index === base.index) : undefined;
  }
  return chain;
}

const CONFIGURES = new Set(
  "ARG CMD ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL MAINTAINER SHELL STOPSIGNAL USER VOLUME WORKDIR".split(" "),
);
const COPY_FLAGS = new Set(["chmod", "chown", "link"]);

function checkInstruction(instruction: Instruction, file: string): readonly Problem[] {
  const { keyword, line } = instruction;
  const where = { file, line };
  if (CONFIGURES.has(keyword)) return [];
  if (keyword === "COPY" || keyword === "ADD") return checkCopy(instruction, where);
  return [obstacle(keyword === "RUN" ? "runs a program" : "is not known to append", where, keyword)];
}

function checkCopy(instruction: Instruction, where: Place): readonly Problem[] {
  const { keyword, flags, heredocs, rest, words } = instruction;
  const owner = flagOf(instruction, "chown");
  const mode = flagOf(instruction, "chmod");
  const sources = words ?? rest.split(/\s+/);
  const found = [
    ...flags.filter(({ name }) => !COPY_FLAGS.has(name)).map(({ name }) => `has --${name}`),
    ...(owner === undefined || /^\d+(:\d+)?$/.test(owner) ? [] : ["has an owner by name: write numbers"]),
    ...(mode === undefined || /^[0-7]{3,4}$/.test(mode) ? [] : ["has a mode that is not octal"]),
    ...(heredocs.length > 0 ? ["writes a file from a heredoc"] : []),
    ...(keyword === "ADD" ? checkArchives(sources) : []),
    ...(sources.some((source) => /^(https?|git|ssh):\/\/|^git@/.test(source)) ? ["fetches from the network"] : []),
  ];
  return found.map((what) => obstacle(what, where, keyword));
}

/** ADD unpacks archives: those that are a whole layer by themselves can be taken as they are. */
function checkArchives(words: readonly string[]): readonly string[] {
  const archives = words.slice(0, -1).filter((word) => /\.(tar|tgz|txz|tbz2?|tar\.\w+)$/.test(word));
  const packedOtherwise = archives.filter((word) => !/\.(tar|tgz|tar\.gz)$/.test(word));
  return [
    ...packedOtherwise.map((word) => `unpacks ${word}: only .tar and .tar.gz are known`),
    ...(archives.length > 0 && words.at(-1) !== "/" ? ["unpacks an archive elsewhere than to /"] : []),
  ];
}

function obstacle(what: string, where: Place, keyword: string): Problem {
  return { rule: `${keyword} ${what}, which append cannot do`, where };
}
