/** A refusal of the Kubernetes API as the response that carries it. */
import type { StatusError } from "../../cluster/api/status-error.ts";

export const problemStatus = ({ status }: StatusError): Response =>
  new Response(`${JSON.stringify(status)}\n`, {
    status: status.code,
    headers: { "content-type": "application/json", "cache-control": "no-cache, private" },
  });
