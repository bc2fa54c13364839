// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cluster/part_read_service.h"

#include <grpc/support/time.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/ports/channel_security.h"
#include "base/same_token.h"
#include "coordinator/cluster/control_token.h"
#include "proto/control.grpc.pb.h"

namespace trident {
namespace {

namespace pb = control::v1;

// A gRPC error travels in the head of a message, which is small.
constexpr size_t kErrorBytesMax = 4'096;

grpc::Status ToGrpc(const Status& status) {
  const std::string_view message = Message(status);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(message.substr(0, kErrorBytesMax)));
}

Status FromGrpc(const grpc::Status& status, const std::string& address) {
  if (status.ok()) return absl::OkStatus();
  // A worker that is gone, or hangs, is one that cannot be reached.
  const bool is_late = status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED ||
                       status.error_code() == grpc::StatusCode::CANCELLED;
  if (is_late) return Unavailable("the worker at ", address, " does not answer");
  return Status(static_cast<StatusCode>(status.error_code()), status.error_message());
}

void Fill(const PartRead& read, pb::PartRead& out) {
  out.set_epoch(read.epoch.value());
  out.set_reader(read.reader.value());
  out.set_state(read.state);
  out.set_group(read.group.value());
  out.set_txid(read.txid.value());
  out.set_held(read.held.value());
  out.set_said(read.said);
}

StatusOr<PartRead> ReadFrom(const pb::PartRead& in) {
  if (in.epoch() == 0) return InvalidArgument("a read names the epoch of its workers; found none");
  return PartRead{.epoch = Epoch(in.epoch()),
                  .reader = WorkerId(in.reader()),
                  .state = in.state(),
                  .group = GroupId(in.group()),
                  .txid = TxId(in.txid()),
                  .held = TxId(in.held()),
                  .said = in.said()};
}

void Fill(const Status& error, std::optional<std::string> value, pb::PartValue& out) {
  if (!error.ok()) {
    out.set_error_code(static_cast<uint32_t>(error.code()));
    out.set_error(std::string(Message(error)));
    return;
  }
  if (!value) return;
  out.set_found(true);
  out.set_value(*std::move(value));
}

Status ErrorOf(const pb::PartValue& value) {
  constexpr uint32_t kCodesEnd = 17;
  if (value.error_code() == 0) return absl::OkStatus();
  const bool is_known = value.error_code() < kCodesEnd;
  const auto code = is_known ? static_cast<StatusCode>(value.error_code()) : StatusCode::kUnknown;
  return Status(code, value.error());
}

KeyRange RangeOf(const auto& request) { return {request.begin(), request.end()}; }

// ---- the end that answers ----

class Service final : public pb::PartReads::Service {
 public:
  Service(PartReads& parts, ProcessQuestions& questions, std::string token)
      : parts_(parts), questions_(questions), token_(std::move(token)) {}

  grpc::Status Get(grpc::ServerContext* context, const pb::PartGetRequest* request,
                   pb::PartGetResponse* response) override {
    return Answer(*context, request->read(), [&](const PartRead& read) -> Status {
      if (request->keys_size() == 0 || request->keys_size() > kPartReadKeysMax) {
        return InvalidArgument("a read of keys asks for 1 to ", kPartReadKeysMax, ", found ",
                               request->keys_size());
      }
      const std::vector<std::string_view> keys(request->keys().begin(), request->keys().end());
      return GetSome(read, keys, *response);
    });
  }

  grpc::Status Scan(grpc::ServerContext* context, const pb::PartScanRequest* request,
                    pb::PartScanResponse* response) override {
    return Answer(*context, request->read(), [&](const PartRead& read) -> Status {
      const PageLimits limits{std::min<uint64_t>(request->rows_max(), kScanPageRowsMax),
                              std::min(request->bytes_max(), kPartPageBytesMax)};
      TRIDENT_ASSIGN_OR_RETURN(StatePage page, parts_.Scan(read, RangeOf(*request), limits));
      for (StateRow& row : page.rows) {
        pb::PartRow& out = *response->add_rows();
        out.set_key(std::move(row.key));
        Fill(row.error, std::move(row.value), *out.mutable_value());
      }
      response->set_has_more(page.resume.has_value());
      if (page.resume) response->set_resume(*std::move(page.resume));
      return absl::OkStatus();
    });
  }

  grpc::Status FirstChanges(grpc::ServerContext* context, const pb::PartChangesRequest* request,
                            pb::PartChangesResponse* response) override {
    return Answer(*context, request->read(), [&](const PartRead& read) -> Status {
      TRIDENT_ASSIGN_OR_RETURN(
          ChangesAt first, parts_.FirstChanges(read, TxId(request->after()), RangeOf(*request)));
      response->set_txid(first.txid.value());
      for (StateChange& change : first.changes) {
        pb::PartRow& out = *response->add_changes();
        out.set_key(std::move(change.key));
        Fill(change.error, std::move(change.value), *out.mutable_value());
      }
      return absl::OkStatus();
    });
  }

