import type { Problem } from "../../domain/problem.ts";
import { ReleaseError } from "../../lib/error.ts";

/** What `s3://bucket/prefix?name=value&…` says: where the store lies, and how its server wants to be spoken to. */
export type S3Address = {
  readonly bucket: string;
  /** Without slashes at its ends; empty: the whole bucket. */
  readonly prefix: string;
  readonly endpoint?: string;
  readonly region?: string;
  /** `path`: https://host/bucket/key; `host`: https://bucket.host/key. */
  readonly addressing?: "path" | "host";
  readonly profile?: string;
  /** File with the certificates of the authority that signed the server's. */
  readonly ca?: string;
  readonly encryption?: { readonly kind: "AES256" } | { readonly kind: "aws:kms"; readonly key?: string };
  readonly tags: Readonly<Record<string, string>>;
  /** `weak`: the user knows that the server does not keep every condition, and takes it. */
  readonly conditions: "required" | "weak";
};

const SETTINGS = ["endpoint", "region", "addressing", "profile", "ca", "sse", "kms-key", "conditions"] as const;
type Setting = (typeof SETTINGS)[number];

/** Throws `INPUT` with everything that is wrong. */
export function parseS3Address(store: string): S3Address {
  const [path = "", query = ""] = splitOnce(store.slice("s3://".length), "?");
  const [bucket, rest = ""] = splitOnce(path, "/");
  const prefix = rest.replace(/\/+$/, "");
  const { settings, tags, unknown } = readQuery(query);
  const problems = [
    ...bucketProblems(bucket),
    ...prefixProblems(prefix),
    ...unknown.map((name) => problem(`\`${name}\` is no setting of such an address`, { allowed: ALLOWED })),
    ...settingProblems(settings),
    ...tagProblems(tags),
  ];
  if (problems.length > 0) throw new ReleaseError("INPUT", problems);
  return {
    bucket,
    prefix,
    tags,
    conditions: settings.get("conditions") === "weak" ? "weak" : "required",
    ...given("endpoint", settings.get("endpoint")),
    ...given("region", settings.get("region")),
    ...given("profile", settings.get("profile")),
    ...given("ca", settings.get("ca")),
    ...given("addressing", settings.get("addressing") as S3Address["addressing"]),
    ...given("encryption", encryptionOf(settings)),
  };
}

const ALLOWED = `${SETTINGS.join(", ")}, and tag.NAME for tags of the objects`;

function readQuery(query: string) {
  const settings = new Map<Setting, string>();
  const tags: Record<string, string> = {};
  const unknown: string[] = [];
  for (const [name, value] of new URLSearchParams(query)) {
    if (name.startsWith("tag.")) tags[name.slice("tag.".length)] = value;
    else if (isSetting(name)) settings.set(name, value);
    else unknown.push(name);
  }
  return { settings, tags, unknown };
}

function encryptionOf(settings: ReadonlyMap<Setting, string>): S3Address["encryption"] {
  const [sse, key] = [settings.get("sse"), settings.get("kms-key")];
  if (sse === "AES256") return { kind: "AES256" };
  if (sse === undefined && key === undefined) return undefined;
  return { kind: "aws:kms", ...given("key", key) };
}

function bucketProblems(bucket: string): readonly Problem[] {
  if (/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && !bucket.includes("..")) return [];
  return [
    problem("the address names no bucket", {
      saw: JSON.stringify(bucket),
      allowed: "s3://bucket/prefix: a bucket has 3 to 63 lower-case letters, digits, dots and hyphens",
    }),
  ];
}

function prefixProblems(prefix: string): readonly Problem[] {
  const isSound = prefix === "" || (/^[\w.+@=-]+(\/[\w.+@=-]+)*$/.test(prefix) && !/(^|\/)\.{1,2}(\/|$)/.test(prefix));
  if (isSound) return [];
  return [
    problem("the prefix of the store must be plain", {
      saw: JSON.stringify(prefix),
      allowed: "letters, digits and ._+@=- between single slashes",
    }),
  ];
}

function settingProblems(settings: ReadonlyMap<Setting, string>): readonly Problem[] {
  const rules: readonly [Setting, (value: string) => boolean, string][] = [
    ["endpoint", isEndpoint, "https://host or http://host, with a port where it has one; no user, no path"],
    ["region", (value) => /^[a-z0-9-]+$/i.test(value), "a region such as eu-west-1"],
    ["addressing", (value) => ["path", "host"].includes(value), "path, host"],
    ["sse", (value) => ["AES256", "aws:kms"].includes(value), "AES256, aws:kms"],
    ["kms-key", (value) => value !== "" && settings.get("sse") !== "AES256", "a key's id or ARN, with sse=aws:kms"],
    ["profile", (value) => value !== "", "a profile of the AWS configuration"],
    ["ca", (value) => value !== "", "a file in PEM"],
    ["conditions", (value) => ["required", "weak"].includes(value), "required, weak"],
  ];
  return rules.flatMap(([name, isRight, allowed]) => {
    const value = settings.get(name);
    return value === undefined || isRight(value) ? [] : [problem(`\`${name}\` of the address is wrong`, { allowed })];
  });
}

/** S3's own limits. */
function tagProblems(tags: Readonly<Record<string, string>>): readonly Problem[] {
  const entries = Object.entries(tags);
  const isSound = entries.every(
    ([name, value]) => /^[\w .:/=+@-]{1,128}$/.test(name) && /^[\w .:/=+@-]{0,256}$/.test(value),
  );
  if (entries.length <= 10 && isSound) return [];
  return [problem("tags of the address are wrong", { allowed: "at most 10, of letters, digits, spaces and ._:/=+@-" })];
}

/** Whether it is an address that holds no secret and nothing after the host. */
export function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, pathname, search, hash } = new URL(text);
  return (
    /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === "") && pathname === "/"
  );
}

/** Nothing of the address is quoted but what a rule is about: it may hold what is nobody's business. */
function problem(rule: string, more: { readonly saw?: string; readonly allowed: string }): Problem {
  return { rule, where: { input: "store" }, ...more };
}

function splitOnce(text: string, at: string): readonly [string, string?] {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + at.length)];
}

function given<K extends string, V>(name: K, value: V | undefined): { readonly [key in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in K]?: V };
}

function isSetting(name: string): name is Setting {
  return (SETTINGS as readonly string[]).includes(name);
}
