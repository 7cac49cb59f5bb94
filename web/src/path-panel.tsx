/** The Path panel: the verdict, then every hop in words with its evidence. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { say } from "./language.ts";
import { type Hop, outcome, type ResolveAnswer, type RouteAnswer } from "./request.ts";

export function PathPanel(): JSX.Element {
  const state = outcome.value;
  return (
    <section class="panel path" aria-labelledby="path-title">
      <h2 id="path-title" class="visually-hidden">
        {say("path")}
      </h2>
      <div aria-live="polite">
        {state.is === "none" && <p class="quiet">{say("noTrace")}</p>}
        {state.is === "sending" && <p class="quiet">{say("sending")}</p>}
        {state.is === "not-understood" && <p class="fail">{say("badCommand", { text: state.text })}</p>}
        {state.is === "failed" && <p class="fail">{state.detail ?? say("failedToRun", { code: state.code })}</p>}
        {state.is === "route" && <Headline of={state.answer} protocol={state.protocol} host={state.host} />}
        {state.is === "resolve" && <Resolved of={state.answer} />}
      </div>
      {state.is === "route" && <Hops hops={state.answer.hops} />}
    </section>
  );
}

function Headline({ of, protocol, host }: { of: RouteAnswer; protocol: string; host: string }): JSX.Element {
  const arrived = of.verdict === "delivered";
  const pod = of.backend?.pod?.split("/").at(-1);
  let headline = say(of.verdict as "delivered");
  if (arrived && of.http)
    headline = pod ? say("deliveredTo", { status: of.http.status, pod: pod.split("-").at(-1) as string }) : `${of.http.status}`;
  else if (arrived) headline = say(protocol === "ICMP" ? "pingAnswered" : "deliveredPlain", { where: pod ?? of.backend?.ip ?? host });
  return (
    <>
      <p class={`verdict ${arrived && !of.why ? "" : "fail"}`}>{headline}</p>
      {of.why && <p>{of.why.message}</p>}
      {of.http && arrived && <pre class="well body">{of.http.body.slice(0, 400)}</pre>}
      {of.why?.fix && (
        <div class="fix">
          <h3>{say("howToFix")}</h3>
          <p>{of.why.fix.text}</p>
        </div>
      )}
    </>
  );
}

function Resolved({ of }: { of: ResolveAnswer }): JSX.Element {
  const address = of.answers.find((answer) => answer.type === "A" || answer.type === "AAAA")?.data;
  return (
    <>
      <p class={`verdict ${address ? "" : "fail"}`}>{address ? say("resolved", { name: of.name, address }) : of.rcode}</p>
      {of.why && <p>{of.why.message}</p>}
      {of.why?.fix && (
        <div class="fix">
          <h3>{say("howToFix")}</h3>
          <p>{of.why.fix.text}</p>
        </div>
      )}
      <ol class="hops">
        {of.trace.map((step) => (
          <li key={`${step.query} ${step.type}`}>
            <div class="hop">
              <span class="evidence" translate={false}>
                {step.query} {step.type} → {step.server}
              </span>
              <span class="evidence">{step.rcode}</span>
            </div>
          </li>
        ))}
      </ol>
      <ul class="answers">
        {of.answers.map((answer) => (
          <li key={`${answer.name} ${answer.data}`} class="data">
            {answer.name} {answer.ttl} {answer.type} {answer.data}
          </li>
        ))}
      </ul>
    </>
  );
}

function Hops({ hops }: { hops: Hop[] }): JSX.Element {
  const current = useSignal(hops.length - 1);
  useEffect(() => {
    current.value = hops.length - 1;
  }, [hops]);
  const step = (by: number): void => {
    current.value = Math.max(0, Math.min(hops.length - 1, current.value + by));
  };
  return (
    <>
      <div class="steps">
        <button type="button" onClick={() => step(-1)} disabled={current.value === 0} aria-label={say("previous")}>
          ‹
        </button>
        <button type="button" onClick={() => step(1)} disabled={current.value === hops.length - 1} aria-label={say("next")}>
          ›
        </button>
        <span>{say("hopOf", { n: (hops[current.value]?.n ?? 1) as number, all: hops.length })}</span>
      </div>
      <ol class="hops">
        {hops.map((hop, at) => (
          <li
            key={hop.n}
            class={`${at === current.value ? "current" : ""} ${hop.does === "stop" ? "stopped" : ""}`}
            aria-current={at === current.value ? "step" : undefined}
          >
            <button
              type="button"
              class="hop"
              onClick={() => {
                current.value = at;
              }}
            >
              <span class="badge" aria-hidden="true">
                {hop.n}
              </span>
              <span class="does">{say(hop.does)}</span>
              <span class="evidence">{evidenceOf(hop)}</span>
            </button>
            {at === current.value && <Evidence of={hop} />}
          </li>
        ))}
      </ol>
    </>
  );
}

/** The one fact of a hop that stands beside its name. */
function evidenceOf(hop: Hop): string {
  const place = hop.at.split("/").at(-1) ?? "";
  switch (hop.does) {
    case "read":
      return [hop.params?.host, hop.params?.port].filter((part) => part !== undefined && part !== "").join(":");
    case "search":
      return hop.search?.[0] === undefined ? place : `+ .${hop.search[0]}`;
    case "answer":
      return hop.answers?.join(", ") || (hop.rcode ?? place);
    case "match":
      return hop.rule ? `${place}, ${hop.rule.chain.slice(0, 12)}… ${hop.rule.line}` : place;
    case "connect":
    case "ask":
      return `→ ${hop.dst ?? place}`;
    case "rewrite":
      return `→ ${hop.dstAfter ?? place}`;
    default:
      return place;
  }
}

function Evidence({ of }: { of: Hop }): JSX.Element {
  return (
    <div class="detail">
      <p>{of.sentence}</p>
      {of.rule && (
        <pre class="well" translate={false}>
          {of.rule.text}
        </pre>
      )}
      {(of.src ?? of.dst) && (
        <table class="addresses">
          <tbody>
            <Address label={say("source")} before={of.src} after={of.srcAfter} />
            <Address label={say("destination")} before={of.dst} after={of.dstAfter} />
          </tbody>
        </table>
      )}
    </div>
  );
}

function Address({ label, before, after }: { label: string; before: string | undefined; after: string | undefined }): JSX.Element | null {
  if (before === undefined && after === undefined) return null;
  return (
    <tr>
      <th scope="row">{label}</th>
      <td class="data">{before}</td>
      <td class="data">
        {after !== undefined && after !== before && (
          <>
            → {after} <span class="rewritten">{say("rewritten")}</span>
          </>
        )}
      </td>
    </tr>
  );
}
