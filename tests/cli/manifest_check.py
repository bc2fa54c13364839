# SPDX-License-Identifier: Apache-2.0
# manifest_check.py FILE: fails if the manifest lacks what a topology needs.
import re
import sys

import yaml

service, workload = yaml.safe_load_all(open(sys.argv[1]))
assert (service["apiVersion"], service["kind"]) == ("v1", "Service")
assert service["spec"]["clusterIP"] == "None", "the service is headless"
assert (workload["apiVersion"], workload["kind"]) == ("apps/v1", "StatefulSet")
spec = workload["spec"]
assert spec["serviceName"] == service["metadata"]["name"]
labels = spec["template"]["metadata"]["labels"]
assert spec["selector"]["matchLabels"] == labels == service["spec"]["selector"]
pod = spec["template"]["spec"]
assert pod["terminationGracePeriodSeconds"] > 10, "an end by force takes 10 s"
(container,) = pod["containers"]
assert len(container["command"]) == 1, "no shell stands between"
args = container["args"]
known = {e["name"] for e in container.get("env", [])}
assert set(re.findall(r"\$\((\w+)\)", " ".join(args))) == known, "variables that are used"
if args[0] == "run":
    assert spec["replicas"] == 1, "two replicas would be two topologies"
else:
    after = lambda option: args[args.index(option) + 1]
    assert args[0] == "worker" and int(after("--workers")) == spec["replicas"]
    assert after("--worker") == "$(POD_INDEX)"
    assert spec["podManagementPolicy"] == "Parallel", "each waits for all"
    assert service["spec"]["publishNotReadyAddresses"], "none is ready before it finds the others"
    name = service["metadata"]["name"]
    domain = f".{name}.$(POD_NAMESPACE).svc"
    assert after("--leader") == f"{name}-0{domain}:7500"
    assert after("--peer-host") == "$(POD_NAME)" + domain
    listens = {p["name"]: p["port"] for p in service["spec"]["ports"]}
    assert listens["leader"] == 7500
    assert after("--exchange-address") == f"0.0.0.0:{listens['exchange']}"
    (secret,) = pod["volumes"]
    assert secret["secret"]["defaultMode"] == 0o440, "a key that others read is refused"
    for option in ("--token-file", "--peer-tls-cert", "--peer-tls-key", "--peer-tls-ca"):
        assert after(option).startswith("/etc/wordcount/peers/"), option
port = int(args[args.index("--probe-address") + 1].rpartition(":")[2])
ports = {p["name"]: p["containerPort"] for p in container["ports"]}
for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
    get = container[probe]["httpGet"]
    assert get["path"] == path and ports[get["port"]] == port, probe
mount = container["volumeMounts"][0]
(claim,) = spec["volumeClaimTemplates"]
assert mount["name"] == claim["metadata"]["name"]
assert args[args.index("--state") + 1].startswith(mount["mountPath"] + "/")
