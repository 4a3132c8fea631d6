import type { Digest } from "../shared/domain/digest.ts";
import type { Finding, Span } from "../shared/domain/report.ts";

export type Base = { readonly ref: string; readonly digest: Digest };

/** One image that every reader can have by its digest. */
export type ReleasedImage = {
  readonly name: string;
  readonly ref: string;
  readonly digest: Digest;
  readonly key: string;
  readonly how: "built" | "appended" | "reused";
  /** Of what made it: `docker 20.10.24`. Nothing where it was reused. */
  readonly builder?: string;
  /** The release that the image is from, where that is known: of a reused one an earlier one. */
  readonly from: string;
  /** No release before had this image. */
  readonly isFirst: boolean;
  readonly why: readonly Span[];
  readonly seconds: number;
  /** As it is stored: layers packed, configuration and all. */
  readonly bytes: number;
  /** Sent to the store now. */
  readonly bytesWritten: number;
  readonly bases: readonly Base[];
};

export type PlannedImage = {
  readonly name: string;
  readonly repository: string;
  readonly key: string;
  readonly would: "be built" | "be appended" | "be reused";
  readonly builder?: string;
  readonly why: readonly Span[];
};

/** One tag of one image as it was set. */
export type SetTag = {
  readonly image: string;
  readonly tag: string;
  readonly state: "created" | "moved" | "unchanged";
};

export type Outcome = {
  readonly findings: readonly Finding[];
  /** Gone with the job: a folder on a machine that does not stay. */
  readonly rehearsal: boolean;
  readonly where: string;
} & (
  | {
      readonly state: "released";
      readonly images: readonly ReleasedImage[];
      readonly tags: readonly SetTag[];
      readonly seconds: number;
    }
  | { readonly state: "planned"; readonly images: readonly PlannedImage[]; readonly tags: readonly string[] }
);
