/** What a check run shows. */
export type CheckText = {
  readonly title: string;
  readonly summary: string;
  /** Absent where the report has no sections. */
  readonly text?: string;
  readonly annotations: readonly CheckAnnotation[];
};

/** The fields of GitHub's API; 50 are taken by a request. */
export type CheckAnnotation = {
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly annotation_level: "failure" | "warning" | "notice";
  readonly message: string;
};
