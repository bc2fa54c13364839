// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/client.h"

#include <utility>

#include <grpcpp/grpcpp.h>

#include "base/key_encoding.h"
#include "base/limits.h"
#include "coordinator/datum_codec.h"
#include "proto/admin.grpc.pb.h"
#include "proto/drpc.grpc.pb.h"
#include "proto/query.grpc.pb.h"

namespace trident {
namespace {

Status FromGrpc(const grpc::Status& status) {
  return Status(static_cast<StatusCode>(status.error_code()), status.error_message());
}

void SetReadAt(const ClientReadAt& at, v1::ReadAt& out) {
  if (at.exactly) {
    out.set_exactly(*at.exactly);
  } else if (at.at_least) {
    out.set_at_least(*at.at_least);
  } else {
    out.set_latest(true);
  }
}

Datum Number(uint64_t n) { return Datum{static_cast<int64_t>(n)}; }
Datum Words(const std::string& text) { return Datum{text}; }

}  // namespace

struct Client::Stubs {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Query::Stub> query;
  std::unique_ptr<v1::Drpc::Stub> drpc;
  std::unique_ptr<v1::Admin::Stub> admin;
  Nanos timeout;

  // One unary call.
  template <class Stub, class Request, class Response>
  Status Call(Stub& stub,
              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, Response* response) {
    grpc::ClientContext context;
    SetDeadline(context);
    return FromGrpc((stub.*method)(&context, request, response));
  }
  void SetDeadline(grpc::ClientContext& context) const {
    gpr_timespec span = gpr_time_from_nanos(timeout, GPR_TIMESPAN);
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), span));
  }
};

// Typed keys of one state, from what was typed.
class Client::Keys {
 public:
  static StatusOr<Keys> Of(Client& client, const std::string& state) {
    v1::ListStatesResponse response;
    TRIDENT_RETURN_IF_ERROR(client.stubs_->Call(*client.stubs_->query, &v1::Query::Stub::ListStates,
                                                v1::ListStatesRequest(), &response));
    Keys keys;
    for (const v1::StateInfo& info : response.states()) {
      if (info.name() != state) continue;
      for (const v1::KeyFieldInfo& field : info.key()) keys.fields_.push_back(field);
    }
    return keys;  // an unknown state is for the topology to name
  }

  StatusOr<v1::Key> Parse(const std::vector<std::string>& typed) const {
    v1::Key key;
    for (size_t i = 0; i < typed.size(); ++i) {
      if (i >= fields_.size()) {
        return InvalidArgument(
            "the key has ", fields_.size(), " fields, but ", typed.size(),
            " values were given; give one value for each field, quoted if it has "
            "spaces");
      }
      const TypeInfo* type = KeyTypeNamed(fields_[i].type());
      if (type == nullptr) return InvalidArgument("unknown key type ", fields_[i].type());
      StatusOr<Datum> value = ParseDatum(*type, typed[i]);
      if (!value.ok()) return Annotate(value.status(), "key field \"" + fields_[i].name() + "\"");
      ToProto(*value, *key.add_values());
    }
    return key;
  }
  StatusOr<v1::Key> ParseWhole(const std::vector<std::string>& typed) const {
    if (!fields_.empty() && typed.size() < fields_.size()) {
      return InvalidArgument("the key has ", fields_.size(), " fields, but ", typed.size(),
                             " values were given; give one value for each field");
    }
    return Parse(typed);
  }

 private:
  std::vector<v1::KeyFieldInfo> fields_;
};

Client::Client(const std::string& address, Nanos timeout) : stubs_(std::make_unique<Stubs>()) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kRpcMessageBytesMax));
  stubs_->channel =
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  stubs_->query = v1::Query::NewStub(stubs_->channel);
  stubs_->drpc = v1::Drpc::NewStub(stubs_->channel);
  stubs_->admin = v1::Admin::NewStub(stubs_->channel);
  stubs_->timeout = timeout;
}

Client::~Client() = default;

StatusOr<ClientRows> Client::Get(const std::string& state, const std::vector<std::string>& key,
                                 const ClientReadAt& at) {
  TRIDENT_ASSIGN_OR_RETURN(Keys keys, Keys::Of(*this, state));
  v1::GetRequest request;
  request.set_state(state);
  TRIDENT_ASSIGN_OR_RETURN(*request.mutable_key(), keys.ParseWhole(key));
  SetReadAt(at, *request.mutable_at());
  v1::GetResponse response;
  TRIDENT_RETURN_IF_ERROR(stubs_->Call(*stubs_->query, &v1::Query::Stub::Get, request, &response));
  ClientRows rows;
  rows.txid = response.txid();
  if (!response.found()) return rows;
  ClientRow row;
  TRIDENT_ASSIGN_OR_RETURN(row.key, FromProto(request.key()));
  TRIDENT_ASSIGN_OR_RETURN(row.value, FromProto(response.value()));
  rows.rows.push_back(std::move(row));
  return rows;
}

