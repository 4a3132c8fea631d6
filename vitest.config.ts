import { defineConfig } from "vitest/config";

// unit      pure rules, no I/O but small temporary folders
// contract  one suite per port, against every implementation
// action    each action as a real process
// engines   builders of images, engines of containers and of pipelines at work, and run-pipeline as a process on them
// s3        on real servers of S3
// registries  on a real server of MLflow, and with the official clients of registries
// cluster   on a real Kubernetes
// e2e       whole releases, workflows run by a workflow runner
// demo-cluster  a whole release on a cluster, by the workflow that users copy, and what may go wrong with it
// long      what takes longer than CI should: every kill point, soaks, bundles from two clones
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    unstubEnvs: true,
    coverage: {
      provider: "v8",
      include: ["actions/**/*.ts"],
      exclude: ["actions/*/dist/**"],
    },
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000 } },
      {
        extends: true,
        test: { name: "contract", include: ["test/contract/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: "action",
          include: ["test/action/**/*.test.ts"],
          globalSetup: "test/support/quick-bundles.ts",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "engines",
          include: ["test/engines/**/*.test.ts"],
          globalSetup: "test/support/quick-bundles.ts",
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          // GitHub's parser imports JSON without an attribute, which only a bundler forgives.
          server: { deps: { inline: [/@actions\/(languageservice|workflow-parser|expressions)/] } },
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: "s3",
          include: ["test/s3/**/*.test.ts"],
          globalSetup: "test/support/quick-bundles.ts",
          testTimeout: 60_000,
          hookTimeout: 240_000,
        },
      },
      {
        extends: true,
        test: {
          name: "registries",
          include: ["test/registries/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: "demo-cluster",
          include: ["test/demo-cluster/**/*.test.ts"],
          testTimeout: 900_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: "cluster",
          include: ["test/cluster/**/*.test.ts"],
          globalSetup: "test/support/cluster/set-up-suite.ts",
          // Several tests of each of two files are on their way at once.
          maxConcurrency: 4,
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          include: ["test/long/**/*.test.ts"],
          testTimeout: 1_800_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
