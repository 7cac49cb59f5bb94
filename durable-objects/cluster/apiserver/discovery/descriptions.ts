/**
 * What `kubectl explain` says about kinds and fields, in our own words. Only what the networking chapters need; where
 * nothing is said, `explain` prints its `<empty>`.
 */

const kinds: Record<string, string> = {
  "core.v1.Service": "A Service gives a group of pods one stable name and, unless it is headless, one stable address.",
  "core.v1.ServiceSpec": "What a Service offers and to whom its traffic goes.",
  "core.v1.ServicePort": "One port of a Service, and the port of the pods behind it.",
  "core.v1.ServiceStatus": "What became of a Service outside the cluster.",
  "core.v1.LoadBalancerStatus": "The addresses under which the load balancer takes traffic.",
  "core.v1.LoadBalancerIngress": "One address, or name, of a load balancer.",
  "core.v1.SessionAffinityConfig": "How long a client stays with one backend.",
  "core.v1.ClientIPConfig": "How long clients, told apart by their address, stay with one backend.",
  "core.v1.Endpoints":
    "The addresses behind a Service in their older form. EndpointSlice took over; Endpoints hold at most 1000 addresses.",
  "discovery.v1.EndpointSlice":
    "A part of the addresses behind a Service. A Service may have many slices; together they are its endpoints.",
  "discovery.v1.Endpoint": "One backend: usually a pod, with its address and its state.",
  "discovery.v1.EndpointConditions": "Whether a backend may be sent traffic.",
  "discovery.v1.EndpointPort": "A port on which all backends of the slice listen.",
  "discovery.v1.EndpointHints": "Which clients a backend is meant for.",
  "networking.v1.NetworkPolicy":
    "A NetworkPolicy says what traffic pods take and send. A pod that no policy selects takes and sends everything.",
  "networking.v1.NetworkPolicySpec": "The pods that a policy selects, and what they may do.",
  "networking.v1.NetworkPolicyIngressRule": "Traffic that selected pods take: from any of the peers, to any of the ports.",
  "networking.v1.NetworkPolicyEgressRule": "Traffic that selected pods send: to any of the peers, on any of the ports.",
  "networking.v1.NetworkPolicyPeer": "Who is on the other side: pods, namespaces, or a range of addresses.",
  "networking.v1.NetworkPolicyPort": "A port or a range of ports that traffic may go to.",
  "networking.v1.IPBlock": "A range of addresses, with ranges taken out of it.",
  "networking.v1.Ingress": "An Ingress sends HTTP requests from outside to Services, by host and path. It needs an ingress controller.",
  "networking.v1.IngressClass": "An IngressClass names a controller that Ingresses can ask for.",
  "core.v1.Pod": "A Pod is a group of containers that run on one node and share one network address.",
  "core.v1.Node": "A Node is a machine that runs pods.",
  "core.v1.Namespace": "A Namespace is a room for names: what is in it is found by short names only from within.",
  "core.v1.ConfigMap": "A ConfigMap holds settings that pods read as files or environment variables.",
  "core.v1.Secret": "A Secret holds values such as passwords. They are encoded in base64, which hides nothing.",
  "core.v1.ServiceAccount": "A ServiceAccount is the identity under which pods talk to the API server.",
  "core.v1.Event": "An Event reports something that happened to an object.",
  "apps.v1.Deployment": "A Deployment keeps a number of equal pods running and replaces them step by step when its template changes.",
  "apps.v1.ReplicaSet": "A ReplicaSet keeps a number of equal pods running. Usually a Deployment owns it.",
  "meta.v1.ObjectMeta": "What every object has: its name, its labels, and what the server notes about it.",
  "meta.v1.LabelSelector": "A choice of objects by their labels. All requirements must hold; an empty selector takes everything.",
};

