/** `GET /version`. The build metadata behind the `+` tells that this is no real cluster, and no client minds it. */
export const gitVersion = "v1.36.2+kubearium";

export const versionDocument = {
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "linux/amd64",
} as const;