  grpc::Status Counts(grpc::ServerContext* context, const pb::PartRead* request,
                      pb::PartCountsResponse* response) override {
    return Answer(*context, *request, [&](const PartRead& read) -> Status {
      TRIDENT_ASSIGN_OR_RETURN(const PartCounts counts, parts_.Counts(read));
      response->set_keys(counts.keys);
      response->set_expired(counts.expired);
      response->set_unreadable(counts.unreadable);
      return absl::OkStatus();
    });
  }

  grpc::Status Hold(grpc::ServerContext* context, const pb::PartRead* request,
                    pb::PartHoldResponse*) override {
    return Answer(*context, *request, [&](const PartRead& read) { return parts_.Hold(read); });
  }

  grpc::Status AskProcess(grpc::ServerContext* context, const pb::ProcessQuestion* question,
                          pb::ProcessAnswer* answer) override {
    if (Status may = MayAsk(*context); !may.ok()) return ToGrpc(may);
    StatusOr<ProcessQuestion> what =
        InvalidArgument("expected a question, found none that is known");
    if (question->what() == pb::ProcessQuestion::BATCHES) what = ProcessQuestion::kBatches;
    if (question->what() == pb::ProcessQuestion::PAUSE) what = ProcessQuestion::kPause;
    if (question->what() == pb::ProcessQuestion::RESUME) what = ProcessQuestion::kResume;
    if (question->what() == pb::ProcessQuestion::ABOUT) what = ProcessQuestion::kAbout;
    if (!what.ok()) return ToGrpc(what.status());
    StatusOr<std::string> view = questions_.Ask(*what);
    if (view.ok()) answer->set_view(*std::move(view));
    return ToGrpc(view.status());
  }

 private:
  Status MayAsk(const grpc::ServerContext& context) const {
    const auto [first, last] = context.client_metadata().equal_range(kControlTokenKey);
    const bool may = first != last && std::next(first) == last &&
                     IsSameToken(token_, {first->second.data(), first->second.size()});
    if (may) return absl::OkStatus();
    return Status(StatusCode::kUnauthenticated,
                  "this worker has another token; does it belong to the same topology?");
  }
  template <class Read>
  grpc::Status Answer(const grpc::ServerContext& context, const pb::PartRead& request,
                      Read answer) {
    if (Status may = MayAsk(context); !may.ok()) return ToGrpc(may);
    const StatusOr<PartRead> read = ReadFrom(request);
    return ToGrpc(read.ok() ? answer(*read) : read.status());
  }

  // As many of the keys as have room, a few at a time, because these are held whole.
  Status GetSome(const PartRead& read, std::span<const std::string_view> keys,
                 pb::PartGetResponse& response) {
    size_t bytes = 0;
    size_t step = 16;
    while (!keys.empty() && bytes < kPartAnswerBytesMax) {
      const auto some = keys.first(std::min(keys.size(), step));
      TRIDENT_ASSIGN_OR_RETURN(ReadableState::Answers answers, parts_.Get(read, some));
      size_t largest = 1;
      for (StatusOr<std::optional<std::string>>& answer : answers) {
        pb::PartValue& out = *response.add_values();
        Fill(answer.status(), answer.ok() ? *std::move(answer) : std::nullopt, out);
        largest = std::max(largest, out.value().size());
        bytes += out.value().size();
      }
      keys = keys.subspan(some.size());
      step = std::clamp<size_t>(kPartAnswerBytesMax / 4 / largest, 1, 256);
    }
    return absl::OkStatus();
  }

  PartReads& parts_;
  ProcessQuestions& questions_;
  const std::string token_;
};

// ---- the end that asks ----

class FarPart final : public PartReads, public ProcessQuestions {
 public:
  FarPart(const std::string& address, std::string token, const std::optional<TlsContent>& tls)
      : address_(address),
        token_(std::move(token)),
        stub_(pb::PartReads::NewStub(NewChannel(address, tls))) {}

  StatusOr<ReadableState::Answers> Get(const PartRead& read,
                                       std::span<const std::string_view> keys) override {
    ReadableState::Answers answers;
    answers.reserve(keys.size());
    while (answers.size() < keys.size()) {
      const auto rest = keys.subspan(answers.size());
      pb::PartGetRequest request;
      Fill(read, *request.mutable_read());
      for (const std::string_view key :
           rest.first(std::min<size_t>(rest.size(), kPartReadKeysMax))) {
        request.add_keys(std::string(key));
      }
      pb::PartGetResponse response;
      TRIDENT_RETURN_IF_ERROR(Ask(&pb::PartReads::Stub::Get, request, response));
      if (response.values_size() == 0 || response.values_size() > request.keys_size()) {
        return Internal("the worker at ", address_, " answers ", response.values_size(), " of ",
                        request.keys_size(), " keys");
      }
      for (pb::PartValue& value : *response.mutable_values()) {
        answers.push_back(AnswerOf(value));
      }
    }
    return answers;
  }

