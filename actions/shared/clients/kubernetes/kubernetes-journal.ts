import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { type KubeObject, textAt } from "../../domain/manifest/object.ts";
import { type JournalEntry, JournalEntrySchema, type Look } from "../../domain/rollout/journal-entry.ts";
import { decode } from "../../lib/decode.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import { actsInTurn } from "../../lib/in-turn.ts";
import type { Journal } from "../../ports/journal.ts";
import { createObject, patchVersion } from "./change-object.ts";
import type { KubeConnection } from "./connection.ts";
import { type Part, PartSchema, type PartsPlace, readPart, removePart, writePart } from "./journal-parts.ts";
import { packed, unpacked } from "./journal-text.ts";
import { getObject } from "./objects.ts";
import { objectNameOf } from "./serving-lease.ts";

export type KubernetesJournalOptions = {
  readonly connection: KubeConnection;
  readonly namespace: string;
  /** Of what is rolled out. */
  readonly name: string;
  /** How many bytes one object may hold; smaller in tests. */
  readonly mostBytes?: number;
};

const TEXT = "journal.json";
const PACKED = "journal.json.gz";
/** What people want to see at once, and which write it was. */
const ABOUT = "about.json";
/** Up to here people can read it with kubectl. */
const READABLE_BYTES = 128 * 1024;
/** A ConfigMap holds 1 MiB, all its values together; but each look writes it anew: about 3,000 looks. */
const MOST_BYTES = 256 * 1024;
const MOST_TRIES = 5;

const AboutSchema = v.object({ schema: v.literal(1), write: v.string(), parts: v.array(PartSchema) });
type About = Readonly<v.InferOutput<typeof AboutSchema>>;

/** What is there, as this process read or wrote it last. */
type Known = { readonly version: string; readonly about: About | undefined; readonly looks: readonly Look[] };

/**
 * A journal in a ConfigMap beside the target, changed by compare-and-swap. It is text as long as it is short, then compressed; the first looks
 * of a rollout of many hours lie in ConfigMaps of their own. An entry that `write` has taken is never lost, nor written over by a job that has
 * not read it.
 */
