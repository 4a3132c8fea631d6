import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { exec } from "../../lib/exec.ts";

/** What a registry's token service takes: user and password, or a refresh token from an earlier login. */
export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "identity"; readonly token: string };

export type CredentialSource = {
  /** Given as inputs, for one host. */
  readonly given?: { readonly host: string; readonly credentials: Credentials };
  /** The job's environment: DOCKER_CONFIG, HOME, and PATH for the helper programs. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Called with every secret that was found, before it is used. */
  readonly mask: (secret: string) => void;
};

/** The credentials for a host: those given, else those of `docker login` (file, credential store or helper program). */
export async function findCredentials(host: string, source: CredentialSource): Promise<Credentials | undefined> {
  if (source.given?.host === host) return source.given.credentials;
  const config = await readDockerConfig(source.env);
  const found = config === undefined ? undefined : await fromConfig(host, config, source);
  if (found !== undefined) source.mask(found.kind === "password" ? found.password : found.token);
  return found;
}

const AuthSchema = v.looseObject({
  auth: v.optional(v.string()),
  username: v.optional(v.string()),
  password: v.optional(v.string()),
  identitytoken: v.optional(v.string()),
});

const DockerConfigSchema = v.looseObject({
  auths: v.optional(v.record(v.string(), AuthSchema)),
  credHelpers: v.optional(v.record(v.string(), v.string())),
  credsStore: v.optional(v.string()),
});

type DockerConfig = v.InferOutput<typeof DockerConfigSchema>;

const HelperAnswerSchema = v.looseObject({ Username: v.string(), Secret: v.string() });

/** `docker login` writes Docker Hub under this address. */
const HUB_KEY = "https://index.docker.io/v1/";

async function readDockerConfig(env: CredentialSource["env"]): Promise<DockerConfig | undefined> {
  const folder = env.DOCKER_CONFIG ?? (env.HOME === undefined ? undefined : join(env.HOME, ".docker"));
  if (folder === undefined) return undefined;
  const file = join(folder, "config.json");
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return decode(DockerConfigSchema, JSON.parse(text), file);
  } catch (error) {
    throw new ReleaseError(
      "CONFIG",
      {
        rule: "docker's configuration cannot be read",
        where: { file },
        hint: "log in again, or give username and password",
      },
      // A syntax error quotes the text, which holds passwords.
      isReleaseError(error) ? error : undefined,
    );
  }
}

async function fromConfig(
  host: string,
  config: DockerConfig,
  source: CredentialSource,
): Promise<Credentials | undefined> {
  const keys =
    host === "docker.io" ? [HUB_KEY, "docker.io", "index.docker.io"] : [host, `https://${host}`, `http://${host}`];
  for (const key of keys) {
    const helper = config.credHelpers?.[key] ?? config.credsStore;
    const asked = helper === undefined ? undefined : await askHelper(helper, key, source);
    if (asked !== undefined) return asked;
    const auth = Object.entries(config.auths ?? {}).find(
      ([name]) => name.replace(/\/+$/, "") === key.replace(/\/+$/, ""),
    )?.[1];
    const written = auth === undefined ? undefined : readAuth(auth);
    if (written !== undefined) return written;
  }
  return undefined;
}

function readAuth(entry: v.InferOutput<typeof AuthSchema>): Credentials | undefined {
  if (entry.identitytoken) return { kind: "identity", token: entry.identitytoken };
  const [username, ...password] = Buffer.from(entry.auth ?? "", "base64")
    .toString("utf8")
    .split(":");
  if (username && password.length > 0) return { kind: "password", username, password: password.join(":") };
  if (entry.username && entry.password) return { kind: "password", username: entry.username, password: entry.password };
  return undefined;
}

/** `docker-credential-<name> get`: the host on its input, JSON on its output. Knowing nothing of the host is exit code 1. */
async function askHelper(name: string, host: string, source: CredentialSource): Promise<Credentials | undefined> {
  if (!/^[A-Za-z0-9._-]+$/.test(name))
    throw new ReleaseError("CONFIG", { rule: "docker's configuration names no credential helper", saw: name });
  const program = `docker-credential-${name}`;
  const { code, stdout } = await exec(program, ["get"], {
    cwd: source.cwd,
    env: source.env,
    input: `${host}\n`,
    okCodes: [0, 1],
    timeoutMs: 30_000,
  });
  if (code === 1) return undefined;
  const { Username, Secret } = readHelperAnswer(stdout, program);
  source.mask(Secret);
  return Username === "<token>"
    ? { kind: "identity", token: Secret }
    : { kind: "password", username: Username, password: Secret };
}

function readHelperAnswer(stdout: string, program: string): v.InferOutput<typeof HelperAnswerSchema> {
  try {
    return v.parse(HelperAnswerSchema, JSON.parse(stdout));
  } catch {
    throw new ReleaseError("PROTOCOL", { rule: `${program} must answer with Username and Secret as JSON` });
  }
}