const members: Record<string, Record<string, string>> = {
  "core.v1.Service": {
    spec: "What the Service offers and to whom its traffic goes.",
    status: "What became of it. Set by the cluster.",
  },
  "core.v1.ServiceSpec": {
    allocateLoadBalancerNodePorts: "Whether a Service of type LoadBalancer also gets node ports. Default: true.",
    clusterIP:
      'The address of the Service inside the cluster. Empty: the server picks one. "None" makes the Service headless: its name stands for the addresses of its pods. Cannot be changed later.',
    clusterIPs: "The addresses of the Service, at most one of each IP family. The first one is also clusterIP.",
    externalIPs: "More addresses for which nodes take traffic for this Service. Nobody checks that they lead to the nodes.",
    externalName: "Only for type ExternalName: the name that the Service's name is an alias (CNAME) of.",
    externalTrafficPolicy:
      "Where traffic from outside may go. Cluster: to any backend. Local: only to backends on the node it arrived at, so that they see the client's own address; without one it is dropped.",
    healthCheckNodePort:
      "Only for type LoadBalancer with externalTrafficPolicy Local: the port where nodes tell whether they have a backend.",
    internalTrafficPolicy:
      "Where traffic from inside may go. Cluster: to any backend. Local: only to backends on the client's own node; without one it is dropped.",
    ipFamilies: "The IP families of the addresses, in order.",
    ipFamilyPolicy: "Whether the Service has addresses of one IP family or of two.",
    loadBalancerClass: "Which load balancer implementation the Service asks for.",
    loadBalancerIP: "An address to ask the load balancer for. Deprecated; not all of them listen.",
    loadBalancerSourceRanges: "The ranges of addresses from which the load balancer takes traffic. Empty: all.",
    ports: "The ports of the Service. Only a headless Service may have none.",
    publishNotReadyAddresses: "Whether backends that are not ready count as ready in DNS and in endpoints.",
    selector: "The labels of the pods behind the Service. Empty: its endpoints are written by hand.",
    sessionAffinity: "ClientIP keeps a client at one backend. Default: None.",
    sessionAffinityConfig: "Settings of the session affinity.",
    trafficDistribution:
      "Which backends traffic prefers: those in the client's zone (PreferSameZone, PreferClose) or on its node (PreferSameNode).",
    type: "How the Service can be reached: ClusterIP, only inside; NodePort, also at a port of every node; LoadBalancer, also through a load balancer; ExternalName, as an alias in DNS.",
  },
  "core.v1.ServicePort": {
    appProtocol: "The application's protocol, such as kubernetes.io/h2c, for those who care.",
    name: "The name of the port within the Service. Needed when there is more than one.",
    nodePort: "The port of every node that leads here, for types NodePort and LoadBalancer. Empty: the server picks one.",
    port: "The port at the Service's address.",
    protocol: "TCP, UDP or SCTP. Default: TCP.",
    targetPort: "The port of the pods, by number or by the name it has in their containers. Default: the same number as port.",
  },
  "core.v1.LoadBalancerIngress": {
    hostname: "The name of the load balancer, where it goes by one.",
    ip: "Its address.",
    ipMode: "VIP: packets arrive with this address as their destination. Proxy: they arrive with a node's or a pod's.",
    ports: "The ports it takes traffic at, with errors.",
  },
  "core.v1.ClientIPConfig": { timeoutSeconds: "How long a silent client is remembered. Default: 10800, three hours." },
  "discovery.v1.EndpointSlice": {
    addressType: "What the addresses are: IPv4, IPv6 or FQDN. Cannot be changed.",
    endpoints: "The backends, at most 1000.",
    ports: "The ports on which every backend of this slice listens. Empty: no port at all.",
  },
  "discovery.v1.Endpoint": {
    addresses: "Addresses of one and the same backend; only the first one is used.",
    conditions: "Whether it may be sent traffic.",
    deprecatedTopology: "Labels of its place from an older version of the API.",
    hints: "Which clients it is meant for.",
    hostname: "Its name below that of the Service, in DNS.",
    nodeName: "The node it is on.",
    targetRef: "The object behind it, usually a pod.",
    zone: "The zone it is in.",
  },
  "discovery.v1.EndpointConditions": {
    ready: "It takes new connections: it serves and is not on its way out. Unknown counts as true.",
    serving: "It answers, even if it is about to stop. Unknown counts as ready.",
    terminating: "It is about to stop. Unknown counts as false.",
  },
  "discovery.v1.EndpointPort": {
    appProtocol: "The application's protocol.",
    name: "The name of the Service's port that it belongs to.",
    port: "The number of the port.",
    protocol: "TCP, UDP or SCTP.",
  },
  "discovery.v1.EndpointHints": {
    forNodes: "The nodes whose clients should use it.",
    forZones: "The zones whose clients should use it.",
  },
  "networking.v1.NetworkPolicySpec": {
    egress: "What selected pods may send. Only counts when policyTypes has Egress; empty then: nothing.",
    ingress: "What selected pods take. Only counts when policyTypes has Ingress; empty then: nothing.",
    podSelector: "The pods of its namespace that the policy is for. Empty: all of them.",
    policyTypes: "Which directions the policy speaks about. Default: Ingress, and Egress when there are egress rules.",
  },
  "networking.v1.NetworkPolicyIngressRule": {
    from: "Who may send, any of them. Empty: everybody.",
    ports: "Which ports, any of them. Empty: all.",
  },
  "networking.v1.NetworkPolicyEgressRule": {
    ports: "Which ports, any of them. Empty: all.",
    to: "To whom, any of them. Empty: everybody.",
  },
  "networking.v1.NetworkPolicyPeer": {
    ipBlock: "A range of addresses; then the selectors stay out.",
    namespaceSelector: "Namespaces by their labels. Empty: all. Together with podSelector: those pods in those namespaces.",
    podSelector: "Pods by their labels; without namespaceSelector in the policy's own namespace.",
  },
  "networking.v1.NetworkPolicyPort": {
    endPort: "The end of a range that begins at port.",
    port: "The port of the receiving pod, by number or name. Empty: all.",
    protocol: "TCP, UDP or SCTP. Default: TCP.",
  },
  "networking.v1.IPBlock": {
    cidr: "The range, such as 10.0.0.0/8 or 2001:db8::/32.",
    except: "Ranges within it that are left out.",
  },
  "meta.v1.ObjectMeta": {
    annotations: "Notes of tools and people; nothing is selected by them.",
    creationTimestamp: "When the object was created. Set by the server.",
    deletionTimestamp: "When the object is to be gone. Set by the server when it is deleted and something still holds it.",
    finalizers: "Who must let go before the object is gone.",
    generateName: "The beginning of a name that the server completes.",
    generation: "How often the wanted state changed. Set by the server.",
    labels: "Pairs by which objects are selected.",
    managedFields: "Which manager set which fields.",
    name: "The name; unique among its kind in its namespace.",
    namespace: "The namespace it is in.",
    ownerReferences: "The objects that it depends on; when all are gone, so is it.",
    resourceVersion: "Changes with every write; for finding out whether something changed.",
    uid: "Unlike the name, never used again. Set by the server.",
  },
};

/** Of a structure, or of one of its members; undefined where we have no words. */
export const descriptionOf = (struct: string, member?: string): string | undefined =>
  member === undefined ? kinds[struct] : members[struct]?.[member];

/** How many descriptions there are; each must be about something. */
export const describedCount = Object.keys(kinds).length + Object.values(members).reduce((sum, of) => sum + Object.keys(of).length, 0);
