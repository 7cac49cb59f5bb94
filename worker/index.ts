/** Entry point of the deployment: the fetch handler, and the Durable Object classes. */
import { app } from "./app.ts";

export { ClusterObject } from "../durable-objects/cluster-object.ts";
export { DirectoryObject } from "../durable-objects/directory-object.ts";

export default { fetch: app.fetch };