  StatusOr<StatePage> Scan(const PartRead& read, const KeyRange& range,
                           PageLimits limits) override {
    pb::PartScanRequest request;
    Fill(read, *request.mutable_read());
    request.set_begin(range.begin);
    request.set_end(range.end);
    request.set_rows_max(limits.rows);
    request.set_bytes_max(limits.bytes);
    pb::PartScanResponse response;
    TRIDENT_RETURN_IF_ERROR(Ask(&pb::PartReads::Stub::Scan, request, response));
    StatePage page;
    for (pb::PartRow& row : *response.mutable_rows()) {
      page.rows.push_back({std::move(*row.mutable_key()),
                           std::move(*row.mutable_value()->mutable_value()), ErrorOf(row.value())});
    }
    if (response.has_more()) page.resume = std::move(*response.mutable_resume());
    return page;
  }

  StatusOr<ChangesAt> FirstChanges(const PartRead& read, TxId after,
                                   const KeyRange& range) override {
    pb::PartChangesRequest request;
    Fill(read, *request.mutable_read());
    request.set_after(after.value());
    request.set_begin(range.begin);
    request.set_end(range.end);
    pb::PartChangesResponse response;
    TRIDENT_RETURN_IF_ERROR(Ask(&pb::PartReads::Stub::FirstChanges, request, response));
    ChangesAt first{TxId(response.txid()), {}};
    for (pb::PartRow& row : *response.mutable_changes()) {
      StateChange change{std::move(*row.mutable_key()), std::nullopt, ErrorOf(row.value())};
      // The key is there, though its value cannot be read.
      if (!change.error.ok()) change.value = "";
      if (row.value().found()) change.value = std::move(*row.mutable_value()->mutable_value());
      first.changes.push_back(std::move(change));
    }
    return first;
  }

  StatusOr<PartCounts> Counts(const PartRead& read) override {
    pb::PartRead request;
    Fill(read, request);
    pb::PartCountsResponse response;
    TRIDENT_RETURN_IF_ERROR(Ask(&pb::PartReads::Stub::Counts, request, response));
    return PartCounts{response.keys(), response.expired(), response.unreadable()};
  }

  Status Hold(const PartRead& read) override {
    pb::PartRead request;
    Fill(read, request);
    pb::PartHoldResponse response;
    return Ask(&pb::PartReads::Stub::Hold, request, response);
  }

  StatusOr<std::string> Ask(ProcessQuestion question) override {
    pb::ProcessQuestion request;
    request.set_what(WhatOf(question));
    pb::ProcessAnswer answer;
    TRIDENT_RETURN_IF_ERROR(Ask(&pb::PartReads::Stub::AskProcess, request, answer));
    return std::move(*answer.mutable_view());
  }

 private:
  static pb::ProcessQuestion::What WhatOf(ProcessQuestion question) {
    switch (question) {
      case ProcessQuestion::kBatches:
        return pb::ProcessQuestion::BATCHES;
      case ProcessQuestion::kPause:
        return pb::ProcessQuestion::PAUSE;
      case ProcessQuestion::kResume:
        return pb::ProcessQuestion::RESUME;
      case ProcessQuestion::kAbout:
        return pb::ProcessQuestion::ABOUT;
    }
    return pb::ProcessQuestion::NOTHING;
  }
  static std::shared_ptr<grpc::Channel> NewChannel(const std::string& address,
                                                   const std::optional<TlsContent>& tls) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kControlRedialMsMin);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kControlRedialMsMax);
    arguments.SetMaxReceiveMessageSize(kLinkMessageBytesMax);
    return grpc::CreateCustomChannel(address, ChannelSecurity(tls), arguments);
  }

  template <class Method, class Request, class Response>
  Status Ask(Method method, const Request& request, Response& response) {
    grpc::ClientContext context;
    context.AddMetadata(kControlTokenKey, token_);
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_millis(kPartReadMsMax, GPR_TIMESPAN)));
    return FromGrpc((stub_.get()->*method)(&context, request, &response), address_);
  }

  static StatusOr<std::optional<std::string>> AnswerOf(pb::PartValue& value) {
    if (Status error = ErrorOf(value); !error.ok()) return error;
    if (!value.found()) return std::optional<std::string>();
    return std::optional<std::string>(std::move(*value.mutable_value()));
  }

  const std::string address_;
  const std::string token_;
  const std::unique_ptr<pb::PartReads::Stub> stub_;
};

}  // namespace

std::shared_ptr<grpc::Service> NewPartReadService(PartReads& parts, ProcessQuestions& questions,
                                                  std::string token) {
  return std::make_shared<Service>(parts, questions, std::move(token));
}

std::unique_ptr<PartReads> NewFarPart(const std::string& address, std::string token,
                                      const std::optional<TlsContent>& tls) {
  return std::make_unique<FarPart>(address, std::move(token), tls);
}

std::unique_ptr<ProcessQuestions> NewFarProcess(const std::string& address, std::string token,
                                                const std::optional<TlsContent>& tls) {
  return std::make_unique<FarPart>(address, std::move(token), tls);
}

}  // namespace trident
