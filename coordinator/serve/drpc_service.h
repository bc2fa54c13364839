// SPDX-License-Identifier: Apache-2.0
//
// The Drpc service (proto/drpc.proto) in front of a DrpcServer.
#ifndef TRIDENT_COORDINATOR_SERVE_DRPC_SERVICE_H_
#define TRIDENT_COORDINATOR_SERVE_DRPC_SERVICE_H_

#include "base/clock.h"
#include "coordinator/serve/drpc_server.h"
#include "proto/drpc.grpc.pb.h"

namespace trident {

// Every method takes bytes; see service_calls.h.
using RawDrpc = v1::Drpc::WithRawCallbackMethod_Execute<
    v1::Drpc::WithRawCallbackMethod_ListFunctions<v1::Drpc::Service>>;

// Thread-safe.
class DrpcService final : public RawDrpc {
 public:
  // Both must outlive the service.
  DrpcService(DrpcServer& server, const Clock& clock) : server_(server), clock_(clock) {}

  grpc::ServerUnaryReactor* Execute(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListFunctions(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;

 private:
  DrpcServer& server_;
  const Clock& clock_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_DRPC_SERVICE_H_
