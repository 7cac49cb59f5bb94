/** Where this page lives: everything it talks to is under the sandbox's own address. */

/** `/s/demo`, `/t/{token}/s/{id}` or, on a host of the sandbox's own, the empty string. */
export const basePath = location.pathname.replace(/\/ui(\/.*)?$/, "");

export const sandboxId = /\/s\/([^/]+)$/.exec(basePath)?.[1] ?? location.hostname.split(".")[0] ?? "";

export const streamURL = (): string => `${location.origin.replace(/^http/, "ws")}${basePath}/stream`;
