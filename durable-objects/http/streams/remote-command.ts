/**
 * exec and attach over a WebSocket: each message carries a channel in its first byte (0 stdin, 1 stdout, 2 stderr,
 * 3 the final status, 4 the terminal's size; from v5 on 255 closes a channel).
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/ (pods/exec), client-go `remotecommand` for the protocol names
 */
import type { CommandStreams } from "../../cluster/kubelet/shell/command.ts";
import type { Socket } from "../sandbox.ts";

export const remoteCommandProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** A client that reads slowly is waited for no longer than this many bytes. */
const slowReaderBytes = 4 * 1024 * 1024;

export interface RemoteOptions {
  protocol: string;
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** How a session ended: the Status that goes out on channel 3. */
export type Ending = { exitCode: number } | { error: string };

/**
 * Connects a command to the socket and closes it with the command's status.
 *
 * @param run gets the streams; what it throws is our bug and ends the socket
 */
export async function serveRemoteCommand(
  socket: Socket,
  options: RemoteOptions,
  delay: CommandStreams["delay"],
  run: (streams: CommandStreams) => Promise<Ending>,
): Promise<void> {
  const gone = new AbortController();
  const input = new InputQueue();
  const terminal = options.tty ? { columns: 80, rows: 24 } : undefined;
  socket.onClose(() => {
    gone.abort();
    input.close();
  });
  socket.onMessage((data) => {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const [channel] = bytes;
    const content = bytes.subarray(1);
    if (channel === channels.stdin) input.push(content);
    else if (channel === channels.close && content[0] === channels.stdin) input.close();
    else if (channel === channels.resize && terminal) Object.assign(terminal, sizeFrom(content) ?? {});
  });
  const send = (channel: number, content: Uint8Array): void => {
    if (gone.signal.aborted) return;
    const frame = new Uint8Array(content.length + 1);
    frame[0] = channel;
    frame.set(content, 1);
    socket.send(frame);
    if (socket.bufferedBytes() > slowReaderBytes) gone.abort();
  };
  const out = (data: Uint8Array): void => {
    if (options.stdout) send(channels.stdout, options.tty ? withCarriageReturns(data) : data);
  };
  const err = (data: Uint8Array): void => {
    if (options.tty) out(data);
    else if (options.stderr) send(channels.stderr, data);
  };
  // An empty message tells the client that the session stands.
  if (options.stdout) send(channels.stdout, new Uint8Array());
  const ending = await run({
    out,
    err,
    delay,
    signal: gone.signal,
    ...(options.stdin ? { stdin: input } : {}),
    ...(terminal ? { terminal } : {}),
  });
  send(channels.status, new TextEncoder().encode(JSON.stringify(statusOf(ending))));
  if (!gone.signal.aborted) socket.close(1000);
}

/** As the container runtime words it for the kubelet. */
function statusOf(ending: Ending): object {
  if ("error" in ending) {
    const message = ending.error;
    const details = { causes: [{ message }] };
    return { metadata: {}, status: "Failure", message: `Internal error occurred: ${message}`, reason: "InternalError", details, code: 500 };
  }
  if (ending.exitCode === 0) return { metadata: {}, status: "Success" };
  return {
    metadata: {},
    status: "Failure",
    message: `command terminated with non-zero exit code: exit status ${ending.exitCode}`,
    reason: "NonZeroExitCode",
    details: { causes: [{ reason: "ExitCode", message: String(ending.exitCode) }] },
  };
}

function sizeFrom(content: Uint8Array): { columns: number; rows: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(new TextDecoder().decode(content)) as { Width?: unknown; Height?: unknown };
    return typeof Width === "number" && typeof Height === "number" && Width > 0 ? { columns: Width, rows: Height } : undefined;
  } catch {
    // A size that cannot be read leaves the terminal as it is.
    return undefined;
  }
}

/** What a terminal makes of a line feed. */
function withCarriageReturns(data: Uint8Array): Uint8Array {
  const feeds = data.reduce((count, byte) => count + (byte === 10 ? 1 : 0), 0);
  if (feeds === 0) return data;
  const result = new Uint8Array(data.length + feeds);
  let at = 0;
  for (const byte of data) {
    if (byte === 10) result[at++] = 13;
    result[at++] = byte;
  }
  return result;
}

/** Input that has come and was not read yet. One reader. */
export class InputQueue implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isClosed = false;
  #wake: (() => void) | undefined;

  push(chunk: Uint8Array): void {
    if (this.#isClosed || chunk.length === 0 || this.#bytes > slowReaderBytes) return;
    this.#chunks.push(chunk.slice());
    this.#bytes += chunk.length;
    this.#wake?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#bytes -= chunk.length;
        yield chunk;
      } else if (this.#isClosed) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
