// SPDX-License-Identifier: Apache-2.0
//
// Where the processes of a topology reach each other, and what protects it.
#ifndef TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_PORTS_H_
#define TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_PORTS_H_

#include <optional>
#include <string>

#include "base/ports/listen_address.h"
#include "base/ports/tls_files.h"
#include "base/status.h"
#include "trident/run/cluster/cluster_run.h"

namespace trident {

struct ClusterPorts {
  HostPort leader;    // where it listens, if this process leads, else where it is dialled
  HostPort exchange;  // where this process listens
  std::string host;   // by which others dial this process
  std::optional<TlsContent> tls;
};

// InvalidArgument: an address that cannot be, that others could not dial, or that others than this
// machine reach while TLS or the token is missing; files of TLS that cannot be read.
StatusOr<ClusterPorts> PortsOf(const ClusterOptions& options);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_CLUSTER_CLUSTER_PORTS_H_
