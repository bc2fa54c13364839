# SPDX-License-Identifier: Apache-2.0
# manifest_check.py FILE: fails if the manifest lacks what a topology needs.
import sys

import yaml

service, workload = yaml.safe_load_all(open(sys.argv[1]))
assert (service["apiVersion"], service["kind"]) == ("v1", "Service")
assert service["spec"]["clusterIP"] == "None", "the service is headless"
assert (workload["apiVersion"], workload["kind"]) == ("apps/v1", "StatefulSet")
spec = workload["spec"]
assert spec["replicas"] == 1, "two replicas would be two topologies"
assert spec["serviceName"] == service["metadata"]["name"]
labels = spec["template"]["metadata"]["labels"]
assert spec["selector"]["matchLabels"] == labels == service["spec"]["selector"]
pod = spec["template"]["spec"]
assert pod["terminationGracePeriodSeconds"] > 10, "an end by force takes 10 s"
(container,) = pod["containers"]
assert len(container["command"]) == 1, "no shell stands between"
args = container["args"]
port = int(args[args.index("--probe-address") + 1].rpartition(":")[2])
ports = {p["name"]: p["containerPort"] for p in container["ports"]}
for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
    get = container[probe]["httpGet"]
    assert get["path"] == path and ports[get["port"]] == port, probe
(mount,) = container["volumeMounts"]
(claim,) = spec["volumeClaimTemplates"]
assert mount["name"] == claim["metadata"]["name"]
assert args[args.index("--state") + 1].startswith(mount["mountPath"] + "/")
