import { expect, test } from "vitest";
import { parseOrigin } from "../../../../actions/shared/runner/git-facts.ts";

test.for([
  ["https://github.com/acme/digits.git", "github.com", "acme/digits"],
  ["https://user:pass@ghe.example.com/acme/digits", "ghe.example.com", "acme/digits"],
  ["git@github.com:acme/digits.git", "github.com", "acme/digits"],
  ["ssh://git@git.example.com:2222/acme/digits.git", "git.example.com", "acme/digits"],
] as const)("%s is %s %s", ([url, host, repository]) => {
  expect(parseOrigin(url)).toEqual({ host, repository });
});

test.for([
  "",
  "/srv/git/digits.git",
  "../digits",
  "https://github.com/",
  "https://github.com/../..",
  "https://host/a/b/c",
])("%j names no repository", (url) => {
  expect(parseOrigin(url)).toBeUndefined();
});
