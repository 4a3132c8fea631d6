/** A key of a store with its facts, as the store lists it. */
export type DatedKey = { readonly key: string; readonly size: number; readonly modifiedMs: number };

/** What lies below a model and belongs to a version once a record names it: a folder of files with its marker, a card, a signature, a package, or a claim alone. */
export type Leftover = {
  readonly model: string;
  /** What folders of one version begin with; it is claimed as a whole. */
  readonly place: string;
  readonly kind: string;
  /** The folder, or the one key of a claim. */
  readonly path: string;
  readonly keys: number;
  readonly bytes: number;
  /** When something in it was written last. */
  readonly writtenMs: number;
};

export type Garbage = {
  /** What no record names and nobody can still be writing, by model and place. */
  readonly removable: readonly Leftover[];
  /** What no record names yet: too young to tell from a registration that is under way. */
  readonly young: readonly Leftover[];
};

export type GarbageQuestion = {
  readonly keys: readonly DatedKey[];
  /** The folders that records name: `pathsNamedBy`. */
  readonly named: ReadonlySet<string>;
  readonly nowMs: number;
  readonly olderThanMs: number;
};

/** Folders that only a version record makes part of a version. What lies elsewhere is never garbage. */
const KINDS: readonly string[] = ["files", "cards", "signatures", "packages"];
const CLAIMS = "claims";
const MARKER = "~files.json";

/** What of a store is left over. Where something is young, or was claimed lately, an attempt may build on the rest of the place, whatever its age. */
export function garbageOf({ keys, named, nowMs, olderThanMs }: GarbageQuestion): Garbage {
  const unnamed = leftoversIn(keys).filter(({ path }) => !named.has(path));
  const busy = new Set(unnamed.filter(({ writtenMs }) => writtenMs >= nowMs - olderThanMs).map(placeId));
  const sorted = unnamed.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  return {
    removable: sorted.filter((one) => !busy.has(placeId(one))),
    young: sorted.filter((one) => busy.has(placeId(one)) && one.kind !== CLAIMS),
  };
}

/** Names a place of a model among those of all models. */
export function placeId({ model, place }: Pick<Leftover, "model" | "place">): string {
  return `${model}/${place}`;
}

/** The folders that the texts of a record name, as keys or as addresses: of themselves or of something in them. */
export function pathsNamedBy(record: unknown): readonly string[] {
  return textsIn(record).flatMap((text) => {
    const parts = text.split("/");
    return parts.flatMap((kind, i) =>
      KINDS.includes(kind) && i > 0 ? [`${parts[i - 1]}/${kind}/${parts[i + 1]}`] : [],
    );
  });
}

/** Every text in a value, at any depth: names of fields do not count. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function leftoversIn(keys: readonly DatedKey[]): readonly Leftover[] {
  const found = new Map<string, Leftover>();
  for (const { key, size, modifiedMs } of keys) {
    const home = homeOf(key);
    if (home === undefined) continue;
    const known = found.get(home.path);
    found.set(home.path, {
      ...home,
      keys: (known?.keys ?? 0) + 1,
      bytes: (known?.bytes ?? 0) + size,
      writtenMs: Math.max(known?.writtenMs ?? 0, modifiedMs),
    });
  }
  return [...found.values()];
}

/** The folder that a key belongs to. The marker beside a folder of files belongs to it. */
function homeOf(key: string): Pick<Leftover, "model" | "place" | "kind" | "path"> | undefined {
  const [model = "", kind = "", name = "", ...rest] = key.split("/");
  if (kind === CLAIMS && rest.length === 0 && name.endsWith(".json"))
    return { model, kind, place: name.slice(0, -".json".length), path: key };
  if (!KINDS.includes(kind)) return undefined;
  const isMarker = rest.length === 0 && kind === "files" && name.endsWith(MARKER);
  if (rest.length === 0 && !isMarker) return undefined;
  const folder = isMarker ? name.slice(0, -MARKER.length) : name;
  return { model, kind, place: placeOf(folder), path: `${model}/${kind}/${folder}` };
}

/** Without what tells one folder of a version from another; a release's own place begins with `~`. */
function placeOf(folder: string): string {
  return /^~?[^~]*/.exec(folder)?.[0] ?? folder;
}
