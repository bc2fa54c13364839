// SPDX-License-Identifier: Apache-2.0
//
// The Query service (proto/query.proto) in front of a StateCatalog. Point reads are answered on the
// network's threads; what waits for a txid costs no thread, and what may take long runs on a few
// threads of its own, so that no reader holds up another one's point read.
#ifndef TRIDENT_COORDINATOR_SERVE_QUERY_SERVICE_H_
#define TRIDENT_COORDINATOR_SERVE_QUERY_SERVICE_H_

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "base/types.h"
#include "base/utf8.h"
#include "coordinator/serve/commit_waiters.h"
#include "coordinator/serve/datum_codec.h"
#include "coordinator/serve/state_access.h"
#include "coordinator/serve/stream_slots.h"
#include "coordinator/serve/work_queue.h"
#include "proto/query.grpc.pb.h"
#include "state/view/state_catalog.h"

namespace trident {

// What the parts of the service share.
struct QueryBackend {
  // Stall times of `streams` are the default ones unless a test says otherwise.
  QueryBackend(const StateCatalog& catalog, const Clock& clock, Nanos stall_max);

  const StateCatalog& catalog;
  const Clock& clock;
  StreamSlots scans;
  StreamSlots watches;
  CommitWaiters waiters;
  WorkQueue work;
  std::atomic<bool> stopping{false};  // streams end at their next step
};

// Every method takes bytes; see service_calls.h.
using RawQuery = v1::Query::WithRawCallbackMethod_Get<v1::Query::WithRawCallbackMethod_MultiGet<
    v1::Query::WithRawCallbackMethod_Scan<v1::Query::WithRawCallbackMethod_Watch<
        v1::Query::WithRawCallbackMethod_ListStates<v1::Query::Service>>>>>;

// Thread-safe.
class QueryService final : public RawQuery {
 public:
  // `backend` must outlive the service.
  explicit QueryService(QueryBackend& backend) : backend_(backend) {}

  // Lets go of everything that waits for a txid or follows a state. New calls still get an answer,
  // as far as they need not wait.
  void Stop();

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context,
                                const grpc::ByteBuffer* request,
                                grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* MultiGet(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Scan(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListStates(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;

 private:
  QueryBackend& backend_;
};

// ---- the parts of the service, one file each ----

StatusOr<ReadAt> ReadAtFrom(const v1::ReadAt& at);
// Until when a read that waits for a txid may wait.
Nanos AwaitDeadline(const grpc::CallbackServerContext& context, const Clock& clock);
// The txid to wait for before `at` can be read; nullopt when it can be read now.
std::optional<TxId> Awaited(const StateCatalog& catalog, GroupId group, const ReadAt& at);

// Sets the `value` of an entry, a change or a lookup from its bytes; if `error` or the program's
// codec says that it cannot be read, its `error` instead. Any other error is returned.
template <class Answer>
Status FillValue(const StateInfo& state, const Status& error, std::string_view bytes, Answer& out) {
  StatusOr<Datum> value = error.ok() ? DecodeStateValue(state, bytes) : StatusOr<Datum>(error);
  if (value.ok()) {
    ToProto(*value, *out.mutable_value());
    return {};
  }
  if (value.status().code() != StatusCode::kAborted) return value.status();
  const std::string_view why = Message(value.status());
  out.set_error(std::string(why.substr(0, ValidUtf8Prefix(why))));
  return {};
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* NewScanStream(QueryBackend& backend,
                                                          grpc::CallbackServerContext& context,
                                                          const grpc::ByteBuffer& request);
grpc::ServerWriteReactor<grpc::ByteBuffer>* NewWatchStream(QueryBackend& backend,
                                                           grpc::CallbackServerContext& context,
                                                           const grpc::ByteBuffer& request);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_SERVE_QUERY_SERVICE_H_
