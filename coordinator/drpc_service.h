// SPDX-License-Identifier: Apache-2.0
//
// The Drpc service (proto/drpc.proto) in front of a DrpcServer.
#ifndef TRIDENT_COORDINATOR_DRPC_SERVICE_H_
#define TRIDENT_COORDINATOR_DRPC_SERVICE_H_

#include "base/clock.h"
#include "coordinator/drpc_server.h"
#include "proto/drpc.grpc.pb.h"

namespace trident {

// Thread-safe.
class DrpcService final : public v1::Drpc::CallbackService {
 public:
  // Both must outlive the service.
  DrpcService(DrpcServer& server, const Clock& clock) : server_(server), clock_(clock) {}

  grpc::ServerUnaryReactor* Execute(grpc::CallbackServerContext* context,
                                    const v1::ExecuteRequest* request,
                                    v1::ExecuteResponse* response) override;
  grpc::ServerUnaryReactor* ListFunctions(grpc::CallbackServerContext* context,
                                          const v1::ListFunctionsRequest* request,
                                          v1::ListFunctionsResponse* response) override;

 private:
  DrpcServer& server_;
  const Clock& clock_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_DRPC_SERVICE_H_
