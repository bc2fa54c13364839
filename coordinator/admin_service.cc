// SPDX-License-Identifier: Apache-2.0
#include "coordinator/admin_service.h"

#include <string>

#include "base/logging.h"
#include "base/utf8.h"
#include "base/version.h"
#include "coordinator/service_calls.h"

namespace trident {
namespace {

// Names and messages come from programs; broken ones must not make an answer unreadable.
std::string Readable(std::string_view text) {
  return std::string(text.substr(0, ValidUtf8Prefix(text)));
}
std::string Reason(const Status& status) {
  return status.ok() ? std::string() : Readable(Message(status));
}

void Fill(const BatchView& batch, v1::BatchInFlight& out) {
  out.set_txid(batch.txid.value());
  out.set_epoch(batch.attempt.epoch.value());
  out.set_attempt(batch.attempt.counter);
  out.set_phase(batch.phase);
  out.set_rows(batch.rows);
}

void Fill(const BatchGroupView& group, v1::BatchGroup& out) {
  out.set_name(Readable(group.name));
  out.set_last_decided(group.last_decided.value());
  for (const BatchView& batch : group.in_flight) Fill(batch, *out.add_in_flight());
  out.set_max_pending(static_cast<uint32_t>(group.max_pending));
  out.mutable_limits()->set_rows(group.rows_limit);
  out.mutable_limits()->set_bytes(group.bytes_limit);
  out.mutable_limits()->set_age_micros(static_cast<uint64_t>(group.age_limit / kMicrosecond));
  out.set_rows_committed(group.rows_committed);
  out.set_retries(group.retries);
  out.set_retries_total(group.retries_total);
  out.set_dead_letters(group.dead_letters);
  out.set_waits_for(Readable(group.waits_for));
  out.set_last_failure(Reason(group.last_failure));
  out.set_halted(Reason(group.halted));
  out.set_paused(group.paused);
  out.set_commit_p50_micros(static_cast<uint64_t>(group.commit_p50 / kMicrosecond));
  out.set_commit_p99_micros(static_cast<uint64_t>(group.commit_p99 / kMicrosecond));
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::Batches(grpc::CallbackServerContext* context,
                                                const v1::BatchesRequest*,
                                                v1::BatchesResponse* response) {
  const TopologyView view = control_.View();
  response->set_topology(Readable(view.name));
  response->set_epoch(view.epoch.value());
  for (const BatchGroupView& group : view.groups) Fill(group, *response->add_groups());
  return FinishNow(*context, {});
}

grpc::ServerUnaryReactor* AdminService::Explain(grpc::CallbackServerContext* context,
                                                const v1::ExplainRequest* request,
                                                v1::ExplainResponse* response) {
  if (!v1::ExplainRequest::Format_IsValid(request->format())) {
    return FinishNow(*context, InvalidArgument("expected the format TEXT (0) or DOT (1), found ",
                                               static_cast<int>(request->format())));
  }
  const bool dot = request->format() == v1::ExplainRequest::DOT;
  StatusOr<std::string> plan = control_.Explain(dot ? ExplainFormat::kDot : ExplainFormat::kText);
  if (plan.ok()) response->set_plan(Readable(*plan));
  return FinishNow(*context, plan.status());
}

grpc::ServerUnaryReactor* AdminService::Pause(grpc::CallbackServerContext* context,
                                              const v1::PauseRequest*, v1::PauseResponse*) {
  const Status status = control_.Pause();
  TRIDENT_LOG(WARN) << "pause, asked for by " << context->peer() << ": " << status.ToString();
  return FinishNow(*context, status);
}

grpc::ServerUnaryReactor* AdminService::Resume(grpc::CallbackServerContext* context,
                                               const v1::ResumeRequest*, v1::ResumeResponse*) {
  const Status status = control_.Resume();
  TRIDENT_LOG(WARN) << "resume, asked for by " << context->peer() << ": " << status.ToString();
  return FinishNow(*context, status);
}

grpc::ServerUnaryReactor* AdminService::Version(grpc::CallbackServerContext* context,
                                                const v1::VersionRequest*,
                                                v1::VersionResponse* response) {
  response->set_version(std::string(kVersion));
  response->set_topology(Readable(control_.View().name));
  return FinishNow(*context, {});
}

grpc::ServerUnaryReactor* AdminService::Metrics(grpc::CallbackServerContext* context,
                                                const v1::MetricsRequest*,
                                                v1::MetricsResponse* response) {
  response->set_text(Readable(control_.Metrics()));
  return FinishNow(*context, {});
}

}  // namespace trident
