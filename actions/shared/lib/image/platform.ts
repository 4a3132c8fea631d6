import { arch } from "node:os";

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64", arm: "arm", ia32: "386" };

/** What images of this machine are for: `linux/amd64`. */
export function hostPlatform(): string {
  return `linux/${ARCHITECTURES[arch()] ?? arch()}`;
}
