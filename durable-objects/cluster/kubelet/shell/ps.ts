/** ps: the container's first process, and the ps itself. */
import { argvOf } from "../container-process.ts";
import type { Tool } from "./tool.ts";

export const ps: Tool = ({ argv, place, env, out }) => {
  const first = argvOf(place.container, place.image, env).join(" ") || "sh";
  const own = argv.join(" ");
  const user = place.image.user?.name ?? "root";
  if (place.image.userland.flavours.ps === "busybox") {
    out("PID   USER     TIME  COMMAND\n");
    out(`    1 ${user.padEnd(8)}  0:00 ${first}\n`);
    out(`   12 ${user.padEnd(8)}  0:00 ${own}\n`);
    return 0;
  }
  out("    PID TTY          TIME CMD\n");
  out(`      1 ?        00:00:00 ${first.split(" ")[0]}\n`);
  out("     12 ?        00:00:00 ps\n");
  return 0;
};
