/** The patterns of a `.dockerignore`, in order. */
export type IgnorePattern = { readonly matches: RegExp; readonly isException: boolean; readonly text: string };

/** `.dockerignore` as moby reads it: `#` lines, `!` exceptions, cleaned paths, `**`. An unreadable pattern matches nothing. */
export function parseIgnore(text: string): readonly IgnorePattern[] {
  return text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .flatMap((line) => {
      const isException = line.startsWith("!");
      const path = cleanPath((isException ? line.slice(1) : line).trim());
      const matches = path === "" ? undefined : compile(path);
      return matches === undefined ? [] : [{ matches, isException, text: line }];
    });
}

/** Whether a path of the context is left out: the last pattern wins that matches it or a folder above it. */
export function isIgnored(path: string, patterns: readonly IgnorePattern[]): boolean {
  const parents = parentsOf(path);
  return patterns.reduce(
    (ignored, { matches, isException }) =>
      isException === ignored && [path, ...parents].some((candidate) => matches.test(candidate))
        ? !isException
        : ignored,
    false,
  );
}

/** Whether nothing below an ignored folder can come back: no exception names anything there. */
export function mayPrune(folder: string, patterns: readonly IgnorePattern[]): boolean {
  if (!isIgnored(folder, patterns)) return false;
  return !patterns.some(({ isException, text }) => isException && mayMatchBelow(cleanPath(text.slice(1)), folder));
}

/** As Go's `filepath.Match` on one path, which COPY uses for its sources. */
export function globMatcher(pattern: string): (path: string) => boolean {
  const parts = translate(pattern, false);
  const regex = parts === undefined ? undefined : toRegExp(`^${parts}$`);
  return (path) => regex?.test(path) ?? false;
}

/** Lexical: no `.`, `..` never leaves the root, no slash at either end. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function parentsOf(path: string): readonly string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("/"));
}

function mayMatchBelow(exception: string, folder: string): boolean {
  const literal = exception.split(/[*?[\\]/)[0] ?? "";
  return literal.startsWith(`${folder}/`) || `${folder}/`.startsWith(literal);
}

function compile(pattern: string): RegExp | undefined {
  const parts = translate(pattern, true);
  return parts === undefined ? undefined : toRegExp(`^${parts}$`);
}

function toRegExp(source: string): RegExp | undefined {
  try {
    return new RegExp(source, "s");
  } catch {
    return undefined;
  }
}

function translate(pattern: string, hasDoubleStar: boolean): string | undefined {
  let out = "";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? "";
    if (hasDoubleStar && pattern.startsWith("**", at)) {
      at++;
      while (pattern[at + 1] === "*") at++;
      if (pattern[at + 1] === "/") at++;
      out += at + 1 >= pattern.length ? ".*" : "(?:.*/)?";
    } else if (char === "*") out += "[^/]*";
    else if (char === "?") out += "[^/]";
    else if (char === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) return undefined;
      const body = pattern.slice(at + 1, end);
      out += `[${body.startsWith("!") ? `^${body.slice(1)}` : body}]`;
      at = end;
    } else if (char === "\\") {
      const next = pattern[++at];
      if (next === undefined) return undefined;
      out += quoted(next);
    } else out += quoted(char);
  }
  return out;
}

function quoted(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}
