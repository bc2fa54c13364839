// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/admin_service.h"

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/logging.h"
#include "base/version.h"
#include "coordinator/serve/service_calls.h"
#include "coordinator/serve/view_codec.h"

namespace trident {
namespace {

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

template <class Request, class Response, class Handle>
grpc::ServerUnaryReactor* AdminService::Answer(grpc::CallbackServerContext& context,
                                               const grpc::ByteBuffer& request,
                                               grpc::ByteBuffer& response, Handle handle) {
  if (!slow_calls_) return AnswerNow<Request, Response>(context, request, response, handle);
  Request understood;
  if (const Status parsed = ParseMessage(request, understood); !parsed.ok()) {
    return FinishNow(context, parsed);
  }
  grpc::ServerUnaryReactor* const reactor = context.DefaultReactor();
  const bool is_posted = slow_calls_->TryPost(
      [reactor, &response, handle, understood = std::move(understood)] {
        Response answer;
        const Status status = handle(understood, answer);
        if (status.ok()) response = SerializeMessage(answer);
        reactor->Finish(ToGrpc(status));
      },
      kAdminCallsMax);
  if (!is_posted) {
    reactor->Finish(ToGrpc(ResourceExhausted(kAdminCallsMax, " calls of administration wait, the ",
                                             "limit; try again in a moment")));
  }
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::Batches(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return Answer<v1::BatchesRequest, v1::BatchesResponse>(
      *context, *request, *response, [this](const auto&, v1::BatchesResponse& out) -> Status {
        TRIDENT_ASSIGN_OR_RETURN(const TopologyView view, control_.View());
        ToProto(view, out);
        return {};
      });
}

grpc::ServerUnaryReactor* AdminService::Workers(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return Answer<v1::WorkersRequest, v1::WorkersResponse>(
      *context, *request, *response, [this](const auto&, v1::WorkersResponse& out) -> Status {
        out.set_topology(ReadableText(control_.topology()));
        for (const WorkerView& worker : control_.Workers()) ToProto(worker, *out.add_workers());
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
        out.set_plan(ReadableText(plan));
        return {};
      });
}

grpc::ServerUnaryReactor* AdminService::Pause(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) {
  return Answer<v1::PauseRequest, v1::PauseResponse>(
      *context, *request, *response,
      [this, context](const auto&, auto&) { return Audited("pause", *context, control_.Pause()); });
}

grpc::ServerUnaryReactor* AdminService::Resume(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* request,
                                               grpc::ByteBuffer* response) {
  return Answer<v1::ResumeRequest, v1::ResumeResponse>(
      *context, *request, *response, [this, context](const auto&, auto&) {
        return Audited("resume", *context, control_.Resume());
      });
}

grpc::ServerUnaryReactor* AdminService::Version(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return AnswerNow<v1::VersionRequest, v1::VersionResponse>(
      *context, *request, *response, [&](const auto&, v1::VersionResponse& out) -> Status {
        out.set_version(std::string(kVersion));
        out.set_topology(ReadableText(control_.topology()));
        return {};
      });
}

grpc::ServerUnaryReactor* AdminService::Metrics(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return AnswerNow<v1::MetricsRequest, v1::MetricsResponse>(
      *context, *request, *response, [&](const auto&, v1::MetricsResponse& out) -> Status {
        out.set_text(ReadableText(control_.Metrics()));
        return {};
      });
}

grpc::ServerUnaryReactor* AdminService::DeadLetters(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return Answer<v1::DeadLettersRequest, v1::DeadLettersResponse>(
      *context, *request, *response,
      [this, context](const v1::DeadLettersRequest& in, v1::DeadLettersResponse& out) -> Status {
        TRIDENT_ASSIGN_OR_RETURN(const LetterAction action, ActionOf(in));
        TRIDENT_ASSIGN_OR_RETURN(const std::vector<LetterName> letters, LettersOf(in));
        for (const LetterStanding& standing : control_.DoWithLetters(action, letters)) {
          auto* to = out.add_standings();
          to->set_now(NowOf(standing));
          to->set_why(ReadableText(standing.why));
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
