/**
 * Runs inside one network namespace of `kernel-lab.ts`: listens where it is told to and sends what it is told to send.
 * One JSON object a line comes in on stdin, one goes out on stdout.
 *
 * A server answers with the address it was reached at and the address it saw, so that the sender learns both.
 */
import { execFile } from "node:child_process";
import dgram from "node:dgram";
import net from "node:net";
import readline from "node:readline";

const reply = (id, answer) => process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`);
const plain = (ip) => ip.replace(/^::ffff:/, "");

function listenTCP({ ip, port }) {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.end(`${plain(socket.localAddress)}:${socket.localPort} ${plain(socket.remoteAddress)}`);
  });
  return new Promise((resolve, reject) => server.once("error", reject).listen(port, ip, 1024, resolve));
}

function listenUDP({ ip, port }) {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (_, peer) => socket.send(`${ip}:${port} ${peer.address}`, peer.port, peer.address));
  return new Promise((resolve, reject) => socket.once("error", reject).bind(port, ip, resolve));
}

const refusals = new Set(["ECONNREFUSED", "EPERM", "EHOSTUNREACH", "ECONNRESET"]);

function sendTCP({ dst, port, waitMs, src }) {
  return new Promise((resolve) => {
    let text = "";
    const socket = net.connect({ host: dst, port, ...(src === undefined ? {} : { localAddress: src }) });
    socket.setTimeout(waitMs, () => {
      socket.destroy();
      resolve("silence");
    });
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("close", () => resolve(text === "" ? "silence" : text));
    socket.on("error", ({ code }) => resolve(refusals.has(code) ? "refused" : code));
  });
}

function sendUDP({ dst, port, waitMs }) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket("udp4");
    const done = (answer) => {
      clearTimeout(timer);
      resolve(answer);
      socket.close();
    };
    const timer = setTimeout(() => done("silence"), waitMs);
    socket.once("message", (data) => done(String(data)));
    socket.once("error", ({ code }) => done(refusals.has(code) ? "refused" : code));
    socket.connect(port, dst, (error) => (error === undefined ? socket.send("hello", () => {}) : done("refused")));
  });
}

function sendICMP({ dst, waitMs }) {
  const seconds = String(Math.max(1, Math.round(waitMs / 1000)));
  return new Promise((resolve) => {
    execFile("ping", ["-n", "-c", "1", "-W", seconds, dst], (error, out, err) => {
      if (error === null) resolve(`${dst}: `);
      else resolve(/Unreachable|not permitted|refused/i.test(out + err) ? "refused" : "silence");
    });
  });
}

const senders = { TCP: sendTCP, UDP: sendUDP, ICMP: sendICMP };

/** Many flows, a few at a time. */
async function send({ id, protocol, count, atOnce, ...flow }) {
  const answers = [];
  const worker = async () => {
    while (answers.length < count) {
      const at = answers.push("") - 1;
      answers[at] = await senders[protocol](flow);
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, worker));
  reply(id, { answers });
}

async function listen({ id, servers }) {
  for (const server of servers) await (server.protocol === "UDP" ? listenUDP(server) : listenTCP(server));
  reply(id, {});
}

const fail =
  ({ id }) =>
  (error) =>
    reply(id, { error: String(error) });

for await (const line of readline.createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  (job.do === "listen" ? listen(job) : send(job)).catch(fail(job));
}
process.exit(0);
