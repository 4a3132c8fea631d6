/** The secrets of this process: what the job log and the outputs must not show. */
export type Masks = {
  /** Registers a secret; `name` says in errors which one it was. Blank ones are nothing. */
  add(name: string, secret: string): void;
  /** The text with every secret as `***`. */
  hide(text: string): string;
  /** The same value with every text in it hidden so: before it is rendered, since what escapes a text would escape a secret from being found. */
  hideIn<T>(value: T): T;
  /** The name of a secret that the text holds. */
  foundIn(text: string): string | undefined;
  values(): readonly string[];
};

/** A line of a secret that is shorter (`}`, `---`) would hide half of the log, and tells nothing. */
const SHORTEST_LINE = 4;

/** `tell` is called for each new value, before anybody can print it. */
export function createMasks(tell: (secret: string) => void): Masks {
  const names = new Map<string, string>();
  // A secret may be part of another one: the longest is hidden first.
  const longestFirst = () => [...names.keys()].sort((a, b) => b.length - a.length);
  const hide = (text: string) => longestFirst().reduce((shown, value) => shown.replaceAll(value, "***"), text);
  return {
    add: (name, secret) => {
      for (const value of partsOf(secret)) {
        if (names.has(value)) continue;
        names.set(value, name);
        tell(value);
      }
    },
    hide,
    hideIn: (value) => mapTexts(value, hide),
    foundIn: (text) => {
      const value = longestFirst().find((secret) => text.includes(secret) || text.includes(inJson(secret)));
      return value === undefined ? undefined : names.get(value);
    },
    values: () => [...names.keys()],
  };
}

/** The whole, and each line: programs print a key line by line. The whole of several lines is not told apart from its lines by the runner. */
function partsOf(secret: string): readonly string[] {
  const whole = secret.trim();
  if (whole === "") return [];
  const lines = whole.split(/\r?\n/).map((line) => line.trim());
  return lines.length === 1 ? [whole] : lines.filter((line) => line.length >= SHORTEST_LINE);
}

function mapTexts<T>(value: T, map: (text: string) => string): T {
  const mapped = (inner: unknown): unknown => {
    if (typeof inner === "string") return map(inner);
    if (Array.isArray(inner)) return inner.map(mapped);
    if (typeof inner !== "object" || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, one]) => [key, mapped(one)]));
  };
  return mapped(value) as T;
}

function inJson(secret: string): string {
  return JSON.stringify(secret).slice(1, -1);
}
