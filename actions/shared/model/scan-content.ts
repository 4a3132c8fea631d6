import { posix } from "node:path";
import { createGunzip, createInflate } from "node:zlib";
import type { ScanFinding } from "../domain/model-scan.ts";
import type { ByteSource } from "../ports/source-file.ts";
import { sliceSource } from "./byte-source.ts";
import { type Allowance, type Content, decodedContent, sourceContent } from "./content.ts";
import { scanKerasConfig, searchKerasConfig } from "./keras.ts";
import { KIND_BYTES, type Kind, kindOf } from "./kind.ts";
import { isModestJson } from "./modest-json.ts";
import { readNpyHeader } from "./npy.ts";
import { whyBroken } from "./pickle/break-off.ts";
import type { PickleHome } from "./pickle/imports.ts";
import { type PickleScan, scanPickle } from "./pickle/scan-pickle.ts";
import { readTar } from "./tar.ts";
import { memberContent, readZip, type Zip } from "./zip.ts";

export type ContentScan = {
  readonly findings: readonly ScanFinding[];
  /** What the file is, where its content says it. */
  readonly format?: string;
};

export type ScanSettings = { readonly allowed: readonly string[]; readonly signal?: AbortSignal | undefined };

/** Archives in archives. */
const MAX_DEPTH = 3;
/** What is decompressed of one file for its scan, all members together. */
const MAX_DECOMPRESSED_BYTES = 4 * 1024 ** 3;
/** Of all archives in one file. */
const MAX_MEMBERS = 200_000;
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
/** So many are told of one file: whoever needs more has seen enough. */
const MAX_FINDINGS = 1_000;
/** So many sound opcodes in a row are no accident. */
const SURE_OPCODES = 16;

const PICKLE_NAME = /\.(pkl|pickle|joblib|dill|debug_pkl)(\.(gz|z|bz2|xz|lzma|lz4|zst))?$/i;
/** Loaders of these look for an archive at the end of a file, whatever comes before. */
const ARCHIVE_NAME = /\.(keras|npz|zip)$/i;

/** Where bytes lie: the file of the model, and the way through archives in it. */
type Place = { readonly file: string; readonly members: readonly string[]; readonly home: PickleHome };

/** Looks into the bytes of a file and of everything in it, by what they are and not by their names. Nothing is run. */
export async function scanContent(file: string, content: Content, settings: ScanSettings): Promise<ContentScan> {
  const allowance: Allowance = { bytes: MAX_DECOMPRESSED_BYTES };
  let membersLeft = MAX_MEMBERS;
  return await scan(content, { file, members: [], home: "plain" });

  async function scan(bytes: Content, place: Place): Promise<ContentScan> {
    settings.signal?.throwIfAborted();
    const kind = await sniff(bytes);
    if (kind !== undefined && kind !== "zip" && ARCHIVE_NAME.test(place.members.at(-1) ?? file))
      return { findings: [danger(place, "it is named as a zip archive and does not begin as one")] };
    if (typeof kind === "object")
      return {
        findings: [
          danger(
            place,
            `it is compressed with ${kind.packed}, which is not undone for a scan: save it with gzip or zlib, or as it is`,
          ),
        ],
      };
    switch (kind) {
      case undefined:
        return isNamedPickle(place) ? { findings: [danger(place, "it cannot be decompressed")] } : { findings: [] };
      case "zip":
        return bytes.source === undefined
          ? { findings: [danger(place, "an archive inside of something compressed is not looked into")] }
          : await scanZip(await readZip(bytes.source), { ...bytes, source: bytes.source }, place);
      case "gzip":
      case "zlib":
        return await scanPacked(bytes, kind, place);
      case "tar":
        return bytes.source === undefined
          ? { findings: [danger(place, "a tar archive inside of something compressed is not looked into: unpack it")] }
          : await scanTar(bytes.source, place);
      case "torch":
        return { findings: await scanPickles(bytes, { ...place, home: "torch" }, "sure"), format: "torch" };
      case "pickle": {
        const isSure = place.members.length === 0 || isNamedPickle(place);
        return { findings: await scanPickles(bytes, place, isSure ? "sure" : "begins so"), format: "pickle" };
      }
      case "npy":
        return { findings: await scanNpy(bytes, place), format: "npy" };
      case "hdf5":
        return {
          findings: (await bytes.read(searchKerasConfig)).map((found) => ({ ...placed(place), ...found })),
          format: "hdf5",
        };
      case "safetensors":
      case "gguf":
        return { findings: [], format: kind };
      case "other": {
        const isNamed = isNamedPickle(place);
        const findings = await scanPickles(bytes, place, isNamed ? "sure" : "perhaps");
        return isNamed ? { findings, format: "pickle" } : { findings };
      }
    }
  }

  async function scanPacked(bytes: Content, kind: "gzip" | "zlib", place: Place): Promise<ContentScan> {
    if (bytes.source === undefined || place.members.length >= MAX_DEPTH)
      return { findings: [danger(place, "compressed more often than is looked into")] };
    const decoder = kind === "gzip" ? createGunzip : createInflate;
    return await scan(decodedContent(bytes.source, decoder, allowance), place);
  }

  async function scanZip(zip: Zip, archive: Required<Content>, place: Place): Promise<ContentScan> {
    const findings = zip.problems.map((problem) => danger(place, `two readers could see two archives: ${problem}`));
    const format = formatOfZip(zip);
    const home = format === "torchscript" || format === "torch" ? format : place.home;
    if (place.members.length >= MAX_DEPTH)
      return { findings: [danger(place, "archives nested deeper than is looked into")] };
    for (const member of zip.members) {
      if (membersLeft-- <= 0) return { findings: [...findings, danger(place, "more members than are looked into")] };
      const inside = { ...place, members: [...place.members, member.name], home };
      const content = memberContent(archive.source, member, allowance);
      if (content === undefined) continue;
      if (format === "keras" && member.name === "config.json") findings.push(...(await scanConfig(content, inside)));
      findings.push(...(await scan(content, inside)).findings);
      if (findings.length > MAX_FINDINGS) return { findings: firstOf(findings, place), format };
    }
    return { findings, format };
  }

  async function scanTar(source: ByteSource, place: Place): Promise<ContentScan> {
    const { members, problems } = await readTar(source);
    const findings = problems.map((problem) => danger(place, `the archive is not plain: ${problem}`));
    if (place.members.length >= MAX_DEPTH)
      return { findings: [danger(place, "archives nested deeper than is looked into")] };
    for (const { name, at, size } of members) {
      if (membersLeft-- <= 0) return { findings: [...findings, danger(place, "more members than are looked into")] };
      const inside = { ...place, members: [...place.members, name] };
      findings.push(...(await scan(sourceContent(sliceSource(source, at, size)), inside)).findings);
      if (findings.length > MAX_FINDINGS) return { findings: firstOf(findings, place), format: "tar" };
    }
    return { findings, format: "tar" };
  }

  async function scanNpy(bytes: Content, place: Place): Promise<readonly ScanFinding[]> {
    return await bytes.read(async (reader) => {
      const header = await readNpyHeader(reader);
      if (header.state === "malformed") return [danger(place, `its header is not numpy's: ${header.why}`)];
      if (header.state === "numbers") return [];
      return findingsOf(
        await scanPickle(reader, { rules: { home: "plain", allowed: settings.allowed }, signal: settings.signal }),
        place,
      );
    });
  }

  async function scanPickles(
    bytes: Content,
    place: Place,
    certainty: "sure" | "begins so" | "perhaps",
  ): Promise<readonly ScanFinding[]> {
    const { home } = place;
    const rules = { home, allowed: settings.allowed };
    const found = await bytes.read((reader) => scanPickle(reader, { rules, signal: settings.signal }));
    return isPickle(found, certainty) ? findingsOf(found, place) : [];
  }

  async function sniff(bytes: Content): Promise<Kind | undefined> {
    try {
      return kindOf(await bytes.read((reader) => reader.peek(KIND_BYTES)));
    } catch (error) {
      if (whyBroken(error) === undefined) throw error;
      return undefined;
    }
  }
}

