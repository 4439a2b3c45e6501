"""The site agent: pulls desired state, drives a cluster, reports observed state. Outbound HTTPS only."""
