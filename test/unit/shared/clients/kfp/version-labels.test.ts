import { expect, test } from "vitest";
import { versionLabels } from "../../../../../actions/shared/clients/kfp/version-labels.ts";
import { runRequest } from "../../../../support/kubeflow-engine.ts";
import { python } from "../../../../support/pipeline-package.ts";

const DIGEST = `sha256:${"12".repeat(32)}`;

test("say where a version comes from, within what the server takes", () => {
  const images = Array.from({ length: 30 }, (_, i) => [
    `exec-t${i}`,
    python({ image: `ghcr.io/acme/image.${i}@${DIGEST}` }),
  ]);
  const { work, origin } = runRequest({ executors: Object.fromEntries(images) });
  const { description, tags } = versionLabels(work, { ...origin, releaseId: "r".repeat(96) });
  expect(Object.keys(tags)).toHaveLength(20);
  for (const [key, value] of Object.entries(tags)) {
    expect(key).toMatch(/^[^.]{1,63}$/);
    expect(value.length).toBeLessThanOrEqual(63);
  }
  expect(tags["image-image-0"]).toBe("sha256:121212121212");
  expect(description.length).toBeLessThanOrEqual(2_000);
});

test("have digests whole in the description", () => {
  const image = `ghcr.io/acme/trainer@${DIGEST}`;
  const { work, origin } = runRequest({ executors: { "exec-train": python({ image }) } });
  expect(versionLabels(work, origin).description.split("\n")).toEqual([
    `Release v1.1.0 of https://github.com/acme/digits, commit ${"ab".repeat(20)} (refs/tags/v1.1.0), by octocat.`,
    "Workflow run: https://github.com/acme/digits/actions/runs/812",
    `Package: ${work.digest}`,
    `Image: ${image}`,
  ]);
});
