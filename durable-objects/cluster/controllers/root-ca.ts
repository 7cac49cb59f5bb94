/**
 * What stands in every namespace's `kube-root-ca.crt`: a certificate authority named as kubeadm names it.
 *
 * The same in every cluster, and its private key was thrown away: the API is served under the edge's own certificate,
 * inside the cluster nothing is encrypted.
 */
export const rootCA = `-----BEGIN CERTIFICATE-----
MIIBkDCCATegAwIBAgIUCU/8s7JTGQbjSQGw7Y0MNmLqi3MwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAgFw0yNjExMjQxNTM0NTFaGA8yMTI2MTAz
MTE1MzQ1MVowFTETMBEGA1UEAwwKa3ViZXJuZXRlczBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABLsmPbHMkIn1H6RTK5RWI6oWHVSWxtk+3Vl76RwyAe9smvGdwBlL
tPTURzAlBa02dlo2IFU/tpjne4sUQIRToeOjYzBhMB0GA1UdDgQWBBRuxHwaqAku
bOoq1VGGiTsTW6vTdzAfBgNVHSMEGDAWgBRuxHwaqAkubOoq1VGGiTsTW6vTdzAP
BgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwICpDAKBggqhkjOPQQDAgNHADBE
AiArlMrEg3ciqpYqPRqvkEYoY4VPsQ0rkIEOSOc1zSxTVwIgVrbsMfPkovEA9I1E
sH3+9S1BkzaARqX+tC4iWO9o+ok=
-----END CERTIFICATE-----
`;
