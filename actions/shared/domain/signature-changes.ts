import type { Tensor, VersionRecord } from "./model-version.ts";

type Signature = NonNullable<VersionRecord["signature"]>;

/** What a caller of the one model would have to change for the other, each a sentence; what only widens is no break. */
export function schemaBreaks(now: Signature, champion: Signature): readonly string[] {
  return [
    ...missing(now.inputs, champion.inputs).map(({ name }) => `its input ${name} is gone`),
    ...missing(champion.inputs, now.inputs).map(({ name }) => `it needs an input ${name}, which callers do not send`),
    ...pairs(now.inputs, champion.inputs).flatMap(([a, b]) => changesOf("input", a, b)),
    ...missing(now.outputs, champion.outputs).map(({ name }) => `its output ${name} is gone`),
    ...pairs(now.outputs, champion.outputs).flatMap(([a, b]) => changesOf("output", a, b)),
  ];
}

/** The tensors of `of` that `among` has none of the name of. */
function missing(among: readonly Tensor[], of: readonly Tensor[]): readonly Tensor[] {
  const names = new Set(among.map(({ name }) => name));
  return of.filter(({ name }) => !names.has(name));
}

function pairs(now: readonly Tensor[], before: readonly Tensor[]): readonly (readonly [Tensor, Tensor])[] {
  const known = new Map(before.map((tensor) => [tensor.name, tensor]));
  return now.flatMap((tensor) => {
    const other = known.get(tensor.name);
    return other === undefined ? [] : [[tensor, other] as const];
  });
}

function changesOf(what: "input" | "output", now: Tensor, before: Tensor): readonly string[] {
  const name = `its ${what} ${now.name}`;
  if (now.type !== before.type) return [`${name} is ${now.type}, and was ${before.type}`];
  if (now.shape === undefined || before.shape === undefined) return [];
  if (fits(what, now.shape, before.shape)) return [];
  return [`${name} has the shape [${now.shape.join(", ")}], and had [${before.shape.join(", ")}]`];
}

type Shape = NonNullable<Tensor["shape"]>;

/** An input may become open where it was fixed, an output may not become another; names of open dimensions mean nothing. */
function fits(what: "input" | "output", now: Shape, before: Shape): boolean {
  if (now.length !== before.length) return false;
  return now.every((size, i) => {
    const was = before[i];
    if (isOpen(size)) return what === "input" || isOpen(was);
    return isOpen(was) ? what === "output" : size === was;
  });
}

function isOpen(size: Shape[number] | undefined): boolean {
  return typeof size !== "number" || size < 0;
}
