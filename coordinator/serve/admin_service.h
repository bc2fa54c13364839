// SPDX-License-Identifier: Apache-2.0
//
// The Admin service (proto/admin.proto) in front of a TopologyControl.
#ifndef TRIDENT_COORDINATOR_SERVE_ADMIN_SERVICE_H_
#define TRIDENT_COORDINATOR_SERVE_ADMIN_SERVICE_H_

#include "coordinator/serve/topology_control.h"
#include "proto/admin.grpc.pb.h"

namespace trident {

// Every method takes bytes; see service_calls.h.
using RawAdmin = v1::Admin::WithRawCallbackMethod_Batches<
    v1::Admin::WithRawCallbackMethod_Explain<v1::Admin::WithRawCallbackMethod_Pause<
        v1::Admin::WithRawCallbackMethod_Resume<v1::Admin::WithRawCallbackMethod_Version<
            v1::Admin::WithRawCallbackMethod_Metrics<v1::Admin::Service>>>>>>;

// Thread-safe. Pausing and resuming leave a line in the log, with the caller's address.
class AdminService final : public RawAdmin {
 public:
  // `control` must outlive the service.
  explicit AdminService(TopologyControl& control) : control_(control) {}

  grpc::ServerUnaryReactor* Batches(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Pause(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Resume(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Version(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Metrics(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;

 private:
  TopologyControl& control_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_ADMIN_SERVICE_H_
