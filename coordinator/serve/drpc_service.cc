// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/drpc_service.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/limits.h"
#include "base/utf8.h"
#include "coordinator/serve/datum_codec.h"
#include "coordinator/serve/service_calls.h"

namespace trident {
namespace {

Status Fill(const std::string& function, const DrpcAnswer& answer, v1::ExecuteResponse& response) {
  response.set_txid(answer.txid.value());
  if (answer.fields != nullptr) {
    for (const std::string& field : *answer.fields) response.add_fields(field);
  }
  response.mutable_rows()->Reserve(static_cast<int>(answer.rows.size()));
  for (const std::vector<Datum>& row : answer.rows) {
    v1::Row& out = *response.add_rows();
    for (const Datum& value : row) ToProto(value, *out.add_values());
  }
  const auto bytes = static_cast<int64_t>(response.ByteSizeLong());
  if (bytes <= kDrpcAnswerBytesMax) return {};
  return ResourceExhausted("the answer of DRPC function '", function, "' has ", bytes, " bytes in ",
                           answer.rows.size(), " rows, at most ", kDrpcAnswerBytesMax,
                           " are sent; aggregate or project in the function");
}

Status Serialize(const std::string& function, const DrpcResult& result, grpc::ByteBuffer& out) {
  if (!result.ok()) return result.status();
  v1::ExecuteResponse response;
  TRIDENT_RETURN_IF_ERROR(Fill(function, *result, response));
  out = SerializeMessage(response);
  return {};
}

// One call, from its arrival until gRPC is done with it.
class DrpcCall final : public grpc::ServerUnaryReactor {
 public:
  DrpcCall(DrpcServer& server, Nanos deadline, const v1::ExecuteRequest& request,
           grpc::ByteBuffer& response) {
    ticket_ = server.CallAsync(request.function(), request.args(), deadline,
                               [this, function = request.function(), &response](DrpcResult result) {
                                 Finish(ToGrpc(Serialize(function, result, response)));
                               });
  }
  // gRPC calls this after the constructor returned, so the ticket is there.
  void OnCancel() override { ticket_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  DrpcTicket ticket_;
};

Nanos Allowed(const grpc::CallbackServerContext& context, const v1::ExecuteRequest& request) {
  const Nanos left = NanosLeft(context);
  if (request.timeout_ms() > 0) return std::min(left, request.timeout_ms() * kMillisecond);
  const bool unbounded = left == std::numeric_limits<Nanos>::max();
  return unbounded ? kDrpcDeadlineMsDefault * kMillisecond : left;
}

}  // namespace

grpc::ServerUnaryReactor* DrpcService::Execute(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request_bytes,
                                               grpc::ByteBuffer* response) {
  v1::ExecuteRequest request;
  Status malformed = ParseMessage(*request_bytes, request);
  if (malformed.ok() && !request.idempotency_key().empty()) {
    malformed = InvalidArgument(
        "no DRPC function of this server writes, so it takes no "
        "idempotency_key; leave it out");
  }
  if (!malformed.ok()) return FinishNow(*context, malformed);
  const Nanos deadline = clock_.MonotonicNanos() + Allowed(*context, request);
  return new DrpcCall(server_, deadline, request, *response);
}

grpc::ServerUnaryReactor* DrpcService::ListFunctions(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return AnswerNow<v1::ListFunctionsRequest, v1::ListFunctionsResponse>(
      *context, *request, *response, [&](const auto&, v1::ListFunctionsResponse& answer) -> Status {
        for (const DrpcFunctionStatus& status : server_.Functions()) {
          v1::FunctionInfo& out = *answer.add_functions();
          // A name comes from a program; one that is not UTF-8 must not spoil the answer.
          out.set_name(status.name.substr(0, ValidUtf8Prefix(status.name)));
          out.set_waiting(static_cast<uint64_t>(status.waiting));
          out.set_answered(status.answered);
          out.set_refused(status.refused);
          out.set_expired(status.expired);
        }
        return {};
      });
}

}  // namespace trident
