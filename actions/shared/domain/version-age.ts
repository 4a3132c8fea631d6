const SEMVER = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

type DatedVersion = { readonly version: string; readonly createdAt?: string | undefined };

/** Negative where `a` is older than `b`: as semantic versions where both are, else by when they were created; 0 where that is unknown. */
export function compareAge(a: DatedVersion, b: DatedVersion): number {
  const [left, right] = [SEMVER.exec(a.version), SEMVER.exec(b.version)];
  if (left && right) return compareNumbers(left, right) || comparePrereleases(left[4], right[4]);
  if (a.createdAt === undefined || b.createdAt === undefined) return 0;
  return Date.parse(a.createdAt) - Date.parse(b.createdAt);
}

function compareNumbers(left: RegExpExecArray, right: RegExpExecArray): number {
  for (const part of [1, 2, 3]) {
    const order = Number(left[part]) - Number(right[part]);
    if (order !== 0) return order;
  }
  return 0;
}

/** A release is newer than its pre-releases; numbers are older than words (semver.org, 11). */
function comparePrereleases(left: string | undefined, right: string | undefined): number {
  if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
  const [a, b] = [left.split("."), right.split(".")];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareIdentifiers(a[i] ?? "", b[i] ?? "");
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareIdentifiers(a: string, b: string): number {
  const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumberA && isNumberB) return Number(a) - Number(b);
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
