/** PLACEHOLDER: wires the parts. */
export class Cluster {}
