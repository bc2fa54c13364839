// SPDX-License-Identifier: Apache-2.0
//
// The Admin service (proto/admin.proto) in front of a TopologyControl.
#ifndef TRIDENT_COORDINATOR_ADMIN_SERVICE_H_
#define TRIDENT_COORDINATOR_ADMIN_SERVICE_H_

#include "coordinator/topology_control.h"
#include "proto/admin.grpc.pb.h"

namespace trident {

// Thread-safe. Pausing and resuming leave a line in the log, with the caller's address.
class AdminService final : public v1::Admin::CallbackService {
 public:
  // `control` must outlive the service.
  explicit AdminService(TopologyControl& control) : control_(control) {}

  grpc::ServerUnaryReactor* Batches(grpc::CallbackServerContext* context,
                                    const v1::BatchesRequest* request,
                                    v1::BatchesResponse* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override;
  grpc::ServerUnaryReactor* Pause(grpc::CallbackServerContext* context,
                                  const v1::PauseRequest* request,
                                  v1::PauseResponse* response) override;
  grpc::ServerUnaryReactor* Resume(grpc::CallbackServerContext* context,
                                   const v1::ResumeRequest* request,
                                   v1::ResumeResponse* response) override;
  grpc::ServerUnaryReactor* Version(grpc::CallbackServerContext* context,
                                    const v1::VersionRequest* request,
                                    v1::VersionResponse* response) override;
  grpc::ServerUnaryReactor* Metrics(grpc::CallbackServerContext* context,
                                    const v1::MetricsRequest* request,
                                    v1::MetricsResponse* response) override;

 private:
  TopologyControl& control_;
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_ADMIN_SERVICE_H_
