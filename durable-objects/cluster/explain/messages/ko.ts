/** Every sentence of `en.ts` in Korean. Names of kinds and fields stay as Kubernetes spells them. */
import type { Catalogue } from "./catalogue.ts";
import type { DnsDownCause, DrawnLine, PolicyParams, RuleParams, ServicePortText } from "./en.ts";

const rounded = (draw: number, digits: number): string => draw.toFixed(digits);

const skipped = (lines: readonly DrawnLine[]): string =>
  lines.map(({ line, draw, below }) => `${line}번째 줄은 건너뜀(추첨 ${rounded(draw, 2)}, ${rounded(below, 3)} 미만이어야 함). `).join("");

const shares = (choices: number): string => (choices < 2 ? "" : ` 요청이 많으면 파드 ${choices}개가 각각 ${choices}분의 1씩 받습니다.`);

const duration = (seconds: number): string =>
  seconds < 120 ? `${seconds}초` : seconds < 7200 ? `${Math.floor(seconds / 60)}분` : `${Math.floor(seconds / 3600)}시간`;

const portList = (ports: readonly ServicePortText[]): string => ports.map(({ protocol, port }) => `${protocol} ${port}`).join(", ");

const told = (icmp: string): string => (icmp === "tcp-reset" ? "TCP 리셋" : icmp === "" ? "아무것도" : `ICMP ${icmp.replace("-", " ")}`);

const service = (p: RuleParams): string => (p.service === "" ? "Service" : `Service ${p.service}`);
const addressedTo = (p: RuleParams, what: string): string =>
  p.target === ""
    ? `${service(p)}의 ${what}로 가는 패킷을 위한 것입니다.`
    : `${service(p)}의 ${what}로 가는 패킷은 ${p.target}에서 계속됩니다.`;

const dnsDownCauses: Record<DnsDownCause, (params: { server: string; object: string; detail: string }) => string> = {
  "no-service": ({ server, object }) => `주소 ${server}를 가진 Service가 없습니다. kube-system의 ${object}가 사라졌습니다.`,
  "no-deployment": ({ object }) => `DNS 파드가 없고, kube-system에 파드를 만들 Deployment ${object}도 없습니다.`,
  "zero-replicas": ({ object }) => `kube-system의 ${object}는 레플리카가 0개입니다.`,
  corefile: ({ detail }) => `CoreDNS가 Corefile로 시작하지 못합니다: ${detail}.`,
  "no-ready-pods": ({ object, detail }) =>
    detail === "" ? `Service ${object}에 준비된 엔드포인트가 없습니다.` : `파드 ${object}가 준비되지 않았습니다(${detail}).`,
};

const isolatedBy = ({ policies }: PolicyParams): string => `NetworkPolicy ${policies}가 이 파드를 격리하는데`;

function lacking({ peer, port, lacks }: PolicyParams): string {
  switch (lacks) {
    case "rule":
      return "규칙이 하나도 없습니다";
    case "port":
      return `${peer}에 대한 규칙에 ${port}가 없습니다`;
    case "peer":
      return `${port}에 대한 규칙에 ${peer}가 없습니다`;
    case "spelling":
      return `${peer}, ${port}에 대한 규칙에 오타가 있습니다`;
    case "both":
      return `${peer}, ${port}를 허용하는 규칙이 없습니다`;
  }
}

