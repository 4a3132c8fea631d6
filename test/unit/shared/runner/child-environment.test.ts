import { expect, test } from "vitest";
import { childEnvironment } from "../../../../actions/shared/runner/child-environment.ts";

const kept = (name: string, value = "v", secrets: readonly string[] = []) =>
  name in childEnvironment({ [name]: value }, secrets);

test.for([
  "PATH",
  "HOME",
  "LANG",
  "LC_ALL",
  "TMPDIR",
  "DOCKER_HOST",
  "XDG_CACHE_HOME",
  "HTTPS_PROXY",
  "no_proxy",
  "CI",
  "GITHUB_SHA",
  "GITHUB_REPOSITORY",
  "KUBECONFIG",
  "MONKEY",
  "KEYBOARD",
  "PATTERN",
  "CUDA_VISIBLE_DEVICES",
  "PIP_INDEX_URL",
  "RUNNER_TEMP",
  "PWD",
])("a child sees %s", (name) => {
  expect(kept(name)).toBe(true);
});

test.for([
  "INPUT_TOKEN",
  "INPUT_MESSAGE",
  "STATE_saved",
  "ACTIONS_RUNTIME_TOKEN",
  "ACTIONS_CACHE_URL",
  "GITHUB_TOKEN",
  "GITHUB_ENV",
  "GITHUB_OUTPUT",
  "GITHUB_PATH",
  "GITHUB_STATE",
  "GITHUB_STEP_SUMMARY",
  "KFP_TOKEN",
  "DB_PASSWORD",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "GOOGLE_APPLICATION_CREDENTIALS",
  "SSH_AUTH_SOCK",
  "API_KEY",
  "api_key",
  "apiKey",
  "NPM_AUTHTOKEN",
  "npm_config_//registry.example/:_authToken",
  "MY-SECRET",
  "GH_PAT",
])("a child does not see %s", (name) => {
  expect(kept(name)).toBe(false);
});

test("a value that holds a secret is not seen, whatever its name; a proxy's password is what the proxy needs", () => {
  expect(kept("DATABASE_URL", "postgres://u:s3cret@db", ["s3cret"])).toBe(false);
  expect(kept("HTTPS_PROXY", "http://u:s3cret@proxy", ["s3cret"])).toBe(true);
});
