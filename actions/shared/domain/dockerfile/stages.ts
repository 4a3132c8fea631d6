import { parseImageRef } from "../image-ref.ts";
import { nearestName } from "../nearest.ts";
import { bad, type Checked, ok, type Problem } from "../problem.ts";
import { type Dockerfile, flagOf, type Instruction } from "./parse.ts";
import { expandWord, type Variables } from "./words.ts";

/** Where a stage or a `--from` takes its files: an image of a registry, or one of the same release (`image://name`). */
export type ImageSource =
  | { readonly kind: "image"; readonly ref: string; readonly line: number }
  | { readonly kind: "release-image"; readonly name: string; readonly line: number };

export type StageBase =
  | { readonly kind: "scratch" }
  | { readonly kind: "stage"; readonly index: number }
  | { readonly kind: "source"; readonly source: ImageSource };

export type Stage = {
  readonly index: number;
  readonly name?: string;
  readonly base: StageBase;
  readonly from: Instruction;
  /** What follows FROM. */
  readonly instructions: readonly Instruction[];
};

/** What a build of one target reads: everything else in the file may change without changing the image. */
export type StagePlan = {
  readonly dockerfile: Dockerfile;
  readonly globals: readonly Instruction[];
  /** Reachable from the target, in the order of the file; the target is the last. */
  readonly stages: readonly Stage[];
  readonly sources: readonly ImageSource[];
  /** Of the given build arguments those that reachable code declares. */
  readonly args: Readonly<Record<string, string>>;
  /** Given, but declared nowhere: most likely a slip of the pen. */
  readonly unusedArgs: readonly string[];
};

export type StageRequest = {
  readonly file: string;
  readonly target?: string | undefined;
  readonly args: Readonly<Record<string, string>>;
  /** `linux/amd64`; there is one platform, so it is that of the build too. */
  readonly platform: string;
};

const SELF_CHOSEN = new Set(
  "HTTP_PROXY http_proxy HTTPS_PROXY https_proxy FTP_PROXY ftp_proxy NO_PROXY no_proxy ALL_PROXY all_proxy SOURCE_DATE_EPOCH BUILDKIT_INLINE_CACHE".split(
    " ",
  ),
);

/** The stages that a target needs, with the images they start from. Names every unknown stage, image and platform with its line. */
export function planStages(dockerfile: Dockerfile, request: StageRequest): Checked<StagePlan> {
  const first = dockerfile.instructions.findIndex(({ keyword }) => keyword === "FROM");
  const globals = dockerfile.instructions.slice(0, first);
  const variables = globalVariables(globals, request);
  const problems: Problem[] = globals
    .filter(({ keyword }) => keyword !== "ARG")
    .map(({ keyword, line }) => ({
      rule: "only ARG may stand before the first FROM",
      where: { file: request.file, line },
      saw: keyword,
    }));
  const stages = readStages(dockerfile, { request, variables, problems });
  const target = findTarget(stages, request, problems);
  if (target === undefined || problems.length > 0) return bad(...problems);
  const used = reachable(stages, target, problems);
  if (problems.length > 0) return bad(...problems);
  const declared = declaredNames([...globals, ...used.stages.flatMap((stage) => stage.instructions)]);
  const given = Object.entries(request.args).filter(([name]) => !SELF_CHOSEN.has(name));
  return ok({
    dockerfile,
    globals,
    ...used,
    args: Object.fromEntries(given.filter(([name]) => declared.has(name))),
    unusedArgs: given.map(([name]) => name).filter((name) => !declared.has(name)),
  });
}

/** What FROM lines may name: ARGs above the first FROM, and what BuildKit sets for the platform. */
export function globalVariables(globals: readonly Instruction[], request: Omit<StageRequest, "file">): Variables {
  const variables = new Map(platformVariables(request.platform));
  for (const { rest } of globals) {
    for (const [name, value] of readArg(rest, variables)) {
      const chosen = request.args[name] ?? value;
      if (chosen !== undefined) variables.set(name, chosen);
    }
  }
  return variables;
}

/** `ARG a b=1`: names with their defaults. */
export function readArg(rest: string, variables: Variables): readonly (readonly [string, string | undefined])[] {
  return [...rest.matchAll(/([A-Za-z_]\w*)(?:=((?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])*))?/g)].map(
    ([, name = "", value]) => [name, value === undefined ? undefined : expandWord(value, variables)] as const,
  );
}

function platformVariables(platform: string): readonly (readonly [string, string])[] {
  const [os = "", arch = "", variant = ""] = platform.split("/");
  return ["TARGET", "BUILD"].flatMap((side) => [
    [`${side}PLATFORM`, platform] as const,
    [`${side}OS`, os] as const,
    [`${side}ARCH`, arch] as const,
    [`${side}VARIANT`, variant] as const,
  ]);
}

type Reading = { readonly request: StageRequest; readonly variables: Variables; readonly problems: Problem[] };

