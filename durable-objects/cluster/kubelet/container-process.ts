/** Finds what a container's command, its arguments and its image come to. */
import type { Container } from "../api/objects.ts";
import { commonPrograms } from "./common-programs.ts";
import { type Environment, expanded } from "./environment.ts";
import { parseImageReference } from "./image-reference.ts";
import { servesDeclaredPorts } from "./images/any-image.ts";
import { imageOf } from "./images/catalog.ts";
import type { Image } from "./images/image.ts";
import { type Invocation, type Process, programName, type ReadFile, type RunTool } from "./process.ts";

/** The words that the runtime starts: `command` replaces the image's entrypoint and its arguments, `args` only the latter. */
export function argvOf(container: Container, image: Image, env: Readonly<Environment>): string[] {
  const command = container.command ?? [];
  const args = container.args ?? [];
  const head = command.length > 0 ? command : image.entrypoint;
  const rest = args.length > 0 ? args : command.length > 0 ? [] : image.cmd;
  return [...head, ...rest].map((word) => expanded(word, env));
}

/** What the container's first process does. */
export const processOf = (container: Container, env: Readonly<Environment>, readFile: ReadFile, runTool: RunTool): Process => {
  const image = imageOf(parseImageReference(container.image ?? ""));
  return startIn(container, argvOf(container, image, env), env, readFile, runTool);
};

/** What another command in the container would do; for probes and hooks that run one. */
export function startIn(
  container: Container,
  argv: readonly string[],
  env: Readonly<Environment>,
  readFile: ReadFile,
  runTool: RunTool,
): Process {
  const reference = parseImageReference(container.image ?? "");
  const image = imageOf(reference);
  const invocation = (words: readonly string[]): Invocation => ({ argv: words, env, reference, container, readFile, runTool, start });
  const start = (words: readonly string[]): Process => {
    const name = programName(words[0] ?? "");
    const program = image.programs?.[name] ?? (hasTool(image, name) ? commonPrograms[name] : undefined);
    if (program) return program(invocation(words));
    if (image.names.length === 0 && !hasTool(image, name)) return servesDeclaredPorts;
    if (hasTool(image, name)) return runTool(words) ?? { does: "exit", afterMs: 0, code: 0 };
    return { does: "not-found", program: words[0] ?? "" };
  };
  return start(argv);
}

const builtins = new Set([":", "httpd", "watch", "tini", "python", "python3", "busybox"]);

/** Small servers are part of busybox; Python only of images that the catalog does not know. */
function hasTool({ userland, names }: Image, name: string): boolean {
  if (userland.tools.has(name)) return true;
  if (names.length === 0) return builtins.has(name) || userland.tools.has(name);
  return userland.tools.size > 0 && (name === ":" || (userland.tools.has("busybox") && (name === "httpd" || name === "watch")));
}
