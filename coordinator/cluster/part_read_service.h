// SPDX-License-Identifier: Apache-2.0
//
// PartReads over gRPC (proto/control.proto): the end that answers, on the port at which a worker
// takes rows, and the end that asks.
#ifndef TRIDENT_COORDINATOR_CLUSTER_PART_READ_SERVICE_H_
#define TRIDENT_COORDINATOR_CLUSTER_PART_READ_SERVICE_H_

#include <memory>
#include <optional>
#include <string>

#include "base/ports/tls_files.h"
#include "coordinator/cluster/part_reads.h"
#include "coordinator/cluster/process_questions.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace trident {

// What answers calls that bring `token`. Its methods run on threads of the server that it is given
// to, and wait as those who answer do, who outlive it. What cannot be (no epoch, more than
// kPartReadKeysMax keys) is refused with InvalidArgument.
std::shared_ptr<grpc::Service> NewPartReadService(PartReads& parts, ProcessQuestions& questions,
                                                  std::string token);

// The parts of the worker that listens at "host:port". A call is Unavailable after kPartReadMsMax.
// It has a connection of its own, and dials again by itself. `tls` as that worker has it.
std::unique_ptr<PartReads> NewFarPart(const std::string& address, std::string token,
                                      const std::optional<TlsContent>& tls);
// The same, for questions.
std::unique_ptr<ProcessQuestions> NewFarProcess(const std::string& address, std::string token,
                                                const std::optional<TlsContent>& tls);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLUSTER_PART_READ_SERVICE_H_
