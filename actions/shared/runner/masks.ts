/** The secrets of this process: what the job log and the outputs must not show. */
export type Masks = {
  /** Registers a secret; `name` says in errors which one it was. Blank ones are nothing. */
  add(name: string, secret: string): void;
  /** The text with every secret as `***`. */
  hide(text: string): string;
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
  return {
    add: (name, secret) => {
      for (const value of partsOf(secret)) {
        if (names.has(value)) continue;
        names.set(value, name);
        tell(value);
      }
    },
    hide: (text) => longestFirst().reduce((shown, value) => shown.replaceAll(value, "***"), text),
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

function inJson(secret: string): string {
  return JSON.stringify(secret).slice(1, -1);
}