export const ko = {
  hop: {
    "read-url": ({ host, port, literal }) =>
      `대상은 ${host}, 포트 ${port}입니다. ${literal ? "호스트가 주소이므로 조회할 것이 없습니다." : "호스트가 주소가 아니라 이름이므로 먼저 조회해야 합니다."}`,
    "read-name": ({ host, literal }) =>
      `대상은 ${host}입니다. ping은 포트가 없는 ICMP를 사용합니다.${literal ? "" : " 이름을 먼저 조회해야 합니다."}`,
    "search-list": ({ dots, ndots, first }) =>
      dots < ndots
        ? `이름에 점이 ${dots}개이고 ndots가 ${ndots}이므로 검색 목록을 먼저 시도합니다: ${first}`
        : `이름에 점이 ${dots}개이고 ndots가 ${ndots}이므로 적힌 그대로 먼저 시도하고, 그다음 검색 목록을 시도합니다.`,
    "ask-through-rules": ({ server, node, pod, reached }) =>
      `DNS 서버 ${server}도 Service입니다. ${node}의 규칙이 질의를 ${pod === "" ? reached : `파드 ${pod}(${reached})`}로 보냅니다.`,
    "ask-directly": ({ server }) => `질의는 ${server}로 바로 갑니다.`,
    "ask-outside": ({ server }) => `질의는 클러스터 밖의 리졸버 ${server}로 갑니다.`,
    "ask-lost": ({ server }) => `질의를 ${server}로 보냈지만 DNS 서버에 도달하지 못했습니다.`,
    "answer-cluster-ip": ({ service, answer }) =>
      `CoreDNS가 Service 목록에서 답합니다: ${answer}. Service ${service}의 클러스터 IP이며 파드 주소가 아닙니다.`,
    "answer-headless": ({ service, answer }) => `Service ${service}는 헤드리스이므로 DNS가 준비된 파드의 주소로 답합니다: ${answer}.`,
    "answer-external-name": ({ service, answer }) =>
      `Service ${service}는 DNS의 별칭일 뿐입니다. 답은 다른 이름과 그 주소입니다: ${answer}.`,
    "answer-address": ({ query, answer }) => `${query}의 주소는 ${answer}입니다.`,
    "answer-no-such-name": ({ tries }) => `그런 이름이 없습니다: ${tries}번 시도 후 NXDOMAIN.`,
    "answer-empty": ({ query }) => `${query}는 존재하지만 주소가 없습니다.`,
    "answer-failure": ({ rcode }) => `DNS 서버가 알아내지 못하고 ${rcode}로 답했습니다.`,
    "connect-rules": ({ src, dst }) =>
      `${src}에서 ${dst}로 연결을 엽니다. 이 주소를 가진 장치는 없습니다. 모든 노드에 규칙으로만 존재합니다.`,
    "connect-machine": ({ src, dst }) => `${src}에서 ${dst}로 연결을 엽니다.`,
    "connect-unknown": ({ src, dst }) => `${src}에서 ${dst}로 연결을 엽니다. 클러스터에 이 주소를 가진 장치가 없습니다.`,
    "connect-echo": ({ src, dst, node }) =>
      `${src}에서 ${dst}로 에코 요청을 보냅니다.${node === "" ? "" : ` 요청은 ${node}의 규칙에 도달합니다.`}`,
    "load-balancer-picks": ({ ip, node, nodes }) => `${ip}의 로드 밸런서가 연결을 받을 수 있는 노드 ${nodes}개 중 ${node}로 보냅니다.`,
    "router-picks": ({ ip, node }) => `외부 네트워크가 ${ip}를 ${node}로 보냅니다.`,
    "rule-draws": (p) =>
      `${skipped(p.skipped)}${p.line}번째 줄이 일치(추첨 ${rounded(p.draw, 2)}, ${rounded(p.below, 3)} 미만이어야 함).${shares(p.choices)}`,
    "rule-number": ({ number, choices, sends }) => `난수를 ${choices}로 나눈 나머지가 ${number}이었고, ${number}번 항목은 ${sends}입니다.`,
    "rule-turn": ({ scheduler, turn, choices, sends }) =>
      scheduler === "rr"
        ? `라운드 로빈: ${sends}의 차례였습니다(${choices}개 중 ${turn}번째).`
        : `스케줄러 ${scheduler}가 ${sends}를 골랐습니다(${choices}개 중 ${turn}번째).`,
    "rule-matches": (p) =>
      p.choices > 1
        ? `${skipped(p.skipped)}${p.line}번째 줄이 일치: 마지막 줄은 추첨이 필요 없습니다.${shares(p.choices)}`
        : `${p.line}번째 줄이 일치하여 유일한 엔드포인트 ${p.sends}로 보냅니다.`,
    "rule-remembers": ({ line, sends }) => `${line}번째 줄이 일치: Service가 이 클라이언트를 이전 엔드포인트 ${sends}에 유지합니다.`,
    "rule-rejects": ({ line, chain, destination }) => `${chain}의 ${line}번째 줄이 ${destination}와 일치하여 거부합니다.`,
    "rule-drops": ({ line, chain, destination }) => `${chain}의 ${line}번째 줄이 ${destination}와 일치하여 버립니다.`,
    "rewrite-destination": ({ node, dst, dstAfter, port, portAfter }) =>
      `DNAT: ${dst}가 ${dstAfter}로 바뀝니다.${port === portAfter ? "" : ` 포트 ${port}가 targetPort ${portAfter}로 바뀝니다.`} ${node}는 응답을 위해 이 변경을 기억합니다.`,
    "rewrite-both": ({ node, dst, dstAfter, srcAfter }) =>
      `DNAT: ${dst}가 ${dstAfter}로 바뀝니다. 응답이 ${node}를 거쳐 돌아오도록 출발지도 ${srcAfter}로 바뀝니다.`,
    "rewrite-source": ({ node, src, srcAfter }) => `${node}가 출발지 ${src}를 자기 주소로 바꿉니다: ${srcAfter}.`,
    "rewrite-source-by-pod-network": ({ node, src, srcAfter }) =>
      `파드 주소는 파드 네트워크 밖에서 의미가 없으므로 ${node}가 출발지 ${src}를 자기 주소로 바꿉니다: ${srcAfter}.`,
    "rewrite-host-port": ({ node, pod, dst, dstAfter }) =>
      `파드 ${pod}가 hostPort로 ${node}의 이 포트를 요청했으므로 ${dst}가 ${dstAfter}로 바뀝니다.`,
    "policy-allows": ({ policies, direction, pod, peer }) =>
      direction === "ingress"
        ? `NetworkPolicy ${policies}가 ${peer}에서 ${pod}로 들어오는 것을 허용합니다.`
        : `NetworkPolicy ${policies}가 ${pod}에서 ${peer}로 나가는 것을 허용합니다.`,
    "policy-drops": ({ policies, direction, pod, peer }) =>
      direction === "ingress"
        ? `NetworkPolicy ${policies}에 ${peer}에서 ${pod}로 들어오는 것을 허용하는 규칙이 없습니다.`
        : `NetworkPolicy ${policies}에 ${pod}에서 ${peer}로 나가는 것을 허용하는 규칙이 없습니다.`,
    "crosses-slow-wire": ({ node, other, ms }) => `장애 설정 때문에 ${node}에서 ${other}까지 ${ms} ms가 걸립니다.`,
    "delivered-to-pod": (p) =>
      `${p.node}의 파드 ${p.pod}가${p.protocol === "ICMP" ? "" : ` 포트 ${p.port}에서`} 받습니다. 파드에게 보이는 호출자는 ${p.source}입니다.`,
    "delivered-locally": ({ pod, port, protocol }) =>
      `파드 ${pod}를 벗어나지 않습니다.${protocol === "ICMP" ? "" : ` 파드 스스로 ${port}에서 듣고 있습니다.`}`,
    "delivered-to-node": ({ node, port, source, protocol }) =>
      `${node} 자체가${protocol === "ICMP" ? "" : ` 포트 ${port}에서`} 받습니다. 노드에게 보이는 호출자는 ${source}입니다.`,
    "delivered-outside": ({ ip, port, source, protocol }) =>
      `클러스터 밖의 ${ip}가${protocol === "ICMP" ? "" : ` 포트 ${port}에서`} 받습니다. 그곳에 보이는 호출자는 ${source}입니다.`,
    "reply-http": ({ status, rewritten, address }) =>
      `응답은 ${status}입니다.${rewritten ? ` 출발지가 ${address}로 되돌려지므로 보낸 쪽은 누가 답했는지 알지 못합니다.` : ""}`,
    "reply-echo": ({ from }) => `${from}가 에코 요청에 답합니다.`,
    "reply-open": ({ rewritten, address }) => `연결이 열렸습니다.${rewritten ? ` 모든 응답의 출발지가 ${address}로 되돌려집니다.` : ""}`,
    "stop-unanswered": () => "여기서 끝납니다. 응답이 오지 않으며 보낸 쪽은 시간 초과를 기다립니다.",
    "stop-rejected": ({ icmp }) =>
      `응답은 파드가 보낸 것이 아닙니다. 규칙 자체가 보낸 쪽에 ${told(icmp)} 메시지를 보내며, 프로그램은 이를 "connection refused"로 보여 줍니다.`,
    "stop-dropped": ({ cause }) =>
      `${cause.startsWith("policy-") ? "파드 네트워크가" : "규칙이"} 패킷을 버립니다. 보낸 쪽은 아무것도 받지 못하고 시간 초과를 기다립니다.`,
    "stop-refused": ({ icmp }) => `장치는 있지만 그 포트에서 듣는 프로세스가 없습니다. ${told(icmp)} 응답이 옵니다.`,
    "stop-no-route": () => "패킷을 보낼 수 없습니다. 여기에서 그 주소로 가는 길이 없습니다.",
    "stop-name-not-found": () => "주소가 없으면 연결할 곳도 없습니다.",
    "stop-unsupported": () => "이다음은 에뮬레이션하지 않으므로 아무것도 주장하지 않습니다.",
  },
  why: {
    "no-endpoints": ({ node, svc }) => `${node}에서 거부됨: Service ${svc}에 준비된 엔드포인트가 없어 규칙이 REJECT입니다.`,
    "selector-typo": ({ k, v, near, n }) =>
      `엔드포인트 없음: 셀렉터 ${k}=${v}와 일치하는 파드가 0개입니다. ${k}=${near}이면 ${n}개가 일치합니다.`,
    "selector-key-typo": ({ wrong, near, n }) =>
      `엔드포인트 없음: 셀렉터 ${wrong}와 일치하는 파드가 0개입니다. ${near}이면 ${n}개가 일치합니다.`,
    "pod-label-missing": ({ selector, missing, n }) =>
      `엔드포인트 없음: 셀렉터 ${selector}와 일치하는 파드가 0개입니다. 파드 ${n}개에는 ${missing}만 없습니다.`,
    "selector-other-namespace": ({ selector, ns, other, n }) =>
      `엔드포인트 없음: ${ns}에는 셀렉터 ${selector}와 일치하는 파드가 0개입니다. ${other}에는 ${n}개 있지만 Service는 자기 네임스페이스의 파드만 고릅니다.`,
    "selector-matches-nothing": ({ selector }) => `엔드포인트 없음: 셀렉터 ${selector}와 일치하는 파드가 0개입니다.`,
    "pod-not-ready": ({ pod, reason }) => `${pod}는 제외됨: 실행 중이지만 준비되지 않았습니다(${reason}).`,
    "pod-unschedulable": ({ pod, reason }) => `${pod}는 제외됨: 받아 주는 노드가 없습니다(${reason}).`,
    "pods-terminating": ({ svc, n }) => `엔드포인트 없음: Service ${svc}의 파드 ${n}개가 모두 종료되는 중입니다.`,
    "probe-port-closed": ({ pod, probe, port, real }) =>
      `${pod}는 제외됨: ${probe}가 포트 ${port}를 확인하는데 컨테이너가 듣는 포트는 ${real === "" ? "없습니다" : `${real}입니다`}.`,
    "zero-replicas": ({ node, svc, workload }) =>
      `${node}에서 거부됨: Service ${svc}에 준비된 엔드포인트가 없어 규칙이 REJECT입니다. ${workload}의 레플리카가 0개입니다.`,
    "endpoints-missing": ({ node, svc }) =>
      `${node}에서 거부됨: Service ${svc}에 준비된 엔드포인트가 없어 규칙이 REJECT입니다. 셀렉터가 없고 직접 만든 엔드포인트도 없습니다.`,
    "target-port-name-unknown": ({ svc, port, pod }) =>
      `엔드포인트 없음: Service ${svc}는 이름이 ${port}인 포트로 보내는데 파드 ${pod}에는 그런 이름의 컨테이너 포트가 없습니다.`,
    "target-port-protocol": ({ svc, port, wants, pod, has }) =>
      `엔드포인트 없음: Service ${svc}는 이름이 ${port}인 포트로 ${wants}를 보내는데 파드 ${pod}의 그 이름은 ${has}용입니다.`,
    "endpoints-port": ({ svc, kind, name, port, has }) =>
      `엔드포인트 없음: Service ${svc}의 포트 ${port}가 ${kind} ${name}에 없습니다${has === "" ? "(포트가 하나도 없음)" : `(있는 포트: ${has})`}.`,
    "endpoints-not-ready": ({ svc, name }) =>
      `엔드포인트 없음: EndpointSlice ${name}에 있는 Service ${svc}의 엔드포인트가 모두 준비되지 않음으로 표시되어 있습니다.`,
    "slice-label": ({ svc, name, label }) =>
      `엔드포인트 없음: EndpointSlice ${name}에 ${label === "" ? "kubernetes.io/service-name 레이블이 없어" : `적힌 Service ${label}가 존재하지 않아`} Service ${svc}의 것이 아닙니다.`,
    "endpoints-name": ({ svc, name }) =>
      `엔드포인트 없음: 이름이 ${name}인 Endpoints가 있지만 Service ${svc}의 Endpoints는 이름이 ${svc}여야 합니다.`,
    "icmp-to-service": ({ ip, ports }) =>
      `응답 없음: ${ip}는 ${portList(ports)} 포트 규칙으로만 존재합니다. ICMP와 일치하는 규칙이 없고 이 주소를 가진 장치도 없습니다.`,
    "icmp-to-service-nftables": ({ node, ip, ports }) =>
      `${node}에서 거부됨: ${ip}에는 ${portList(ports)} 포트 규칙만 있고, ClusterIP로 가는 나머지는 모두 거부됩니다.`,
    "icmp-to-service-ipvs": ({ node, ip }) =>
      `${node}에서 거부됨: ${ip}는 이 노드에 바인딩되어 있고 Service 포트가 아닌 요청은 모두 거부됩니다.`,
    "service-port-missing": ({ ip, port, svc, ports }) => `${ip}:${port}에 대한 규칙이 없습니다. Service ${svc}의 포트는 ${ports}입니다.`,
    "service-port-protocol": ({ ip, port, protocol, svc, has }) =>
      `${ip}:${port}로 가는 ${protocol} 규칙이 없습니다. Service ${svc}의 그 포트는 ${has} 전용입니다.`,
    "nothing-listens-protocol": ({ pod, port, protocol, has }) =>
      `파드 ${pod}가 거부함: ${port}에서 ${protocol}가 아니라 ${has}를 듣고 있습니다.`,
    "node-port-typo": ({ node, port, svc, near }) =>
      `${node}가 거부함: 노드 포트 ${port}를 쓰는 Service가 없습니다. Service ${svc}의 노드 포트는 ${near}입니다.`,
    "external-ip-typo": ({ ip, svc, near }) =>
      `${ip}에서 응답 없음: 이 주소를 가진 장치도 Service도 없습니다. Service ${svc}의 외부 IP는 ${near}입니다.`,
    "target-port-closed": ({ pod, port, real }) =>
      `파드 ${pod}가 거부함: ${port}에서 듣는 프로세스가 없습니다. 컨테이너는 ${real}에서 듣고 있습니다.`,
    "nothing-listens": ({ pod, port }) => `파드 ${pod}가 거부함: ${port}에서도 다른 포트에서도 듣는 프로세스가 없습니다.`,
    "external-name-host": ({ status, target, svc }) =>
      `${target}에서 ${status}: DNS는 그곳을 가리켰지만 요청의 Host 헤더는 여전히 ${svc}입니다.`,
    "host-not-served": ({ status, target, host, expected }) =>
      `${target}에서 ${status}: 요청의 Host 헤더는 ${host}인데 서버는 ${expected}만 압니다.`,
    "wrong-namespace": ({ name, svc, ns, other }) =>
      `${name}을(를) 찾을 수 없음: ${ns}에 Service ${svc}가 없습니다. ${other}에 있으니 ${svc}.${other}를 사용하세요.`,
    "name-typo": ({ name, n, near }) => `${name}을(를) 찾을 수 없음(NXDOMAIN, ${n}번 시도). 가장 가까운 이름: ${near}.`,
    "no-such-name": ({ name, n }) => `${name}을(를) 찾을 수 없음(NXDOMAIN, ${n}번 시도). 비슷한 이름의 Service가 없습니다.`,
    "name-from-outside": ({ name, svc }) =>
      `${name}을(를) 찾을 수 없음: Service ${svc}의 이름은 클러스터 안에서만 쓰이며 밖의 리졸버는 알지 못합니다.`,
    "headless-without-pods": ({ name, svc }) =>
      `${name}을(를) 찾을 수 없음: Service ${svc}는 헤드리스이고, 준비된 엔드포인트가 없으면 그 이름도 존재하지 않습니다.`,
    "external-name-unresolved": ({ name, svc, target }) =>
      `${name}을(를) 찾을 수 없음: Service ${svc}는 ${target}를 가리킬 뿐인데 그 이름에 주소가 없습니다.`,
    "no-address": ({ name }) => `${name}은(는) 존재하지만 보낸 쪽이 쓸 수 있는 주소가 없습니다.`,
    "dns-unreachable": ({ name, server }) => `${name}을(를) 찾을 수 없음: DNS 서버 ${server}에서 답이 오지 않았습니다.`,
    "dns-down": (p) => `${p.name}을(를) 찾을 수 없음: DNS가 멈췄습니다. ${dnsDownCauses[p.cause](p)}`,
    "upstream-unreachable": ({ name, targets }) =>
      `${name}을(를) 찾을 수 없음: 클러스터 밖의 이름인데 CoreDNS가 묻는 외부 리졸버가 답하지 않습니다${targets === "" ? "" : `(forward . ${targets})`}.`,
    "other-resolver": ({ name, svc, server }) =>
      `${name}을(를) 찾을 수 없음: 보낸 쪽은 ${server}에 묻는데 이 서버는 클러스터의 이름을 모릅니다. Service ${svc}는 클러스터의 이름입니다.`,
    "incomplete-name": ({ name, full }) =>
      `${name}을(를) 찾을 수 없음: 검색 목록으로 완성되지 않았습니다. Service의 전체 이름은 ${full}입니다.`,
    "srv-port-missing": (p) =>
      `${p.name}을(를) 찾을 수 없음: Service ${p.svc}에는 이름이 ${p.port}인 ${p.protocol} 포트가 없습니다. ${p.ports === "" ? "이름이 있는 포트가 하나도 없습니다." : `이름이 있는 포트: ${p.ports}.`}`,
    "label-too-long": ({ label, n }) => `묻지 않음: 레이블 ${label}은 ${n}자인데 DNS는 63자까지 허용합니다.`,
    "name-too-long": ({ n }) => `묻지 않음: 이름이 ${n}자인데 DNS는 253자까지 허용합니다.`,
    "wasted-queries": ({ name, n, dots, ndots }) =>
      `${name}을(를) 찾았지만 그전에 질문 ${n}개가 헛되었습니다. 점이 ${dots}개이고 ndots가 ${ndots}이므로 검색 목록을 먼저 시도했습니다.`,
    "dns-failed": ({ name, server, rcode }) => `${name}을(를) 찾을 수 없음: DNS 서버 ${server}가 ${rcode}로 답했습니다.`,
    "external-policy-local": ({ node, svc }) => `${node}에서 버려짐: 정책이 Local인데 이 노드에는 ${svc}의 준비된 파드가 없습니다.`,
    "internal-policy-local": ({ node, svc }) =>
      `${node}에서 버려짐: internalTrafficPolicy가 Local인데 이 노드에는 ${svc}의 준비된 파드가 없습니다.`,
    "source-not-allowed": ({ node, svc, source, ranges }) =>
      `${node}에서 버려짐: Service ${svc}는 ${ranges}만 허용하는데 ${source}는 여기에 없습니다.`,
    "old-pod-address": ({ ip, seconds }) => `${ip}에서 응답 없음: 이 주소를 쓰던 파드는 ${duration(seconds)} 전에 삭제되었습니다.`,
    "unused-pod-address": ({ ip, node }) => `${ip}에서 응답 없음: ${node}의 파드 범위에 속하지만 이 주소를 쓰는 파드가 없습니다.`,
    "endpoint-without-machine": ({ ip, svc, kind }) =>
      `${ip}에서 응답 없음: Service ${svc}의 ${kind}에 이 주소가 있지만 이 주소를 가진 장치가 없습니다.`,
    "nobody-has-address": ({ ip }) => `${ip}에서 응답 없음: 이 주소를 가진 장치도, 주소를 바꾸는 규칙도 없습니다.`,
    "unused-cluster-ip": ({ ip }) => `${ip}에서 응답 없음: Service 범위에 속하지만 이 주소를 쓰는 Service가 없습니다.`,
    "missing-rule": ({ ip, port, svc, node }) => `${ip}:${port}에서 응답 없음: Service ${svc}의 주소이지만 ${node}에 규칙이 없습니다.`,
    "load-balancer-port": ({ ip, port, ports }) => `${ip}:${port}에서 응답 없음: 로드 밸런서는 ${ports}에서만 듣습니다.`,
    "load-balancer-without-node": ({ svc, ip }) => `${ip}에서 응답 없음: Service ${svc}의 로드 밸런서 상태 확인을 통과한 노드가 없습니다.`,
    "load-balancer-pending": ({ svc }) =>
      `밖에서 들어오는 길이 없음: Service ${svc}는 LoadBalancer 유형이지만 외부 주소가 아직 pending입니다.`,
    "cluster-ip-from-outside": ({ ip, svc }) => `${ip}로 가는 경로 없음: Service ${svc}의 클러스터 IP이며 노드의 규칙으로만 존재합니다.`,
    "pod-from-outside": ({ ip }) => `${ip}로 가는 경로 없음: 파드 주소는 클러스터 안에서만 알려져 있습니다.`,
    "range-from-outside": ({ ip }) => `${ip}로 가는 경로 없음: Service 범위는 클러스터 안에서만 알려져 있습니다.`,
    "node-down": ({ node }) => `응답 없음: ${node}가 다운되었습니다.`,
    "node-down-with-pod": ({ node, pod }) => `응답 없음: 파드 ${pod}는 ${node}에서 실행되는데 ${node}가 다운되었습니다.`,
    "nodes-split": ({ node, other }) => `응답 없음: 장애 설정이 ${node}와 ${other} 사이를 끊었습니다. 두 노드는 모두 동작합니다.`,
    "packet-lost": ({ node, other }) => `응답 없음: 장애 설정이 패킷 일부를 버리는 ${node}와 ${other} 사이에서 패킷이 사라졌습니다.`,
    "no-node-up": ({ ip }) => `${ip}에서 응답 없음: 요청을 받을 노드가 하나도 없습니다.`,
    "nothing-listens-on-node": ({ node, port }) =>
      `${node}가 거부함: 포트 ${port}에서 듣는 프로세스가 없고 이 포트를 노드 포트로 쓰는 Service도 없습니다.`,
    "nothing-listens-outside": ({ ip, port }) => `${ip}가 거부함: 그곳의 포트 ${port}에서 듣는 프로세스가 없습니다.`,
    "sender-missing": ({ name }) => `보내지 않음: ${name}이(가) 없습니다.`,
    "sender-not-running": ({ pod, phase }) => `보내지 않음: 파드 ${pod}가 실행 중이 아닙니다(${phase}).`,
    "sender-node-down": ({ node }) => `보내지 않음: 보내는 쪽이 실행되는 ${node}가 다운되었습니다.`,
    "no-address-of-family": ({ family, ip }) => `${ip}로 가는 경로 없음: 보내는 쪽에 ${family} 주소가 없습니다.`,
    "policy-ingress": (p) => `파드 ${p.pod} 앞에서 버려짐: ${isolatedBy(p)} ${lacking(p)}.`,
    "policy-egress": (p) => `파드 ${p.pod}에서 나갈 때 버려짐: ${isolatedBy(p)} ${lacking(p)}.`,
    "dns-policy": (p) => `${p.name}을(를) 조회하지 못함: DNS 질의가 파드 ${p.pod}에서 버려졌습니다. ${isolatedBy(p)} ${lacking(p)}.`,
    "nested-too-deep": ({ depth }) => `판정하지 않음: 앱들이 서로를 연달아 ${depth}번 넘게 호출했습니다.`,
    loop: ({ ip }) => `${ip}에서 응답 없음: 패킷이 수명이 다할 때까지 장치 사이를 맴돕니다.`,
    "rejected-by-rule": ({ node, destination }) => `${node}에서 거부됨: 규칙이 ${destination}를 거부합니다.`,
    "dropped-by-rule": ({ node, destination }) => `${node}에서 버려짐: 규칙이 ${destination}를 버립니다.`,
    "http-status": ({ status, place, path }) => `전달되었지만 앱이 ${path}에 ${status}로 답했습니다. ${place}가 요청을 받고 거절했습니다.`,
    "says-nothing": ({ place }) => `${place}가 연결은 받았지만 HTTP로 답하지 않습니다.`,
  },
  fix: {
    "use-selector": ({ k, near }) => `셀렉터를 ${k}: ${near}로 바꾸세요.`,
    "add-label": ({ name, label }) => `${name}의 파드에 레이블 ${label}를 주세요.`,
    "join-namespaces": ({ svc, ns, other }) => `파드를 ${ns}에서 실행하거나 ${other}에 Service ${svc}를 만드세요.`,
    "wait-for-pods": ({ svc }) => `${svc}의 새 파드를 기다리거나 워크로드의 레플리카를 늘리세요.`,
    "make-room": ({ pod }) => `어떤 조건을 만족하는 노드가 없는지 확인하세요: kubectl describe pod ${pod}.`,
    "use-node-selector": ({ wrong, near }) => `nodeSelector의 ${wrong}를 ${near}로 바꾸세요.`,
    "use-probe-port": ({ probe, real }) => `${probe}의 포트를 ${real}로 바꾸세요.`,
    "speak-protocol": ({ port, protocol }) => `컨테이너 포트 ${port}의 프로토콜을 ${protocol}로 바꾸세요.`,
    "name-container-port": ({ port, number }) => `컨테이너 포트 ${number}의 이름을 ${port}로 하세요.`,
    "match-ports": ({ kind, name }) => `${kind} ${name}에 Service와 같은 포트를 주세요.`,
    "look-at-slice": ({ name }) => `그곳에서 응답이 오면 EndpointSlice ${name}의 ready 조건을 설정하세요.`,
    "label-slice": ({ name, svc }) => `EndpointSlice ${name}에 레이블 kubernetes.io/service-name=${svc}를 주세요.`,
    "name-endpoints": ({ svc }) => `같은 Endpoints를 ${svc}라는 이름으로 만드세요.`,
    "use-protocol": ({ has }) => `${has}로 보내고 Service 포트의 프로토콜도 ${has}로 하세요.`,
    "use-node-port": ({ near, port }) => `노드 포트 ${near}로 보내거나 Service에 노드 포트 ${port}도 추가하세요.`,
    "use-external-ip": ({ near, ip }) => `${near}로 보내거나 externalIPs에 ${ip}를 추가하세요.`,
    "check-selector": ({ svc, selector }) =>
      `파드에 레이블 ${selector}를 주거나, Service ${svc}의 spec.selector를 파드가 가진 레이블로 바꾸세요.`,
    "look-at-probe": ({ pod }) => `이유를 확인하세요: kubectl describe pod ${pod}가 프로브와 이벤트를 보여 줍니다.`,
    "look-at-endpoints": ({ svc }) => `준비된 파드를 확인하세요: kubectl get endpointslices -l kubernetes.io/service-name=${svc}.`,
    "scale-up": ({ workload }) => `${workload}의 레플리카를 1로 늘리세요.`,
    "make-endpoints": ({ svc }) => `Service ${svc}의 EndpointSlice를 만들거나 Service에 셀렉터를 주세요.`,
    "use-target-port": ({ real }) => `targetPort를 ${real}로 바꾸세요.`,
    "start-listener": ({ pod, port }) => `파드 ${pod}에서 포트 ${port}를 듣는 프로세스를 실행하세요.`,
    "name-the-port": ({ port }) => `컨테이너 포트의 이름을 ${port}로 하거나 targetPort에 번호를 쓰세요.`,
    "use-tcp": ({ url }) => `Service의 포트로 시도하세요: ${url}.`,
    "use-port": ({ ports }) => `${ports}로 보내세요.`,
    "send-host": ({ host }) => `Host: ${host} 헤더를 보내세요.`,
    "use-name": ({ name }) => `${name} 이름을 사용하세요.`,
    "create-service": ({ name }) => `이름이 ${name}인 Service를 만들거나 이름을 고치세요.`,
    "use-service": ({ name }) => `Service ${name}를 사용하세요. 파드가 바뀌어도 그 주소는 그대로입니다.`,
    "look-up-pod": () => "파드의 주소를 다시 조회하거나 앞에 Service를 두세요.",
    "scale-dns": ({ workload, n }) => `${workload}의 레플리카를 ${n}로 늘리세요.`,
    "restore-dns-service": ({ svc }) => `kube-system에 Service ${svc}를 같은 주소로 다시 만드세요.`,
    "restore-dns-pods": ({ workload }) => `kube-system에 Deployment ${workload}를 다시 만드세요.`,
    "restore-corefile": () =>
      "ConfigMap coredns의 Corefile을 고치고(패치는 kubeadm이 쓰는 내용으로 되돌립니다) 멈춘 파드를 삭제해 바로 다시 시작하게 하세요.",
    "check-upstream": () => "클러스터에는 문제가 없습니다. 밖의 리졸버가 답해야 합니다.",
    "use-node-resolver": () => "CoreDNS가 노드의 리졸버에 묻게 하세요: forward . /etc/resolv.conf.",
    "use-cluster-dns": () => "파드에 dnsPolicy: ClusterFirst를 주세요(hostNetwork이면 ClusterFirstWithHostNet).",
    "name-service-port": ({ svc, port }) => `Service ${svc}의 포트에 ${port}라는 이름을 주세요.`,
    "shorten-name": () => "이름을 줄이세요.",
    "use-final-dot": ({ name }) => `끝에 점을 붙여 ${name}로 쓰거나, 파드의 dnsConfig에 ndots: 1을 주세요.`,
    "repair-dns": () => "DNS 파드를 다시 실행하세요: kubectl get pods -n kube-system -l k8s-app=kube-dns.",
    "check-external-name": ({ target }) => `externalName을 밖에 존재하는 이름으로 바꾸세요. ${target}는 존재하지 않습니다.`,
    "use-node": ({ nodes, policy }) =>
      `파드가 있는 노드로 보내세요: ${nodes}. 또는 ${policy}를 Cluster로 바꾸세요(파드에게는 출발지가 노드로 보입니다).`,
    "run-pod-here": ({ svc, node, policy }) => `${node}에서 ${svc}의 준비된 파드를 실행하거나 ${policy}를 Cluster로 바꾸세요.`,
    "allow-source": ({ source }) => `loadBalancerSourceRanges에 ${source}를 추가하세요.`,
    "allow-in-policy": ({ policy, what }) => `NetworkPolicy ${policy}에 ${what}를 추가하세요.`,
    "correct-policy": ({ policy, wrong, near }) => `NetworkPolicy ${policy}의 ${wrong}를 ${near}로 바꾸세요.`,
    "policy-knows-no-icmp": ({ policy }) => `NetworkPolicy ${policy}는 포트를 지정하는데 ICMP에는 포트가 없습니다. 포트로 시도하세요.`,
    "check-policy": ({ policy }) => `패킷을 NetworkPolicy ${policy}의 규칙과 비교하세요.`,
    "expose-service": ({ svc }) => `Service ${svc}를 NodePort나 LoadBalancer로 바꾸거나 클러스터 안에서 보내세요.`,
    "use-external-address": ({ address }) => `밖을 위한 주소 ${address}로 보내세요.`,
    "send-from-inside": () => "클러스터 안에서 보내거나 파드 앞에 NodePort나 LoadBalancer Service를 두세요.",
    "wait-for-load-balancer": ({ svc }) => `kubectl describe service ${svc}로 이유를 확인하세요. 그동안은 노드 포트를 쓸 수 있습니다.`,
    "bring-node-back": ({ node }) => `${node}를 복구하거나 다른 노드로 보내세요.`,
    "remove-fault": () => "장애를 제거하세요: GET /faults가 목록을 보여 주며, 노드에 kubearium.dev/fault 애너테이션이 있을 수도 있습니다.",
    "bring-nodes-back": () => "노드를 복구하세요.",
    "correct-endpoints": ({ svc, ip }) => `Service ${svc}의 엔드포인트를 고치세요. ${ip}에서는 아무도 답하지 않습니다.`,
    "check-address": () => "주소를 확인하세요.",
    "check-sender": () => "실행 중인 보내는 쪽을 고르세요: kubectl get pods -o wide.",
    "use-family": ({ family }) => `${family} 주소가 있는 파드에서 보내거나 보내는 쪽과 같은 종류의 주소로 보내세요.`,
    "remove-not-emulated": () => "클러스터의 문제가 아니라 에뮬레이터의 한계입니다.",
    "read-answer": () => "응답 본문과 앱의 로그를 읽으세요. 네트워크는 제 역할을 했습니다.",
  },
  rule: {
    jump: (p) => (p.target === "" ? "이 훅의 모든 패킷이 여기서 시작합니다." : `이 훅의 패킷을 ${p.target}와 대조합니다.`),
    "cluster-ip": (p) => addressedTo(p, "클러스터 IP"),
    "external-ip": (p) => addressedTo(p, "외부 IP"),
    "load-balancer-ip": (p) => addressedTo(p, "로드 밸런서 주소"),
    "node-port": (p) => addressedTo(p, "노드 포트"),
    "node-ports": (p) =>
      p.target === "" ? "이 노드 자체로 온 패킷을 위한 것입니다." : `이 노드 자체로 온 패킷을 ${p.target}의 노드 포트와 대조합니다.`,
    "health-check": (p) => `로드 밸런서가 이 노드에 ${service(p)}의 파드가 있는지 물어볼 수 있습니다.`,
    "no-endpoints": (p) => `${service(p)}에 엔드포인트가 없어 패킷을 거부합니다.`,
    "no-local-endpoints": (p) => `이 노드에 ${service(p)}의 엔드포인트가 없고 정책이 Local이므로 패킷을 버립니다.`,
    "source-range": (p) => `이 출발지 범위는 ${service(p)}의 로드 밸런서 주소를 쓸 수 있습니다.`,
    "source-range-drop": (p) => `${service(p)}가 허용하지 않은 출발지의 패킷을 버립니다.`,
    "masquerade-off-cluster": (p) => `파드 범위 밖에서 ${service(p)}로 온 패킷은 출발지가 노드 주소로 바뀝니다.`,
    "masquerade-all": (p) => `${service(p)}로 온 모든 패킷은 출발지가 노드 주소로 바뀝니다.`,
    "masquerade-external": (p) => `밖에서 ${service(p)}로 온 패킷은 출발지가 노드 주소로 바뀝니다.`,
    "masquerade-local": (p) => `이 노드가 ${service(p)}로 보낸 패킷은 출발지가 노드 주소로 바뀝니다.`,
    "masquerade-hairpin": (p) => `${p.endpoint || "엔드포인트"}가 자신에게 보낸 패킷은 출발지가 노드 주소로 바뀝니다.`,
    "pod-shortcut": (p) => `파드는 정책과 관계없이 ${service(p)}의 모든 엔드포인트를 쓸 수 있습니다.`,
    "node-shortcut": (p) => `이 노드는 정책과 관계없이 ${service(p)}의 모든 엔드포인트를 쓸 수 있습니다.`,
    "external-policy": (p) =>
      p.target === "" ? `${service(p)}의 외부 트래픽을 위한 것입니다.` : `${service(p)}의 외부 트래픽은 ${p.target}에서 계속됩니다.`,
    affinity: (p) => `전에 ${p.endpoint || "엔드포인트"}를 쓴 클라이언트는 다시 그곳으로 보냅니다.`,
    balance: (p) => {
      if (p.evenly) return `같은 확률로 이 중 하나를 고릅니다: ${p.endpoint}.`;
      return p.probability === undefined
        ? `남은 것은 ${p.endpoint}로 갑니다.`
        : `${rounded(p.probability, 3)}의 확률로 ${p.endpoint}로 계속됩니다.`;
    },
    endpoint: (p) => `목적지가 ${p.endpoint || "엔드포인트"}로 바뀝니다.`,
    mark: () => "나갈 때 출발지를 바꾸도록 패킷에 표시합니다.",
    masquerade: () => "표시된 패킷의 출발지를 노드 주소로 바꿉니다.",
    forward: () => "Service가 보낸 패킷을 통과시킵니다.",
    invalid: () => "알려진 연결에 속하지 않는 패킷을 버립니다.",
    "loopback-guard": () => "노드의 루프백 주소에서 듣는 서비스에 낯선 패킷이 닿지 못하게 합니다.",
    "unserved-cluster-ip": () => "클러스터 IP로 왔지만 Service 포트가 아닌 패킷을 거부합니다.",
  },
} satisfies Catalogue;
