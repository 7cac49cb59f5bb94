/** stty and tty, as far as they tell about the terminal: its size and whether there is one. */
import type { Tool } from "./tool.ts";

export const stty: Tool = ({ argv, terminal, out, err }) => {
  if (!terminal) {
    err("stty: standard input: Not a tty\n");
    return 1;
  }
  const { rows, columns } = terminal;
  switch (argv[1]) {
    case "size":
      out(`${rows} ${columns}\n`);
      return 0;
    case undefined:
      out("speed 38400 baud; line = 0;\n-brkint -imaxbel\n");
      return 0;
    case "-a":
      out(`speed 38400 baud; rows ${rows}; columns ${columns}; line = 0;\n`);
      return 0;
    default:
      return 0;
  }
};

export const tty: Tool = ({ terminal, out }) => {
  out(terminal ? "/dev/pts/0\n" : "not a tty\n");
  return terminal ? 0 : 1;
};
