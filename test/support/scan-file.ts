import { formatScanFinding, verdictOf } from "../../actions/shared/domain/model-scan.ts";
import { bytesSource } from "../../actions/shared/model/byte-source.ts";
import { sourceContent } from "../../actions/shared/model/content.ts";
import { scanContent } from "../../actions/shared/model/scan-content.ts";

/** What a file of a model comes to: its format, the verdict, and each finding in a line. */
export async function scanFile(name: string, bytes: Uint8Array, allowed: readonly string[] = []) {
  const { format, findings } = await scanContent(name, sourceContent(bytesSource(bytes)), { allowed });
  return { format, verdict: verdictOf(findings), said: findings.map(formatScanFinding) };
}
