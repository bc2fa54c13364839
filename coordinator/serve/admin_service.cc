// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/admin_service.h"

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/logging.h"
#include "base/utf8.h"
#include "base/version.h"
#include "coordinator/serve/service_calls.h"

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
  out.set_letters_retried(group.letters_retried);
  out.set_waits_for(Readable(group.waits_for));
  out.set_last_failure(Reason(group.last_failure));
  out.set_halted(Reason(group.halted));
  out.set_paused(group.paused);
  out.set_commit_p50_micros(static_cast<uint64_t>(group.commit_p50 / kMicrosecond));
  out.set_commit_p99_micros(static_cast<uint64_t>(group.commit_p99 / kMicrosecond));
  if (group.lag.rows) out.mutable_lag()->set_rows(*group.lag.rows);
  if (group.lag.bytes) out.mutable_lag()->set_bytes(*group.lag.bytes);
  out.mutable_lag()->set_unknown_partitions(group.lag.unknown_partitions);
  out.set_source_rows_skipped(group.source_rows_skipped);
  out.set_source_rows_repaired(group.source_rows_repaired);
  out.set_source_rows_left(group.source_rows_left);
}

StatusOr<LetterAction> ActionOf(const v1::DeadLettersRequest& request) {
  switch (request.action()) {
    case v1::DeadLettersRequest::LOOK:
      return LetterAction::kLook;
    case v1::DeadLettersRequest::RETRY:
      return LetterAction::kRetry;
    case v1::DeadLettersRequest::DROP:
      return LetterAction::kDrop;
    default:
      return InvalidArgument("expected the action LOOK (0), RETRY (1) or DROP (2), found ",
                             static_cast<int>(request.action()));
  }
}

StatusOr<std::vector<LetterName>> LettersOf(const v1::DeadLettersRequest& request) {
  if (static_cast<size_t>(request.letters_size()) > kLettersPerCallMax) {
    return InvalidArgument("expected at most ", kLettersPerCallMax, " letters, found ",
                           request.letters_size(), "; ask in several calls");
  }
  std::vector<LetterName> letters;
  for (const v1::DeadLetter& letter : request.letters()) {
    if (letter.txid() < 0 || letter.row() < 0) {
      return InvalidArgument("expected a txid and a row from 0 on, found ", letter.txid(), " and ",
                             letter.row());
    }
    letters.push_back({letter.stream(), letter.txid(), letter.row()});
  }
  return letters;
}

v1::DeadLettersResponse::Standing::Now NowOf(const LetterStanding& standing) {
  switch (standing.now) {
    case LetterStanding::Now::kThere:
      return v1::DeadLettersResponse::Standing::THERE;
    case LetterStanding::Now::kUnderWay:
      return v1::DeadLettersResponse::Standing::UNDER_WAY;
    case LetterStanding::Now::kGone:
      return v1::DeadLettersResponse::Standing::GONE;
    case LetterStanding::Now::kRefused:
      return v1::DeadLettersResponse::Standing::REFUSED;
    case LetterStanding::Now::kNoRoom:
      return v1::DeadLettersResponse::Standing::NO_ROOM;
  }
  return v1::DeadLettersResponse::Standing::REFUSED;
}

// Who paused or resumed what belongs in the log, also when nothing else is said there.
Status Audited(std::string_view what, const grpc::CallbackServerContext& context, Status status) {
  TRIDENT_LOG(WARN) << what << ", asked for by " << context.peer() << ": " << status.ToString();
  return status;
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::Batches(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return AnswerNow<v1::BatchesRequest, v1::BatchesResponse>(
      *context, *request, *response, [&](const auto&, v1::BatchesResponse& out) -> Status {
        const TopologyView view = control_.View();
        out.set_topology(Readable(view.name));
        out.set_epoch(view.epoch.value());
        for (const BatchGroupView& group : view.groups) Fill(group, *out.add_groups());
        return {};
      });
}

grpc::ServerUnaryReactor* AdminService::Explain(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return AnswerNow<v1::ExplainRequest, v1::ExplainResponse>(
      *context, *request, *response,
      [&](const v1::ExplainRequest& in, v1::ExplainResponse& out) -> Status {
        if (!v1::ExplainRequest::Format_IsValid(in.format())) {
          return InvalidArgument("expected the format TEXT (0) or DOT (1), found ",
                                 static_cast<int>(in.format()));
        }
        const bool dot = in.format() == v1::ExplainRequest::DOT;
        TRIDENT_ASSIGN_OR_RETURN(
            const std::string plan,
            control_.Explain(dot ? ExplainFormat::kDot : ExplainFormat::kText));
        out.set_plan(Readable(plan));
        return {};
      });
}

grpc::ServerUnaryReactor* AdminService::Pause(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) {
  return AnswerNow<v1::PauseRequest, v1::PauseResponse>(
      *context, *request, *response,
      [&](const auto&, auto&) { return Audited("pause", *context, control_.Pause()); });
}

grpc::ServerUnaryReactor* AdminService::Resume(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) {
  return AnswerNow<v1::ResumeRequest, v1::ResumeResponse>(
      *context, *request, *response,
      [&](const auto&, auto&) { return Audited("resume", *context, control_.Resume()); });
}

grpc::ServerUnaryReactor* AdminService::Version(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return AnswerNow<v1::VersionRequest, v1::VersionResponse>(
      *context, *request, *response, [&](const auto&, v1::VersionResponse& out) -> Status {
        out.set_version(std::string(kVersion));
        out.set_topology(Readable(control_.View().name));
        return {};
      });
}

grpc::ServerUnaryReactor* AdminService::Metrics(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return AnswerNow<v1::MetricsRequest, v1::MetricsResponse>(
      *context, *request, *response, [&](const auto&, v1::MetricsResponse& out) -> Status {
        out.set_text(Readable(control_.Metrics()));
        return {};
      });
}

grpc::ServerUnaryReactor* AdminService::DeadLetters(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return AnswerNow<v1::DeadLettersRequest, v1::DeadLettersResponse>(
      *context, *request, *response,
      [&](const v1::DeadLettersRequest& in, v1::DeadLettersResponse& out) -> Status {
        TRIDENT_ASSIGN_OR_RETURN(const LetterAction action, ActionOf(in));
        TRIDENT_ASSIGN_OR_RETURN(const std::vector<LetterName> letters, LettersOf(in));
        for (const LetterStanding& standing : control_.DoWithLetters(action, letters)) {
          auto* to = out.add_standings();
          to->set_now(NowOf(standing));
          to->set_why(Readable(standing.why));
        }
        if (action == LetterAction::kLook) return {};
        return Audited(Concat(action == LetterAction::kRetry ? "retry" : "drop", " of ",
                              letters.size(), " dead letters"),
                       *context, {});
      });
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* AdminService::Backup(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return NewBackupStream(backups_, *context, *request);
}

}  // namespace trident
