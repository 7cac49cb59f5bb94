/** A fixed number of requests over kept-alive connections, so many at a time. */
import http from "node:http";

export interface Sent {
  url: string;
  method: string;
  body?: string;
  contentType?: string;
}

export interface Load {
  /** The same GET each time, or what the n-th request is. */
  url: string | ((n: number) => Sent);
  requests: number;
  concurrency: number;
}

/** Fails where an answer is no success: a fast error is no result. */
export async function load({ url, requests, concurrency }: Load): Promise<{ requestsPerSecond: number; medianMs: number; p99Ms: number }> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  const durations: number[] = [];
  let left = requests;
  let next = 0;
  const worker = async () => {
    while (left-- > 0) {
      const sent = typeof url === "string" ? { url, method: "GET" } : url(next++);
      const began = performance.now();
      await send(sent, agent);
      durations.push(performance.now() - began);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  durations.sort((a, b) => a - b);
  const at = (share: number) => durations[Math.min(durations.length - 1, Math.floor(durations.length * share))] ?? Number.NaN;
  return { requestsPerSecond: requests / seconds, medianMs: at(0.5), p99Ms: at(0.99) };
}

export function send({ url, method, body, contentType = "application/json" }: Sent, agent?: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(body) };
    const request = http.request(url, { method, headers, ...(agent ? { agent } : {}) }, (answer) => {
      const { statusCode = 0 } = answer;
      answer.resume();
      answer.once("end", () => (statusCode >= 200 && statusCode < 300 ? resolve() : reject(new Error(`${method} ${url}: ${statusCode}`))));
    });
    request.once("error", reject);
    request.end(body);
  });
}
