import { canonicalJson } from "../shared/domain/canonical.ts";
import { shortDigest } from "../shared/domain/digest.ts";
import { plainText } from "../shared/domain/image/changes.ts";
import { formatDuration, formatSize } from "../shared/domain/quantity.ts";
import type { ReleasedImage as RecordedImage } from "../shared/domain/release.ts";
import {
  type Column,
  type Conclusion,
  code,
  type Report,
  type Section,
  type Span,
  spansOf,
  type Text,
  text,
} from "../shared/domain/report.ts";
import type { Outcome, PlannedImage, ReleasedImage, SetTag } from "./outcome.ts";

export function report(outcome: Outcome): Conclusion {
  switch (outcome.state) {
    case "released":
      return {
        report: { ...releasedReport(outcome), findings: outcome.findings },
        outputs: {
          images: canonicalJson(Object.fromEntries(outcome.images.map((image) => [image.name, outputOf(image)]))),
        },
        parts: { images: Object.fromEntries(outcome.images.map((image) => [image.name, recordOf(image)])) },
        succeeded: true,
      };
    case "planned":
      return { report: { ...plannedReport(outcome), findings: outcome.findings }, outputs: {}, succeeded: true };
  }
}

type Released = Extract<Outcome, { state: "released" }>;
type Planned = Extract<Outcome, { state: "planned" }>;
type Told = Omit<Report, "findings">;

function releasedReport(outcome: Released): Told {
  const { images, tags, where, seconds } = outcome;
  const moved = tags.filter(({ state }) => state === "moved");
  return {
    tone: "good",
    headline: sentences(images.map(sentenceOf)),
    lead: [
      ...rehearsalLead(outcome),
      text`${countOf(images.length, "image")} in ${code(where)} by digest after ${formatDuration(seconds * 1_000)}. ${tagsText(tags)}`,
      ...(moved.length === 0
        ? []
        : [text`Moved from another image: ${list(moved.map(({ image, tag }) => code(`${image}:${tag}`)))}.`]),
    ],
    sections: [
      { priority: 2, blocks: [{ kind: "table", columns: COLUMNS, rows: images.map(rowOf) }] },
      basesSection(images),
    ],
  };
}

/** "trainer rebuilt: `train.py` changed", "serving reused from v1.0.0 (0.1s)". */
function sentenceOf({ name, how, from, isFirst, why, seconds }: ReleasedImage): Text {
  const time = `(${formatDuration(seconds * 1_000)})`;
  if (how === "reused") return text`${name} reused from ${from} ${time}`;
  return isFirst ? text`${name} built for the first time ${time}` : text`${name} rebuilt: ${[...why]} ${time}`;
}

const COLUMNS: readonly Column[] = [
  { title: "image" },
  { title: "digest" },
  { title: "how" },
  { title: "why" },
  { title: "time", align: "right" },
  { title: "size", align: "right" },
  { title: "sent", align: "right" },
];

function rowOf({ name, digest, how, builder, why, seconds, bytes, bytesWritten }: ReleasedImage): readonly Text[] {
  const by = builder === undefined || builder === "append" ? how : `${how} by ${builder}`;
  const time = formatDuration(seconds * 1_000);
  return [name, code(shortDigest(digest)), by, [...why], time, formatSize(bytes), formatSize(bytesWritten)];
}

function basesSection(images: readonly ReleasedImage[]): Section {
  const items = images.map(({ name, ref, key, bases }) => {
    const on =
      bases.length === 0
        ? ""
        : text`, on ${list(bases.map(({ ref: base, digest }) => text`${code(base)} ${code(shortDigest(digest))}`))}`;
    return text`${name}: ${code(ref)}, key ${code(key.slice(0, 15))}${on}`;
  });
  return { title: "References, keys and bases", priority: 4, folded: true, blocks: [{ kind: "list", items }] };
}

function plannedReport(outcome: Planned): Told {
  const { images, tags, where } = outcome;
  const made = images.filter(({ would }) => would !== "be reused");
  return {
    tone: "neutral",
    headline: sentences(images.map(({ name, would, why, builder }) => plannedSentence({ name, would, why, builder }))),
    lead: [
      ...rehearsalLead(outcome),
      text`Nothing was changed in ${code(where)}. ${made.length === 0 ? "No builder would be started." : `${countOf(made.length, "image")} would be made.`} Each would get ${list(tags.map(code))}.`,
      "Not checked: whether these credentials may push.",
    ],
    sections: [],
  };
}

function plannedSentence({
  name,
  would,
  why,
  builder,
}: Pick<PlannedImage, "name" | "would" | "why"> & { builder: string | undefined }): Text {
  const by = would === "be built" && builder !== undefined ? ` by ${builder}` : "";
  return text`${name} would ${would}${by}: ${[...why]}`;
}

function tagsText(tags: readonly SetTag[]): Text {
  const names = [...new Set(tags.map(({ tag }) => tag))];
  const isNew = tags.some(({ state }) => state !== "unchanged");
  return text`${names.length === 1 ? "Tag" : "Tags"} ${list(names.map(code))} ${isNew ? "set on every image" : "were set already"}.`;
}

function rehearsalLead({ rehearsal }: Outcome): readonly Text[] {
  return rehearsal ? ["Rehearsal: the folder of the images is gone with this job. Set `registry` to keep them."] : [];
}

function outputOf({ ref, digest, key, how, why, seconds, bytes }: ReleasedImage) {
  return { ref, digest, key, how, why: plainText(why), seconds, bytes };
}

function recordOf({ ref, digest, key, how, bases }: ReleasedImage): RecordedImage {
  return {
    ref,
    digest,
    key,
    how,
    ...(bases.length === 0 ? {} : { bases: bases.map(({ ref: base, digest: is }) => ({ ref: base, digest: is })) }),
  };
}

function sentences(parts: readonly Text[]): Text {
  return parts.flatMap((part, i): readonly Span[] => (i === 0 ? spansOf(part) : [". ", ...spansOf(part)]));
}

function list(items: readonly Text[]): Text {
  return items.flatMap((item, i): readonly Span[] => (i === 0 ? spansOf(item) : [", ", ...spansOf(item)]));
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
