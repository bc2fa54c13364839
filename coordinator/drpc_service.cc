// SPDX-License-Identifier: Apache-2.0
#include "coordinator/drpc_service.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/limits.h"
#include "base/utf8.h"
#include "coordinator/datum_codec.h"
#include "coordinator/service_calls.h"

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

// One call, from its arrival until gRPC is done with it.
class DrpcCall final : public grpc::ServerUnaryReactor {
 public:
  DrpcCall(DrpcServer& server, Nanos deadline, const v1::ExecuteRequest& request,
           v1::ExecuteResponse& response) {
    ticket_ = server.CallAsync(request.function(), request.args(), deadline,
                               [this, &request, &response](DrpcResult result) {
                                 Answer(request.function(), std::move(result), response);
                               });
  }
  // gRPC calls this after the constructor returned, so the ticket is there.
  void OnCancel() override { ticket_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  void Answer(const std::string& function, DrpcResult result, v1::ExecuteResponse& response) {
    Status status = result.ok() ? Fill(function, *result, response) : result.status();
    if (!status.ok()) response.Clear();
    Finish(ToGrpc(status));
  }

  DrpcTicket ticket_;
};

}  // namespace

grpc::ServerUnaryReactor* DrpcService::Execute(grpc::CallbackServerContext* context,
                                               const v1::ExecuteRequest* request,
                                               v1::ExecuteResponse* response) {
  if (!request->idempotency_key().empty()) {
    return FinishNow(*context,
                     InvalidArgument("no DRPC function of this server writes, so it takes "
                                     "no idempotency_key; leave it out"));
  }
  constexpr Nanos kForever = std::numeric_limits<Nanos>::max();
  Nanos allowed = NanosLeft(*context);
  if (request->timeout_ms() > 0) {
    allowed = std::min(allowed, request->timeout_ms() * kMillisecond);
  } else if (allowed == kForever) {
    allowed = kDrpcDeadlineMsDefault * kMillisecond;
  }
  return new DrpcCall(server_, clock_.MonotonicNanos() + allowed, *request, *response);
}

grpc::ServerUnaryReactor* DrpcService::ListFunctions(grpc::CallbackServerContext* context,
                                                     const v1::ListFunctionsRequest*,
                                                     v1::ListFunctionsResponse* response) {
  for (const DrpcFunctionStatus& status : server_.Functions()) {
    v1::FunctionInfo& out = *response->add_functions();
    // A name comes from a program; one that is not UTF-8 must not make the answer unreadable.
    out.set_name(status.name.substr(0, ValidUtf8Prefix(status.name)));
    out.set_waiting(static_cast<uint64_t>(status.waiting));
    out.set_answered(status.answered);
    out.set_refused(status.refused);
    out.set_expired(status.expired);
  }
  return FinishNow(*context, {});
}

}  // namespace trident
