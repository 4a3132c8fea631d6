import { type Digest, isDigest } from "./digest.ts";

/** A reference with every part spelt out: `python:3.12` is `docker.io`, `library/python`, `3.12`. */
export type ImageRef = {
  readonly host: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
};

const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DOCKER_HUB = "docker.io";

/** The grammar of the distribution project with the defaults of Docker Hub; undefined where the text is no reference. */
export function parseImageRef(text: string): ImageRef | undefined {
  const [named = "", digest, ...more] = text.split("@");
  if (more.length > 0 || (digest !== undefined && !isDigest(digest))) return undefined;
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !isImageTag(tag)) return undefined;
  const repository = parseRepository(hasTag ? named.slice(0, colon) : named);
  if (repository === undefined) return undefined;
  return { ...repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** `host/path`, as refs, stores and credentials name a repository. */
export function repositoryOf(ref: ImageRef): string {
  return `${ref.host}/${ref.path}`;
}

export function formatImageRef(ref: ImageRef): string {
  const tag = ref.tag === undefined ? "" : `:${ref.tag}`;
  return `${repositoryOf(ref)}${tag}${ref.digest === undefined ? "" : `@${ref.digest}`}`;
}

/** What a registry is asked for: the digest where there is one, else the tag, else `latest`. */
export function referenceOf(ref: ImageRef): string {
  return ref.digest ?? ref.tag ?? "latest";
}

export function isImageTag(text: string): boolean {
  return TAG.test(text);
}

/** `host[:port]/path` split; the first part is a host if it looks like one, else Docker Hub is meant. */
export function parseRepository(text: string): { readonly host: string; readonly path: string } | undefined {
  const [first = "", ...rest] = text.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const given = isHost ? first : DOCKER_HUB;
  const host = given === "index.docker.io" ? DOCKER_HUB : given;
  const own = isHost ? rest.join("/") : text;
  const path = host === DOCKER_HUB && !own.includes("/") ? `library/${own}` : own;
  return HOST.test(host) && PATH.test(path) && path.length <= 255 ? { host, path } : undefined;
}

/** Whether a host is this machine: registries there are spoken to by plain HTTP, as container engines do. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host);
}