export function kubernetesJournal(options: KubernetesJournalOptions): Journal {
  const { connection, namespace, mostBytes = MOST_BYTES } = options;
  const type = { group: "", version: "v1", plural: "configmaps", namespace };
  const name = objectNameOf(options.name);
  const place: PartsPlace = { connection, type, journal: name };
  const inTurn = actsInTurn();
  /** Of this process: what they wrote is ours although no answer came. */
  const writes = new Set<string>();
  let known: Known | undefined;

  return { read: () => inTurn(read), write: (entry) => inTurn(() => write(entry)) };

  async function read(): Promise<JournalEntry | undefined> {
    for (let tries = 1; ; tries++) {
      const object = await getObject(connection, type, name);
      if (object === undefined) {
        known = undefined;
        return undefined;
      }
      try {
        return await readObject(object);
      } catch (error) {
        // the next rollout has begun, and removed the parts of this one
        if (!isReleaseError(error, "INTEGRITY") || tries >= MOST_TRIES || !(await isOther(object))) throw error;
      }
    }
  }

  async function readObject(object: KubeObject): Promise<JournalEntry | undefined> {
    const version = textAt(object, ["metadata", "resourceVersion"]) ?? "";
    const about = aboutIn(object);
    const text = textAt(object, ["data", TEXT]) ?? (await unpackedIn(object));
    if (text === undefined || about === undefined) {
      known = { version, about: undefined, looks: [] };
      return undefined;
    }
    const stored = parsed(text) as { readonly looks?: readonly unknown[] };
    const earlier = await Promise.all(about.parts.map((part) => readPart(place, part)));
    const looks = [...(earlier as readonly (readonly unknown[])[]).flat(), ...(stored.looks ?? [])];
    const entry = decode(JournalEntrySchema, { ...stored, looks }, fileName()) as JournalEntry;
    known = { version, about, looks: entry.looks };
    return entry;
  }

  async function write(entry: JournalEntry): Promise<void> {
    const before = known;
    const kept = keptParts(before, entry);
    const id = randomUUID();
    writes.add(id);
    const { data, about } = await contentOf(entry, { kept, id });
    const object = await (before === undefined ? create(data, id) : replace(before, data, id));
    known = { version: textAt(object, ["metadata", "resourceVersion"]) ?? "", about, looks: entry.looks };
    const stale = (before?.about?.parts ?? []).filter(
      ({ name: old }) => !about.parts.some((part) => part.name === old),
    );
    for (const part of stale) await removePart(place, part).catch(ignoreRefusal);
  }

  async function create(data: KubeObject, id: string): Promise<KubeObject> {
    const labels = { "app.kubernetes.io/managed-by": "ml-release" };
    const created = await createObject(connection, type, {
      object: { metadata: { name, labels }, ...withoutNulls(data) },
    });
    if (created.state === "created") return created.object;
    const now = await getObject(connection, type, name);
    const last = now === undefined ? undefined : aboutIn(now);
    if (now === undefined || last === undefined || !writes.has(last.write)) throw foreign();
    if (last.write === id) return now;
    const version = textAt(now, ["metadata", "resourceVersion"]) ?? "";
    return replace({ version, about: last, looks: [] }, data, id);
  }

  async function replace(before: Known, data: KubeObject, id: string): Promise<KubeObject> {
    let version = before.version;
    for (let tries = 1; ; tries++) {
      const written = await patchVersion(connection, type, { name, version, patch: data });
      if (written.state === "done") return written.object;
      const now = written.state === "gone" ? undefined : await getObject(connection, type, name);
      const last = now === undefined ? undefined : aboutIn(now)?.write;
      if (now === undefined || tries >= MOST_TRIES) throw foreign();
      if (last === id) return now;
      // labels were changed, or a write of ours was carried out although it was reported as failed
      if (last !== before.about?.write && !(last !== undefined && writes.has(last))) throw foreign();
      version = textAt(now, ["metadata", "resourceVersion"]) ?? "";
    }
  }

  /** As many of the first looks go into parts as it takes to make the rest fit. */
  async function contentOf(
    entry: JournalEntry,
    { kept, id }: { readonly kept: readonly Part[]; readonly id: string },
  ): Promise<{ readonly data: KubeObject; readonly about: About }> {
    const parts = [...kept];
    for (;;) {
      const from = parts.reduce((sum, { looks }) => sum + looks, 0);
      const text = JSON.stringify({ ...entry, looks: entry.looks.slice(from) });
      const about: About = { schema: 1, write: id, parts };
      const aboutText = JSON.stringify({ ...about, phase: entry.phase, share: entry.share, release: entry.release });
      if (text.length <= Math.min(READABLE_BYTES, mostBytes / 2))
        return { about, data: { data: { [ABOUT]: aboutText, [TEXT]: text }, binaryData: { [PACKED]: null } } };
      const bytes = await packed(text);
      if (bytes.length <= mostBytes)
        return {
          about,
          data: { data: { [ABOUT]: aboutText, [TEXT]: null }, binaryData: { [PACKED]: bytes.toString("base64") } },
        };
      const half = Math.ceil((entry.looks.length - from) / 2);
      if (half < 1) throw tooLarge(bytes.length);
      parts.push(await writePart(place, entry.looks.slice(from, from + half)));
    }
  }

  /** Those of the same rollout, whose looks are still the first ones. */
  function keptParts(before: Known | undefined, entry: JournalEntry): readonly Part[] {
    const parts = before?.about?.parts ?? [];
    const stored = parts.reduce((sum, { looks }) => sum + looks, 0);
    const isSame = Array.from({ length: stored }, (_, i) => i).every(
      (i) => before?.looks[i] === entry.looks[i] || JSON.stringify(before?.looks[i]) === JSON.stringify(entry.looks[i]),
    );
    return isSame ? parts : [];
  }

  function aboutIn(object: KubeObject): About | undefined {
    const text = textAt(object, ["data", ABOUT]);
    return text === undefined ? undefined : decode(AboutSchema, parsed(text), fileName());
  }

  async function unpackedIn(object: KubeObject): Promise<string | undefined> {
    const base64 = textAt(object, ["binaryData", PACKED]);
    if (base64 === undefined) return undefined;
    const text = await unpacked(base64);
    if (text === undefined) throw notOurs();
    return text;
  }

  function parsed(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw notOurs(error);
    }
  }

  async function isOther(object: KubeObject): Promise<boolean> {
    const now = await getObject(connection, type, name);
    return textAt(now, ["metadata", "resourceVersion"]) !== textAt(object, ["metadata", "resourceVersion"]);
  }

  function fileName(): string {
    return `ConfigMap ${namespace}/${name}`;
  }

  function foreign(): ReleaseError {
    return new ReleaseError("CONFLICT", {
      rule: "the journal of the target was written by somebody else",
      where: { file: fileName() },
      hint: "this rollout changes nothing more; `mode: status` shows what stands there now",
    });
  }

  function notOurs(cause?: unknown): ReleaseError {
    const problem = {
      rule: "the journal of the target must be one that this action wrote",
      where: { file: fileName() },
      hint: "look at it, and delete it where no rollout is under way",
    };
    return new ReleaseError("INTEGRITY", problem, cause);
  }

  function tooLarge(bytes: number): ReleaseError {
    return new ReleaseError("INTERNAL", {
      rule: "the journal of the target must fit into an object of the cluster without its looks",
      where: { file: fileName() },
      saw: `${bytes} bytes`,
      allowed: `${mostBytes} bytes`,
    });
  }
}

/** A patch takes away what is null; a new object has nothing to take away. */
function withoutNulls(data: KubeObject): KubeObject {
  return Object.fromEntries(
    Object.entries(data).map(([key, values]) => [
      key,
      Object.fromEntries(Object.entries(values as KubeObject).filter(([, value]) => value !== null)),
    ]),
  );
}

/** Parts that stay are in nobody's way. */
function ignoreRefusal(error: unknown): void {
  if (!isReleaseError(error)) throw error;
}