/** Whether bytes of which that was not sure are a pickle: whole, or far enough into one to do something. */
function isPickle(scan: PickleScan, certainty: "sure" | "begins so" | "perhaps"): boolean {
  if (certainty === "sure" || scan.broken === undefined) return true;
  if (scan.imports.some(({ level }) => level === "dangerous")) return true;
  if (scan.imports.length > 0 && scan.calls > 0) return true;
  return certainty === "begins so" && scan.opcodes > SURE_OPCODES;
}

function findingsOf({ imports, doubts, broken }: PickleScan, place: Place): readonly ScanFinding[] {
  const where = placed(place);
  return [
    ...imports.flatMap(({ level, path, at, opcode }): readonly ScanFinding[] => {
      if (level === "data") return [];
      if (level === "dangerous")
        return [
          { ...where, level: "dangerous", at, opcode, import: path, why: "which can run commands, files or code" },
        ];
      return [
        { ...where, level: "code-bearing", at, opcode, import: path, why: "which is not known to be plain data" },
      ];
    }),
    ...doubts.map(({ at, opcode, why }): ScanFinding => ({ ...where, level: "dangerous", at, opcode, why })),
    ...(broken === undefined
      ? []
      : [
          {
            ...where,
            level: "dangerous" as const,
            at: broken.at,
            ...(broken.opcode === undefined ? {} : { opcode: broken.opcode }),
            why: `it is no whole pickle: ${broken.why}`,
          },
        ]),
  ];
}

async function scanConfig(content: Content, place: Place): Promise<readonly ScanFinding[]> {
  const chunks: Uint8Array[] = [];
  const isWhole = await content.read(async (reader) => {
    for (let bytes = 0; await reader.ensure(1); ) {
      const chunk = Buffer.from(reader.take((await reader.peek(64 * 1024)).length));
      bytes += chunk.length;
      if (bytes > MAX_CONFIG_BYTES) return false;
      chunks.push(chunk);
    }
    return true;
  });
  const config = Buffer.concat(chunks);
  if (!isWhole || !isModestJson(config))
    return [danger(place, "the config of a Keras model is too large to look into")];
  return scanKerasConfig(config.toString("utf8")).map((found) => ({ ...placed(place), ...found }));
}

/** What lies behind them is not looked into, so that it cannot be told. */
function firstOf(findings: readonly ScanFinding[], place: Place): readonly ScanFinding[] {
  return [...findings.slice(0, MAX_FINDINGS), danger(place, "more to tell of than is told")];
}

function formatOfZip({ members }: Zip): string {
  const names = members.map(({ name }) => name);
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (names.includes("config.json") && has(/^model\.weights\.(h5|npz)$/)) return "keras";
  if (has(/(^|\/)data\.pkl$/)) return has(/(^|\/)(code\/|constants\.pkl$)/) ? "torchscript" : "torch";
  return names.length > 0 && names.every((name) => name.endsWith(".npy")) ? "npz" : "zip";
}

function isNamedPickle({ file, members }: Place): boolean {
  return PICKLE_NAME.test(posix.basename(members.at(-1) ?? file));
}

function placed({ file, members }: Place): Pick<ScanFinding, "file" | "member"> {
  return { file, ...(members.length === 0 ? {} : { member: members.join(" > ") }) };
}

function danger(place: Place, why: string): ScanFinding {
  return { ...placed(place), level: "dangerous", why };
}