function readStages(
  { instructions, escapeChar }: Dockerfile,
  { request, variables, problems }: Reading,
): readonly Stage[] {
  const stages: Stage[] = [];
  for (const instruction of instructions) {
    const { line } = instruction;
    if (instruction.keyword !== "FROM") {
      const open = stages.at(-1);
      if (open !== undefined)
        stages[stages.length - 1] = { ...open, instructions: [...open.instructions, instruction] };
      continue;
    }
    const where = { file: request.file, line };
    const [, written = "", name] = /^(\S+)(?:\s+[aA][sS]\s+(\S+))?$/.exec(instruction.rest) ?? [];
    const platform = expandWord(flagOf(instruction, "platform") ?? request.platform, variables, escapeChar);
    if (platform !== request.platform)
      problems.push({
        rule: "images are built for one platform",
        where,
        saw: platform ?? instruction.rest,
        allowed: request.platform,
      });
    const base = readBase(expandWord(written, variables, escapeChar) ?? "", stages, line);
    if (base === undefined)
      problems.push({
        rule: "FROM must name an image, a stage above it or scratch",
        where,
        saw: written === "" ? instruction.rest : written,
        hint: "give a value to the ARG that it uses",
      });
    stages.push({
      index: stages.length,
      ...(name === undefined ? {} : { name: name.toLowerCase() }),
      base: base ?? { kind: "scratch" },
      from: instruction,
      instructions: [],
    });
  }
  return stages;
}

function readBase(text: string, stages: readonly Stage[], line: number): StageBase | undefined {
  if (text.toLowerCase() === "scratch") return { kind: "scratch" };
  const stage = stages.findLast(({ name }) => name === text.toLowerCase());
  if (stage !== undefined) return { kind: "stage", index: stage.index };
  const source = readSource(text, line);
  return source === undefined ? undefined : { kind: "source", source };
}

function readSource(text: string, line: number): ImageSource | undefined {
  const ours = /^image:\/\/([a-z0-9][a-z0-9._-]*)$/.exec(text)?.[1];
  if (ours !== undefined) return { kind: "release-image", name: ours, line };
  return parseImageRef(text) === undefined ? undefined : { kind: "image", ref: text, line };
}

function findTarget(stages: readonly Stage[], request: StageRequest, problems: Problem[]): Stage | undefined {
  const { target, file } = request;
  if (target === undefined) return stages.at(-1);
  const found = findStage(stages, target);
  if (found !== undefined) return found;
  const names = stages.flatMap(({ name }) => name ?? []);
  const nearest = nearestName(target, names);
  problems.push({
    rule: "target names a stage that the Dockerfile does not have",
    where: { file },
    saw: target,
    allowed: names.length === 0 ? "no stage has a name" : names.join(", "),
    ...(nearest === undefined ? {} : { hint: `did you mean ${nearest}?` }),
  });
  return undefined;
}

function findStage(stages: readonly Stage[], name: string): Stage | undefined {
  return (
    stages.find((stage) => stage.name === name.toLowerCase()) ?? stages.find(({ index }) => String(index) === name)
  );
}

function reachable(stages: readonly Stage[], target: Stage, problems: Problem[]) {
  const seen = new Set<number>();
  const sources: ImageSource[] = [];
  const visit = (stage: Stage): void => {
    if (seen.has(stage.index)) return;
    seen.add(stage.index);
    const { base } = stage;
    if (base.kind === "source") sources.push(base.source);
    const parent = base.kind === "stage" ? stages[base.index] : undefined;
    if (parent !== undefined) visit(parent);
    for (const instruction of stage.instructions) {
      for (const name of namesOfFrom(instruction)) {
        const earlier = findStage(stages.slice(0, stage.index), name);
        if (earlier !== undefined) visit(earlier);
        else {
          const source = readSource(name, instruction.line);
          if (source === undefined) problems.push(unknownFrom(name, instruction));
          else sources.push(source);
        }
      }
    }
  };
  visit(target);
  const used = stages.filter(({ index }) => seen.has(index));
  return { stages: used, sources: withoutRepeats(sources) };
}

/** `--from=` of COPY and `from=` of a RUN mount. */
export function namesOfFrom(instruction: Instruction): readonly string[] {
  if (instruction.keyword === "COPY") return [flagOf(instruction, "from") ?? []].flat();
  if (instruction.keyword !== "RUN") return [];
  return instruction.flags
    .filter(({ name }) => name === "mount")
    .flatMap(({ value }) => /(?:^|,)from=([^,]+)/.exec(value)?.[1] ?? []);
}

function unknownFrom(name: string, { line }: Instruction): Problem {
  return { rule: "from= must name a stage above it or an image", where: { line }, saw: name };
}

function declaredNames(instructions: readonly Instruction[]): ReadonlySet<string> {
  return new Set(
    instructions
      .filter(({ keyword }) => keyword === "ARG")
      .flatMap(({ rest }) => readArg(rest, new Map()).map(([name]) => name)),
  );
}

function withoutRepeats(sources: readonly ImageSource[]): readonly ImageSource[] {
  const nameOf = (source: ImageSource) => (source.kind === "image" ? source.ref : `image://${source.name}`);
  return [...new Map(sources.map((source) => [nameOf(source), source] as const)).values()];
}
