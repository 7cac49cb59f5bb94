/** A fixed number of requests over kept-alive connections, so many at a time. */
import http from "node:http";

export interface Load {
  url: string;
  requests: number;
  concurrency: number;
}

/** Fails where an answer is not 200: a fast error is no result. */
export async function load({ url, requests, concurrency }: Load): Promise<{ requestsPerSecond: number; medianMs: number; p99Ms: number }> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  const durations: number[] = [];
  let left = requests;
  const worker = async () => {
    while (left-- > 0) {
      const began = performance.now();
      await get(url, agent);
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

function get(url: string, agent: http.Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (answer) => {
        answer.resume();
        answer.once("end", () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${url}: ${answer.statusCode}`))));
      })
      .once("error", reject);
  });
}