StatusOr<ClientRows> Client::Scan(const ClientScan& scan) {
  TRIDENT_ASSIGN_OR_RETURN(Keys keys, Keys::Of(*this, scan.state));
  v1::ScanRequest request;
  request.set_state(scan.state);
  request.set_rows_max(scan.rows_max);
  SetReadAt(scan.at, *request.mutable_at());
  if (!scan.prefix.empty()) {
    TRIDENT_ASSIGN_OR_RETURN(*request.mutable_prefix(), keys.Parse(scan.prefix));
  } else if (!scan.from.empty() || !scan.to.empty()) {
    v1::KeyRange* range = request.mutable_range();
    if (!scan.from.empty()) {
      TRIDENT_ASSIGN_OR_RETURN(*range->mutable_from(), keys.ParseWhole(scan.from));
    }
    if (!scan.to.empty()) {
      TRIDENT_ASSIGN_OR_RETURN(*range->mutable_to(), keys.ParseWhole(scan.to));
    }
  }
  grpc::ClientContext context;
  stubs_->SetDeadline(context);
  std::unique_ptr<grpc::ClientReader<v1::ScanPage>> pages = stubs_->query->Scan(&context, request);
  ClientRows rows;
  v1::ScanPage page;
  while (pages->Read(&page)) {
    rows.txid = page.txid();
    for (const v1::Entry& entry : page.entries()) {
      ClientRow row;
      TRIDENT_ASSIGN_OR_RETURN(row.key, FromProto(entry.key()));
      TRIDENT_ASSIGN_OR_RETURN(row.value, FromProto(entry.value()));
      rows.rows.push_back(std::move(row));
    }
  }
  TRIDENT_RETURN_IF_ERROR(FromGrpc(pages->Finish()));
  return rows;
}

StatusOr<ClientRows> Client::ListStates() {
  v1::ListStatesResponse response;
  TRIDENT_RETURN_IF_ERROR(stubs_->Call(*stubs_->query, &v1::Query::Stub::ListStates,
                                       v1::ListStatesRequest(), &response));
  ClientRows rows;
  rows.fields = {"state", "kind", "key", "value", "partitions", "txid", "keys"};
  for (const v1::StateInfo& info : response.states()) {
    std::string key;
    for (const v1::KeyFieldInfo& field : info.key()) {
      key += (key.empty() ? "" : ",") + field.name() + ":" + field.type();
    }
    rows.rows.push_back({{Words(info.name()), Words(info.kind()), Words(key.empty() ? "-" : key),
                          Words(info.value_type()), Number(info.partitions()),
                          Number(info.latest_txid()), Number(info.approximate_keys())},
                         std::nullopt});
  }
  return rows;
}

StatusOr<ClientRows> Client::Drpc(const std::string& function, const std::string& args) {
  v1::ExecuteRequest request;
  request.set_function(function);
  request.set_args(args);
  request.set_timeout_ms(static_cast<uint32_t>(stubs_->timeout / kMillisecond));
  v1::ExecuteResponse response;
  TRIDENT_RETURN_IF_ERROR(
      stubs_->Call(*stubs_->drpc, &v1::Drpc::Stub::Execute, request, &response));
  ClientRows rows;
  rows.txid = response.txid();
  rows.fields.assign(response.fields().begin(), response.fields().end());
  for (const v1::Row& answered : response.rows()) {
    ClientRow row;
    for (const v1::Value& value : answered.values()) {
      TRIDENT_ASSIGN_OR_RETURN(Datum datum, FromProto(value));
      row.key.push_back(std::move(datum));
    }
    rows.rows.push_back(std::move(row));
  }
  return rows;
}

StatusOr<ClientRows> Client::Batches() {
  v1::BatchesResponse response;
  TRIDENT_RETURN_IF_ERROR(
      stubs_->Call(*stubs_->admin, &v1::Admin::Stub::Batches, v1::BatchesRequest(), &response));
  ClientRows rows;
  rows.fields = {"group", "txid",   "pending", "rows", "failures",
                 "dead",  "p50_us", "p99_us",  "state"};
  for (const v1::BatchGroup& group : response.groups()) {
    std::string state = !group.halted().empty()      ? "halted: " + group.halted()
                        : group.paused()             ? "paused"
                        : !group.waits_for().empty() ? group.waits_for()
                                                     : "running";
    rows.rows.push_back(
        {{Words(group.name()), Number(group.last_decided()),
          Number(static_cast<uint64_t>(group.in_flight_size())), Number(group.rows_committed()),
          Number(group.retries_total()), Number(group.dead_letters()),
          Number(group.commit_p50_micros()), Number(group.commit_p99_micros()), Words(state)},
         std::nullopt});
  }
  return rows;
}

StatusOr<std::string> Client::Explain(const std::string& format) {
  v1::ExplainRequest request;
  request.set_format(format == "dot" ? v1::ExplainRequest::DOT : v1::ExplainRequest::TEXT);
  v1::ExplainResponse response;
  TRIDENT_RETURN_IF_ERROR(
      stubs_->Call(*stubs_->admin, &v1::Admin::Stub::Explain, request, &response));
  return response.plan();
}

StatusOr<std::string> Client::Metrics() {
  v1::MetricsResponse response;
  TRIDENT_RETURN_IF_ERROR(
      stubs_->Call(*stubs_->admin, &v1::Admin::Stub::Metrics, v1::MetricsRequest(), &response));
  return response.text();
}

Status Client::Pause() {
  v1::PauseResponse response;
  return stubs_->Call(*stubs_->admin, &v1::Admin::Stub::Pause, v1::PauseRequest(), &response);
}

Status Client::Resume() {
  v1::ResumeResponse response;
  return stubs_->Call(*stubs_->admin, &v1::Admin::Stub::Resume, v1::ResumeRequest(), &response);
}

}  // namespace trident
