import { type Command, type Declarations, defineCommand } from "./command.ts";

const NAME = {
  kind: "string",
  pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  example: "digits",
} as const;

const MODEL = { ...NAME, required: true, env: "ML_RELEASE_MODEL", description: "Name of the model." } as const;

const WORD = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,62}$/;

/** Every command: what is parsed, what runs and what the help says come from this table. */
export const COMMANDS: readonly Command[] = [
  defineCommand(
    {
      name: "history",
      does: "Tells what became of a model: who did what, when, from which run",
      details: [
        "With --alias: which version an alias was at, from when to when, and who moved it.",
        "With --on: on that day (UTC), or at that time.",
      ],
      arguments: { model: MODEL },
      options: {
        alias: {
          ...NAME,
          value: "ALIAS",
          example: "champion",
          description: "Only this alias. With --on and nothing else: champion.",
        },
        on: {
          kind: "string",
          value: "DAY",
          pattern: /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/,
          example: "2026-11-01 or 2026-11-01T09:30:00Z",
          description: "A day (UTC) or a time.",
        },
      },
      examples: ["ml-release history digits", "ml-release history digits --alias champion --on 2026-11-01"],
    },
    async (values, context) => (await import("./history.ts")).history(values, context),
  ),
  defineCommand(
    {
      name: "diff",
      does: "Tells how version B differs from version A: metrics, data, parameters, files, images and more",
      details: ["Each is a version, or an alias that is at one."],
      arguments: {
        model: MODEL,
        a: {
          kind: "string",
          required: true,
          pattern: WORD,
          example: "1.0.0 or champion",
          description: "The earlier version.",
        },
        b: {
          kind: "string",
          required: true,
          pattern: WORD,
          example: "1.1.0 or candidate",
          description: "The later version.",
        },
      },
      options: {},
      examples: ["ml-release diff digits 1.0.0 1.1.0", "ml-release diff digits champion candidate --json"],
    },
    async (values, context) => (await import("./diff.ts")).diff(values, context),
  ),
  defineCommand(
    {
      name: "catalog",
      writes: true,
      does: "Makes a catalog of the whole store: a static HTML site, and catalog.json",
      details: ["It can be looked at from a folder, a bucket or GitHub Pages, and made again at any time."],
      arguments: {},
      options: {
        out: {
          kind: "string",
          required: true,
          value: "FOLDER",
          description: "Where it is written: a new or empty folder, or that of an earlier catalog, which it replaces.",
        },
      },
      examples: ["ml-release catalog --out catalog"],
    },
    async (values, context) => (await import("./catalog.ts")).catalog(values, context),
  ),
  defineCommand(
    {
      name: "gc",
      writes: true,
      does: "Tells what no version's record names, and with --apply removes it",
      details: [
        "Jobs that were killed leave files, cards, signatures and archives behind; no version ever loses anything.",
        "What is younger, or in use by a registration that goes on, is left.",
      ],
      arguments: { model: { ...NAME, description: "Only this model. Default: all." } },
      options: {
        "older-than": {
          kind: "duration",
          value: "TIME",
          default: "7d",
          minMs: 3_600_000,
          description: "Only what was last written longer ago, such as 36h or 30d; longer than any job takes.",
        },
        apply: { kind: "boolean", default: "false", description: "Remove it. Default: only tell." },
      },
      examples: ["ml-release gc", "ml-release gc digits --older-than 30d --apply"],
    },
    async (values, context) => (await import("./gc.ts")).gc(values, context),
  ),
];

/** Options that every command has. */
export const COMMON_OPTIONS = {
  store: {
    kind: "string",
    value: "STORE",
    env: "ML_RELEASE_STORE",
    description:
      "The model store: a folder, or a bucket of any S3-compatible server, s3://bucket/prefix. Default: a folder under ML_RELEASE_HOME.",
  },
  json: { kind: "boolean", default: "false", description: "Answer in JSON." },
  summary: {
    kind: "string",
    value: "FILE",
    description: "Put the answer at the end of this file too, in GitHub's Markdown: $GITHUB_STEP_SUMMARY in a job.",
  },
  help: { kind: "boolean", default: "false", description: "Show this help." },
} as const satisfies Declarations;
