import { posix } from "node:path";
import type { Problem } from "../domain/problem.ts";
import type { Finding } from "../domain/report.ts";
import { inParallel } from "../lib/in-parallel.ts";
import type { SourceFile } from "../ports/source-file.ts";

/** Files that hold credentials by their very name. */
const SECRET_NAMES: readonly RegExp[] = [
  /^\.env(\..+)?$/,
  /^\.(npmrc|pypirc|netrc|pgpass|htpasswd|git-credentials|dockercfg|boto|s3cfg)$/,
  /^id_(rsa|dsa|ecdsa|ed25519)$/,
  /\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk)$/i,
  /^(credentials|client_secret.*|service[-_]account.*)\.json$/i,
  /^kubeconfig$/i,
];

/** Texts that are nothing but credentials: what they open, and how they read. */
const SECRET_TEXTS: readonly (readonly [what: string, text: RegExp])[] = [
  ["a private key", /-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----/],
  ["an access key of AWS", /\b(?:AKIA|ASIA)[A-Z2-7]{16}\b/],
  ["a token of GitHub", /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,90})\b/],
  ["a token of GitLab", /\bglpat-[A-Za-z0-9_-]{20}\b/],
  ["a token of Hugging Face", /\bhf_[A-Za-z]{34}\b/],
  ["a key of Google", /\bAIza[A-Za-z0-9_-]{35}\b/],
  ["a token of Slack", /\bxox[abprs]-[A-Za-z0-9-]{20,}\b/],
];

/** Where people leave secrets: small texts. */
const MAX_TEXT_BYTES = 1024 * 1024;

/** Those of a bucket each answer only after a while. */
const AT_ONCE = 4;

/** What files of a model have no business in it: told by their names, and of small texts by what is written there. */
export async function findSecrets(
  files: readonly SourceFile[],
): Promise<{ readonly findings: readonly Finding[]; readonly problems: readonly Problem[] }> {
  const findings: Finding[] = [];
  const problems: Problem[] = [];
  const found = await inParallel(files, AT_ONCE, async (file) => ({
    file,
    what: file.size <= MAX_TEXT_BYTES ? await secretIn(file) : undefined,
  }));
  for (const { file, what } of found) {
    if (what !== undefined)
      problems.push({
        rule: "a model must not hold a secret: a version is never changed, and whoever serves it reads it",
        where: { file: file.source },
        saw: what,
        hint: "take it out of the model's folder, and replace the secret: it was written to a disk",
      });
    else if (SECRET_NAMES.some((name) => name.test(posix.basename(file.path))))
      findings.push({
        level: "warning",
        message: `${file.path} is named as a file with credentials: a model needs none`,
      });
  }
  return { findings, problems };
}

async function secretIn(file: SourceFile): Promise<string | undefined> {
  const bytes = await file.open((source) => source.read(0, source.size));
  if (bytes.includes(0)) return undefined;
  const text = Buffer.from(bytes).toString("latin1");
  return SECRET_TEXTS.find(([, pattern]) => pattern.test(text))?.[0];
}

/** Compiled Python and the caches of tools: other on every machine, so that the model's digest would be too. */
export function findLitter(files: readonly SourceFile[]): readonly Finding[] {
  const litter = files.filter(({ path }) =>
    /(^|\/)(__pycache__|\.ipynb_checkpoints|\.pytest_cache|\.DS_Store)(\/|$)|\.pyc$/.test(path),
  );
  const [first] = litter;
  if (first === undefined) return [];
  const others = litter.length === 1 ? "" : ` and ${litter.length - 1} more`;
  return [
    { level: "warning", message: `${first.path}${others}: caches do not belong into a model, they change its digest` },
  ];
}
