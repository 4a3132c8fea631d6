import * as v from "valibot";
import { commonInputs, commonOutputs, defineAction, type InputsOf } from "../shared/runner/inputs.ts";

const Name = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9]+([._-][a-z0-9]+)*$/, "must be a-z, 0-9 and single . _ - between them"),
  v.maxLength(63, "must have 63 characters at most"),
);

const ImageSchema = v.strictObject({
  context: v.string(),
  dockerfile: v.optional(v.string()),
  target: v.optional(v.string()),
  args: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
  needs: v.optional(v.array(Name)),
  network: v.optional(v.picklist(["default", "host", "none"], "must be default, host or none")),
});

export const manifest = defineAction({
  name: "build-images",
  description:
    "Builds, appends or reuses container images, stores them by digest, and moves their release tags together",
  branding: { icon: "package", color: "blue" },
  inputs: {
    ...commonInputs(["build", "plan"], "2h"),
    images: {
      kind: "yaml",
      schema: v.pipe(v.record(Name, ImageSchema), v.minEntries(1, "must name an image")),
      required: true,
      example: "trainer: { context: trainer }",
      description:
        "The images as YAML, by name: `context`, and where wanted `dockerfile` (in the context), `target`, `args`, `needs` (other images of the list), `network` (default, host, none).",
    },
    registry: {
      kind: "string",
      env: "ML_RELEASE_REGISTRY",
      example: "ghcr.io/acme/digits",
      description: "Where the images go: each below this name. Empty: a folder under ML_RELEASE_HOME.",
    },
    username: { kind: "string", description: "User of the registry. Empty: what `docker login` has left." },
    password: { kind: "string", secret: true, description: "Password or token of that user." },
    tags: {
      kind: "list",
      default: "$RELEASE",
      example: "$TAG_NAME, latest",
      description:
        "Tags that every image gets once all are there. Known are `$RELEASE`, `$TAG_NAME`, `$BRANCH_NAME`, `$COMMIT_SHA`, `$SHORT_SHA`.",
    },
    builder: {
      kind: "enum",
      values: ["auto", "buildx", "docker", "podman", "buildah", "append"],
      default: "auto",
      description:
        "What builds. `append` runs nothing and needs no engine: for Dockerfiles that only copy files and set configuration. `auto`: append where the Dockerfile allows it, else the first engine that works.",
    },
    reuse: {
      kind: "boolean",
      default: "true",
      description: "Takes an image that was made of the very same inputs instead of building it again.",
    },
    "max-parallel": {
      kind: "integer",
      default: "2",
      min: 1,
      max: 32,
      description: "How many images are built at the same time.",
    },
  },
  outputs: {
    ...commonOutputs,
    images: {
      description:
        "JSON by name: `ref` (by digest), `digest`, `key`, `how` (built, appended, reused), `why`, `seconds`, `bytes`.",
    },
  },
});

export type BuildImagesInputs = InputsOf<typeof manifest>;
