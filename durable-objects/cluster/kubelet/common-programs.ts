/**
 * Programs that more than one image has and that decide how long a container lives or what it listens to: sleep, tail,
 * sh, the small servers people put into a command.
 */
import { servesDeclaredPorts } from "./images/any-image.ts";
import { goNotFound, type Handler, httpListener, type Make, type Reply, typeOfFile } from "./images/http-server.ts";
import { exits, type Invocation, type Program, type Runs } from "./process.ts";
import { readScript } from "./script.ts";

const forever: Runs = { does: "run" };

const unitMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const sleep: Program = ({ argv }) => {
  let ms = 0;
  for (const word of argv.slice(1)) {
    if (word === "infinity" || word === "inf") return forever;
    const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(word);
    if (!match) return exits(1, [`sleep: invalid number '${word}'`]);
    ms += Number(match[1]) * (unitMs[match[2] || "s"] as number);
  }
  return argv.length < 2 ? exits(1, ["sleep: missing operand"]) : exits(0, [], ms);
};

const tail: Program = ({ argv }) => (argv.some((word) => /^-[a-zA-Z]*[fF]/.test(word)) ? forever : exits(0));

/** Waits for input where the container has one. */
const readsInput: Program = ({ container }) => (container.stdin ? forever : exits(0));

const missingFile = (program: string, path: string): string => `${program}: can't open '${path}': No such file or directory`;

const cat: Program = (invocation) => {
  const paths = invocation.argv.slice(1).filter((word) => !word.startsWith("-"));
  if (paths.length === 0) return readsInput(invocation);
  const missing = paths.filter((path) => invocation.readFile(path) === undefined);
  const lines = paths.flatMap((path) => {
    const bytes = invocation.readFile(path);
    return bytes ? new TextDecoder().decode(bytes).replace(/\n$/, "").split("\n") : [missingFile("cat", path)];
  });
  return exits(missing.length > 0 ? 1 : 0, lines);
};

/** `test -f FILE` and its like; what it cannot tell is true. */
const test: Program = ({ argv, readFile }) => {
  const words = argv.slice(1).filter((word) => word !== "]");
  const isNegated = words[0] === "!";
  const [operator, operand = ""] = isNegated ? words.slice(1) : words;
  const known = operator === "-f" || operator === "-e" || operator === "-s" || operator === "-r" ? readFile(operand) !== undefined : true;
  return exits(known === isNegated ? 1 : 0);
};

/** A server that only accepts connections. */
const accepts = (protocol: "TCP" | "UDP", port: number): Runs => ({ does: "run", listeners: () => [{ protocol, port }] });

const nc: Program = ({ argv, runTool }) => {
  const words = argv.slice(1);
  const isListening = words.some((word) => /^-[a-zA-Z]*l/.test(word));
  const port = Number(words.find((word) => /^\d+$/.test(word)));
  if (!isListening || !(port > 0)) return runTool(argv) ?? exits(1);
  return accepts(words.some((word) => /^-[a-zA-Z]*u/.test(word)) ? "UDP" : "TCP", port);
};

/** Serves the files below a folder, `index.html` for a folder. */
export const fileHandler =
  (readFile: Invocation["readFile"], root: string, notFound: Reply): Handler =>
  (request) => {
    const path = `${root.replace(/\/$/, "")}${decodeURIComponent(request.pathname)}`;
    const file = path.endsWith("/") ? `${path}index.html` : path;
    const bytes = readFile(file);
    return bytes ? { type: typeOfFile(file), body: bytes } : notFound;
  };

const servesFiles = (port: number, root: string, make: Make): Runs => ({
  does: "run",
  listeners: (container) => [httpListener(container, port, make, fileHandler(container.readFile, root, goNotFound))],
});

const optionAfter = (argv: readonly string[], option: string): string | undefined => {
  const at = argv.indexOf(option);
  return at < 0 ? undefined : argv[at + 1];
};

/** busybox httpd: in the foreground it is the container's process, else it goes on behind it. */
const busyboxHttpd: Program = ({ argv }) => {
  const port = Number((optionAfter(argv, "-p") ?? "80").split(":").at(-1));
  return servesFiles(port, optionAfter(argv, "-h") ?? "/", "go");
};

/** `python -m http.server`; another Python program is taken to serve what the pod declares. */
const python: Program = ({ argv }) => {
  const module = optionAfter(argv, "-m");
  if (module !== "http.server") return servesDeclaredPorts;
  const port = Number(argv.slice(argv.indexOf(module)).find((word) => /^\d+$/.test(word)) ?? 8000);
  return servesFiles(port, optionAfter(argv, "-d") ?? "/", "go");
};

const shell: Program = (invocation) => {
  const { argv, container, start } = invocation;
  const flag = argv.findIndex((word, at) => at > 0 && /^-[a-z]*c[a-z]*$/.test(word));
  if (flag >= 0) return readScript(argv[flag + 1] ?? "", start);
  const file = argv.slice(1).find((word) => !word.startsWith("-"));
  if (file === undefined) return container.stdin ? forever : exits(0);
  const script = invocation.readFile(file);
  return script
    ? readScript(new TextDecoder().decode(script), start)
    : exits(2, [`${argv[0]}: can't open '${file}': No such file or directory`]);
};

const echo: Program = ({ argv }) =>
  exits(0, [
    argv
      .slice(1)
      .filter((word, at) => at > 0 || !/^-[neE]+$/.test(word))
      .join(" "),
  ]);

export const commonPrograms: Readonly<Record<string, Program>> = {
  sleep,
  tail,
  cat,
  test,
  "[": test,
  nc,
  echo,
  printf: echo,
  sh: shell,
  bash: shell,
  ash: shell,
  httpd: busyboxHttpd,
  python,
  python3: python,
  true: () => exits(0),
  ":": () => exits(0),
  false: () => exits(1),
  date: () => exits(0, ["$(date)"]),
  top: () => forever,
  watch: () => forever,
  busybox: ({ argv, start }) => start(argv.slice(1)),
  tini: ({ argv, start }) => start(argv.slice(argv.indexOf("--") + 1 || 1)),
  env: ({ argv, start }) => start(argv.slice(1).filter((_, at, all) => !all.slice(0, at + 1).every((before) => before.includes("=")))),
};
