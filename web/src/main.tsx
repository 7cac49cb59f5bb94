/** The page: a request bar, the live lists, and the path of the last request. */
import "@fontsource/ibm-plex-sans/latin-400.css";
import "@fontsource/ibm-plex-sans/latin-500.css";
import "@fontsource/ibm-plex-sans/latin-600.css";
import "@fontsource/ibm-plex-mono/latin-400.css";
import "@fontsource/ibm-plex-mono/latin-500.css";
import "./style.css";
import { signal } from "@preact/signals";
import { type JSX, render } from "preact";
import { chooseLanguage, language, say } from "./language.ts";
import { follow, liveState, objects } from "./live-objects.ts";
import { EndpointsList, isReady, NodesList, ofKind, ServicesList } from "./objects-list.tsx";
import { PathPanel } from "./path-panel.tsx";
import { outcome, send } from "./request.ts";
import { sandboxId } from "./sandbox-address.ts";

const query = new URLSearchParams(location.search);
const namespace = signal(query.get("ns") ?? "default");
const from = signal(query.get("from") ?? "");
/** Undefined until somebody writes one: then a Service of the namespace is suggested. */
const command = signal<string | undefined>(query.get("run") ?? undefined);
const dark = signal(query.get("theme") === "dark" || (query.get("theme") === null && matchMedia("(prefers-color-scheme: dark)").matches));

document.documentElement.lang = language.value;
document.documentElement.dataset.theme = dark.value ? "dark" : "light";

function chooseNamespace(chosen: string): void {
  namespace.value = chosen;
  from.value = "";
  const address = new URL(location.href);
  address.searchParams.set("ns", chosen);
  history.replaceState(null, "", address);
}

function toggleTheme(): void {
  dark.value = !dark.value;
  document.documentElement.dataset.theme = dark.value ? "dark" : "light";
}

function Page(): JSX.Element {
  return (
    <>
      <a class="skip" href="#request">
        {say("request")}
      </a>
      <Header />
      <main>
        <RequestBar />
        <Notice />
        <div class="columns">
          <div class="lanes">
            <div>
              <ServicesList namespace={namespace.value} />
              <EndpointsList namespace={namespace.value} />
            </div>
            <NodesList namespace={namespace.value} />
          </div>
          <PathPanel />
        </div>
      </main>
    </>
  );
}

function Header(): JSX.Element {
  const state = liveState.value;
  const words = state.is === "live" ? say("live") : state.is === "offline" || state.is === "ended" ? say("offline") : say("catchingUp");
  return (
    <header>
      <img src="./mark.svg" alt="" width="20" height="20" />
      <span class="mark">Kubearium</span>
      <h1 class="data">{sandboxId}</h1>
      <label>
        <span class="visually-hidden">{say("namespace")}</span>
        <select value={namespace.value} onChange={(event) => chooseNamespace(event.currentTarget.value)}>
          {[...new Set([...ofKind("Namespace", "").map((ns) => ns.metadata.name), namespace.value])]
            .filter((name) => name !== "")
            .map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          <option value="">{say("allNamespaces")}</option>
        </select>
      </label>
      <span class="push" />
      <span class={`live ${state.is}`} role="status">
        <span class="disc" aria-hidden="true" /> {words}
      </span>
      <button
        type="button"
        class="plain"
        lang={language.value === "en" ? "ko" : "en"}
        onClick={() => chooseLanguage(language.value === "en" ? "ko" : "en")}
      >
        {say("otherLanguage")}
      </button>
      <button type="button" class="plain" onClick={toggleTheme}>
        {say(dark.value ? "lightTheme" : "theme")}
      </button>
    </header>
  );
}

/** The first Service that somebody made; the API server's own where there is no other. */
function suggestedCommand(): string {
  const services = ofKind("Service", namespace.value).filter((service) => (service.spec?.ports?.length ?? 0) > 0);
  const service = services.find(({ metadata }) => metadata.name !== "kubernetes") ?? services[0];
  if (service === undefined) return "curl http://kubernetes:443";
  const { port } = service.spec.ports[0];
  const host = namespace.value === "" ? `${service.metadata.name}.${service.metadata.namespace}` : service.metadata.name;
  return `curl http://${host}${port === 80 ? "" : `:${port}`}`;
}

function RequestBar(): JSX.Element {
  const line = command.value ?? suggestedCommand();
  const pods = ofKind("Pod", namespace.value).filter((pod) => isReady(pod) && !pod.metadata.deletionTimestamp);
  const places = pods.map((pod) => `${pod.metadata.namespace}/${pod.metadata.name}`);
  const podless = namespace.value === "" ? "default" : namespace.value;
  const chosen = [...places, podless, "outside"].includes(from.value) ? from.value : (places[0] ?? podless);
  return (
    <form
      id="request"
      class="request"
      aria-label={say("request")}
      onSubmit={(event) => {
        event.preventDefault();
        void send(chosen, line);
      }}
    >
      <label for="from">{say("from")}</label>
      <select
        id="from"
        class="data"
        value={chosen}
        onChange={(event) => {
          from.value = event.currentTarget.value;
        }}
      >
        {places.map((place) => (
          <option key={place} value={place}>
            {place}
          </option>
        ))}
        <option value={podless}>{say("podless", { ns: podless })}</option>
        <option value="outside">{say("outside")}</option>
      </select>
      <label class="visually-hidden" for="command">
        {say("command")}
      </label>
      <input
        id="command"
        class="data"
        value={line}
        spellcheck={false}
        autocapitalize="off"
        autocomplete="off"
        onInput={(event) => {
          command.value = event.currentTarget.value;
        }}
      />
      <button type="submit" class="primary" disabled={outcome.value.is === "sending"}>
        {say("send")}
      </button>
    </form>
  );
}

function Notice(): JSX.Element | null {
  const state = liveState.value;
  if (state.is === "opening") return <p class="notice">{say("opening")}</p>;
  if (state.is === "ended") return <p class="notice fail">{say("ended")}</p>;
  if (state.is === "offline") {
    return (
      <p class="notice warn" role="alert">
        {say("connectionLost", { time: state.since.toLocaleTimeString(), n: state.retryInSeconds })}
      </p>
    );
  }
  const here = [...objects.value.values()].filter((o) => o.kind === "Pod" || o.kind === "Service");
  if (namespace.value === "" || here.some((o) => o.metadata.namespace === namespace.value)) return null;
  return (
    <p class="notice">
      {here.length === 0 ? say("emptyCluster") : say("emptyNamespace", { ns: namespace.value, n: here.length })}{" "}
      <button type="button" class="plain" onClick={() => chooseNamespace("")}>
        {say("showAll")}
      </button>
    </p>
  );
}

follow();
render(<Page />, document.getElementById("page") as HTMLElement);
