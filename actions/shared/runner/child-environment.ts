/** What a child needs to run at all; kept although a value may look like a secret (a proxy's address holds its password). */
const KEPT =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TERM|TMPDIR|PWD|XDG_\w+|(HTTPS?|NO|ALL)_PROXY|DOCKER_HOST|SSL_CERT_(FILE|DIR))$/i;

/** Inputs, the runner's own channels and tokens. What a child would write into a command file, the runner would believe. */
const RUNNERS = /^(INPUT_|ACTIONS_|STATE_|GITHUB_(ENV|OUTPUT|PATH|STATE|STEP_SUMMARY|TOKEN|ARTIFACTS)$)/i;

const SECRET_NAME =
  /(^|[^A-Z])(TOKEN|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|KEY|APIKEY|AUTH|PAT|COOKIE)([^A-Z]|$)|AUTHTOKEN/i;

/** The environment that a child may see: the job's own, less everything that came as an input, token or secret. */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(
    entries.filter(
      ([name, value]) =>
        KEPT.test(name) ||
        (!RUNNERS.test(name) && !SECRET_NAME.test(name) && !secrets.some((secret) => value.includes(secret))),
    ),
  );
}
