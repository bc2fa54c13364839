// SPDX-License-Identifier: Apache-2.0
//
// The Admin service (proto/admin.proto) in front of a TopologyControl. Short calls are answered on
// the network's threads, a backup is read on a thread of its own.
#ifndef TRIDENT_COORDINATOR_SERVE_ADMIN_SERVICE_H_
#define TRIDENT_COORDINATOR_SERVE_ADMIN_SERVICE_H_

#include <atomic>
#include <optional>

#include "base/clock.h"
#include "coordinator/serve/stream_slots.h"
#include "coordinator/serve/topology_control.h"
#include "coordinator/serve/work_queue.h"
#include "proto/admin.grpc.pb.h"

namespace trident {

// What backups share.
struct BackupBackend {
  BackupBackend(TopologyControl& control, const Clock& clock, Nanos stall_max);

  TopologyControl& control;
  StreamSlots slots;
  WorkQueue work;
  std::atomic<bool> stopping{false};  // streams end at their next step
};

// Every method takes bytes; see service_calls.h.
using RawAdmin = v1::Admin::WithRawCallbackMethod_Batches<v1::Admin::WithRawCallbackMethod_Workers<
    v1::Admin::WithRawCallbackMethod_Explain<v1::Admin::WithRawCallbackMethod_Pause<
        v1::Admin::WithRawCallbackMethod_Resume<v1::Admin::WithRawCallbackMethod_Version<
            v1::Admin::WithRawCallbackMethod_Metrics<v1::Admin::WithRawCallbackMethod_Backup<
                v1::Admin::WithRawCallbackMethod_DeadLetters<v1::Admin::Service>>>>>>>>>;

// Thread-safe. Pausing, resuming, a backup, and what is asked about dead letters leave a line in
// the log, with the caller's address.
class AdminService final : public RawAdmin {
 public:
  // `control` and `clock` must outlive the service. A client that does not take the next part of a
  // backup for `stall_max` is cut off.
  AdminService(TopologyControl& control, const Clock& clock, Nanos stall_max)
      : control_(control), backups_(control, clock, stall_max) {
    if (control.MayWait()) slow_calls_.emplace(1);
  }

  // Lets go of backups under way.
  void Stop() { backups_.stopping = true; }

  grpc::ServerUnaryReactor* Batches(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Workers(grpc::CallbackServerContext* context,
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
  grpc::ServerUnaryReactor* DeadLetters(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Backup(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request) override;

 private:
  // Answers by handle(request, response) -> Status, at once unless the control may wait.
  template <class Request, class Response, class Handle>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext& context,
                                   const grpc::ByteBuffer& request, grpc::ByteBuffer& response,
                                   Handle handle);

  TopologyControl& control_;
  BackupBackend backups_;
  std::optional<WorkQueue> slow_calls_;
};

// A part of the service, in a file of its own.
grpc::ServerWriteReactor<grpc::ByteBuffer>* NewBackupStream(BackupBackend& backend,
                                                            grpc::CallbackServerContext& context,
                                                            const grpc::ByteBuffer& request);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_ADMIN_SERVICE_H_
