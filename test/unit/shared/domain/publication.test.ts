import { describe, expect, test } from "vitest";
import { type Publication, withPublications } from "../../../../actions/shared/domain/publication.ts";
import type { Conclusion } from "../../../../actions/shared/domain/report.ts";
import { renderSummary } from "../../../../actions/shared/render/summary.ts";

const conclusion: Conclusion = {
  report: { tone: "good", headline: "digits 1.1.0 registered", lead: ["It lies there."], sections: [], findings: [] },
  outputs: {},
  succeeded: true,
};
const hub = { kind: "kubeflow", name: "the model registry of Kubeflow", address: "https://hub.test" } as const;
const mlflow = { kind: "mlflow", name: "MLflow", address: "https://mlflow.test" } as const;
const failed: Publication = {
  ...mlflow,
  state: "failed",
  problems: [{ rule: "MLflow refused the credentials", saw: "401: <b>no</b>", hint: "set `mlflow-token`" }],
};

test("a catalog that was told changes nothing of a conclusion but a section", () => {
  const told: Publication = {
    ...hub,
    state: "created",
    ids: { model: "1", version: "2" },
    url: "https://hub.test/m/1",
  };
  const { report, succeeded } = withPublications(conclusion, { publications: [told], onPublishFailure: "fail" });
  expect(succeeded).toBe(true);
  expect({ ...report, sections: [] }).toEqual(conclusion.report);
  expect(renderSummary(report)).toContain(
    "- the model registry of Kubeflow at `https://hub.test` shows it since now: model `1`, version `2` ([page](<https://hub.test/m/1>))",
  );
});

describe("a catalog that could not be told", () => {
  test("fails the step where it must be told, and says what to do", () => {
    const { report, succeeded } = withPublications(conclusion, { publications: [failed], onPublishFailure: "fail" });
    expect(succeeded).toBe(false);
    expect(report.tone).toBe("bad");
    const summary = renderSummary(report);
    expect(summary).toContain("digits 1.1.0 registered; MLflow could not be told");
    expect(summary).toContain(
      "The store has all of it. Next: run this step again, which tells MLflow what is missing there.",
    );
    expect(summary).not.toContain("<b>");
    expect(report.findings).toMatchObject([{ level: "error", message: expect.stringContaining("set `mlflow-token`") }]);
  });

  test("is a warning where it may be left out", () => {
    const { report, succeeded } = withPublications(conclusion, { publications: [failed], onPublishFailure: "warn" });
    expect(succeeded).toBe(true);
    expect(report.tone).toBe("good");
    expect(report.headline).toBe("digits 1.1.0 registered");
    expect(report.findings).toMatchObject([{ level: "warning" }]);
  });

  test("makes no success of a failure", () => {
    const red = { ...conclusion, succeeded: false };
    expect(withPublications(red, { publications: [failed], onPublishFailure: "warn" }).succeeded).toBe(false);
  });
});

test("where there is no catalog, nothing is said", () => {
  expect(withPublications(conclusion, { publications: [], onPublishFailure: "fail" })).toBe(conclusion);
});
