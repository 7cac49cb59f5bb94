import { describe, expect, it } from "vitest";
import { readAll } from "../../cluster/kubelet/shell/command.ts";
import type { Socket } from "../sandbox.ts";
import { type Ending, serveRemoteCommand } from "./remote-command.ts";

class FakeSocket implements Socket {
  readonly sent: [channel: number, text: string][] = [];
  closed: number | undefined;
  #message: (data: Uint8Array) => void = () => {};
  #close: () => void = () => {};
  buffered = 0;

  send(data: string | Uint8Array): void {
    const bytes = Buffer.from(data as Uint8Array);
    this.sent.push([bytes[0] as number, bytes.subarray(1).toString()]);
  }
  close(code?: number): void {
    this.closed = code;
  }
  onMessage(handler: (data: string | Uint8Array) => void): void {
    this.#message = handler;
  }
  onClose(handler: () => void): void {
    this.#close = handler;
  }
  bufferedBytes(): number {
    return this.buffered;
  }
  say(channel: number, text: string | Uint8Array): void {
    this.#message(Buffer.concat([Buffer.from([channel]), Buffer.from(text as string)]));
  }
  leave(): void {
    this.#close();
  }
}

const all = { protocol: "v5.channel.k8s.io", stdin: true, stdout: true, stderr: true, tty: false };
const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);
const noDelay = async (): Promise<void> => {};

describe("serveRemoteCommand", () => {
  it("carries input, output and the end", async () => {
    const socket = new FakeSocket();
    const served = serveRemoteCommand(socket, all, noDelay, async ({ stdin, out, err }) => {
      out(await readAll(stdin!));
      err(text("done\n"));
      return { exitCode: 0 };
    });
    socket.say(0, "hello ");
    socket.say(0, "world\n");
    socket.say(255, Uint8Array.of(0));
    await served;
    expect([socket.sent, socket.closed]).toEqual([
      [
        [1, ""],
        [1, "hello world\n"],
        [2, "done\n"],
        [3, '{"metadata":{},"status":"Success"}'],
      ],
      1000,
    ]);
  });

  it.each<{ name: string; ending: Ending; status: object }>([
    {
      name: "an exit code",
      ending: { exitCode: 7 },
      status: {
        metadata: {},
        status: "Failure",
        message: "command terminated with non-zero exit code: exit status 7",
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message: "7" }] },
      },
    },
    {
      name: "a program that could not be started",
      ending: { error: "no such thing" },
      status: {
        metadata: {},
        status: "Failure",
        message: "Internal error occurred: no such thing",
        reason: "InternalError",
        details: { causes: [{ message: "no such thing" }] },
        code: 500,
      },
    },
  ])("reports $name as a Status", async ({ ending, status }) => {
    const socket = new FakeSocket();
    await serveRemoteCommand(socket, { ...all, stdin: false, stderr: false }, noDelay, async () => ending);
    expect(JSON.parse(socket.sent.at(-1)?.[1] ?? "")).toEqual(status);
  });

  it("puts everything on one channel of a terminal, whose size follows the client's", async () => {
    const socket = new FakeSocket();
    await serveRemoteCommand(socket, { ...all, tty: true }, noDelay, async ({ terminal, out, err }) => {
      socket.say(4, '{"Width":120,"Height":40}');
      socket.say(4, "not a size");
      out(text(`${terminal?.columns}x${terminal?.rows}\n`));
      err(text("oh\n"));
      return { exitCode: 0 };
    });
    expect(socket.sent.slice(0, -1)).toEqual([
      [1, ""],
      [1, "120x40\r\n"],
      [1, "oh\r\n"],
    ]);
  });

  it("tells the command that the client has gone, and sends nothing more", async () => {
    const socket = new FakeSocket();
    await serveRemoteCommand(socket, all, noDelay, async ({ stdin, signal, out }) => {
      socket.leave();
      expect(await readAll(stdin!)).toEqual(new Uint8Array());
      out(text("too late"));
      return { exitCode: signal.aborted ? 130 : 0 };
    });
    expect([socket.sent, socket.closed]).toEqual([[[1, ""]], undefined]);
  });

  it("gives up a client that reads too slowly", async () => {
    const socket = new FakeSocket();
    await serveRemoteCommand(socket, all, noDelay, async ({ signal, out }) => {
      socket.buffered = 5 * 1024 * 1024;
      out(text("x"));
      expect(signal.aborted).toBe(true);
      return { exitCode: 0 };
    });
    expect(socket.sent.map(([channel]) => channel)).toEqual([1, 1]);
  });
});
