// SPDX-License-Identifier: Apache-2.0
#include "coordinator/cli/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "base/hash.h"
#include "base/limits.h"
#include "base/ports/channel_security.h"
#include "base/ports/grpc_end.h"
#include "base/spelling.h"
#include "coordinator/serve/datum_codec.h"
#include "coordinator/serve/view_codec.h"
#include "proto/admin.grpc.pb.h"
#include "proto/drpc.grpc.pb.h"
#include "proto/query.grpc.pb.h"

namespace trident {
namespace {

constexpr int kReconnectMs = 100;  // the least that gRPC takes

StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(const ClientOptions& options) {
  if (!options.tls) return ChannelSecurity(std::nullopt);
  TRIDENT_ASSIGN_OR_RETURN(const TlsContent tls, ReadTlsFiles(*options.tls));
  return ChannelSecurity(tls);
}

// gRPC's words for a connection that did not come about end with the reason.
std::string ReasonOf(const std::string& message) {
  const size_t colon = message.rfind(": ");
  return colon == std::string::npos ? message : message.substr(colon + 2);
}

Status Unreachable(const std::string& address, const std::string& reason) {
  return Unavailable("cannot reach a topology at ", address, ": ", reason,
                     ". Is one running? Start it with --address ", address,
                     ", or say where it is with --address HOST:PORT or TRIDENT_ADDRESS");
}

void SetCut(const RemoteCut& at, v1::ReadAt& out) {
  if (at.exactly) {
    out.set_exactly(*at.exactly);
  } else if (at.at_least) {
    out.set_at_least(*at.at_least);
  }
}

// A wait that was too short says for what it was.
Status OfAwaited(const RemoteCut& at, const Status& status, const ClientOptions& options) {
  if (status.code() != StatusCode::kDeadlineExceeded || !at.at_least) return status;
  return DeadlineExceeded("txid ", *at.at_least, " was not committed within ",
                          options.timeout / kMillisecond,
                          " ms; allow more with --timeout SECONDS, or see with `trident batches` "
                          "what is being waited for");
}

StatusOr<RemoteState> StateFrom(const v1::StateInfo& info) {
  RemoteState out{.name = info.name(),
                  .kind = info.kind(),
                  .key_fields = {},
                  .value_type = info.value_type(),
                  .partitions = info.partitions(),
                  .approximate_keys = info.approximate_keys(),
                  .unreadable_keys = info.unreadable_keys(),
                  .latest = TxId(info.latest_txid()),
                  .expire_after_micros = info.expire_after_micros()};
  for (const v1::KeyFieldInfo& field : info.key()) {
    const TypeInfo* type = KeyTypeNamed(field.type());
    if (type == nullptr) {
      return FailedPrecondition("state '", info.name(), "' has a key field of type ", field.type(),
                                ", which this command does not know; use the command of the "
                                "topology's own release");
    }
    out.key_fields.push_back(
        {field.name(), type, field.nullable() ? Nullability::kNullable : Nullability::kRequired});
  }
  return out;
}

}  // namespace

struct Client::Connection {
  ClientOptions options;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Query::Stub> query;
  std::unique_ptr<v1::Drpc::Stub> drpc;
  std::unique_ptr<v1::Admin::Stub> admin;

  void SetDeadline(grpc::ClientContext& context) const {
    context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_nanos(options.timeout, GPR_TIMESPAN)));
  }

  template <class Stub, class Request, class Response>
  Status Call(Stub& stub,
              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, Response& response) const {
    grpc::ClientContext context;
    SetDeadline(context);
    return Outcome((stub.*method)(&context, request, &response));
  }

  StatusOr<Status> ScanPart(const RemoteScan& scan, v1::ScanRequest& request, const OnRow& row,
                            RemoteScanEnd& end) const;

  // What happened, in the words of whom it happened to.
  Status Outcome(const grpc::Status& status) const {
    const std::string& said = status.error_message();
    const bool connected = channel->GetState(false) == GRPC_CHANNEL_READY;
    switch (status.error_code()) {
      case grpc::OK:
        return {};
      case grpc::UNAVAILABLE:
        // A topology that stops says so itself; anything else is the connection's end.
        if (said.find("the topology is stopping") != std::string::npos) return Unavailable(said);
        return Unreachable(options.address, ReasonOf(said));
      case grpc::DEADLINE_EXCEEDED:
        if (!connected) return Unreachable(options.address, "no answer in time");
        if (said != "Deadline Exceeded") return DeadlineExceeded(said);
        return DeadlineExceeded("the topology at ", options.address, " gave no answer within ",
                                options.timeout / kMillisecond,
                                " ms; allow more with --timeout SECONDS");
      case grpc::UNIMPLEMENTED:
        return FailedPrecondition("what answers at ", options.address,
                                  " does not offer this; it may be another program, an older "
                                  "release, or a topology without such a part");
      default:
        return Status(static_cast<StatusCode>(status.error_code()), said);
    }
  }
};

std::string RemoteState::KeyText() const {
  std::string out;
  for (const KeyField& field : key_fields) {
    out += Concat(out.empty() ? "" : ", ", field.name, ":", field.type->name,
                  field.nullability == Nullability::kNullable ? "?" : "");
  }
  return out;
}

StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  TRIDENT_ASSIGN_OR_RETURN(const auto credentials, Credentials(options));
  auto connection = std::make_unique<Connection>();
  connection->options = options;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kRpcAnswerBytesMax));
  arguments.SetMaxSendMessageSize(static_cast<int>(kRpcMessageBytesMax));
  // A command does not try again, but as long as gRPC would wait to, it holds up the program's end.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kReconnectMs);
  // The address is asked itself. A proxy for the web, set for other programs, cannot reach it.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  connection->channel = grpc::CreateCustomChannel(options.address, credentials, arguments);
  connection->query = v1::Query::NewStub(connection->channel);
  connection->drpc = v1::Drpc::NewStub(connection->channel);
  connection->admin = v1::Admin::NewStub(connection->channel);
  return std::unique_ptr<Client>(new Client(std::move(connection)));
}

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Client::~Client() {
  if (connection_->options.tls) AwaitGrpcAtExit();
}

const std::string& Client::address() const { return connection_->options.address; }
Nanos Client::timeout() const { return connection_->options.timeout; }

StatusOr<std::vector<RemoteState>> Client::ListStates() {
  v1::ListStatesResponse response;
  TRIDENT_RETURN_IF_ERROR(connection_->Call(*connection_->query, &v1::Query::Stub::ListStates,
                                            v1::ListStatesRequest(), response));
  std::vector<RemoteState> out;
  for (const v1::StateInfo& info : response.states()) {
    TRIDENT_ASSIGN_OR_RETURN(RemoteState state, StateFrom(info));
    out.push_back(std::move(state));
  }
  return out;
}

StatusOr<RemoteState> Client::FindState(const std::string& name) {
  TRIDENT_ASSIGN_OR_RETURN(std::vector<RemoteState> states, ListStates());
  std::vector<std::string> names;
  for (RemoteState& state : states) {
    if (state.name == name) return std::move(state);
    names.push_back(state.name);
  }
  return NotFound("there is no state '", name, "'", SpellingHint(name, "states", names));
}

StatusOr<RemoteValue> Client::Get(const std::string& state, const std::vector<Datum>& key,
                                  const RemoteCut& at) {
  v1::GetRequest request;
  request.set_state(state);
  ToProto(key, *request.mutable_key());
  SetCut(at, *request.mutable_at());
  v1::GetResponse response;
  TRIDENT_RETURN_IF_ERROR(OfAwaited(
      at, connection_->Call(*connection_->query, &v1::Query::Stub::Get, request, response),
      connection_->options));
  RemoteValue out{.txid = TxId(response.txid()), .value = std::nullopt};
  if (response.found()) {
    TRIDENT_ASSIGN_OR_RETURN(out.value, FromProto(response.value()));
  }
  return out;
}

// What the topology answers to `request`, which is then one for the rest.
StatusOr<Status> Client::Connection::ScanPart(const RemoteScan& scan, v1::ScanRequest& request,
                                              const OnRow& row, RemoteScanEnd& end) const {
  grpc::ClientContext context;
  if (scan.at.at_least && end.rows == 0) SetDeadline(context);
  auto pages = query->Scan(&context, request);
  for (v1::ScanPage page; pages->Read(&page);) {
    end.txid = TxId(page.txid());
    end.more = !page.resume_token().empty();
    for (const v1::Entry& entry : page.entries()) {
      TRIDENT_ASSIGN_OR_RETURN(const std::vector<Datum> key, FromProto(entry.key()));
      StatusOr<Datum> value = Aborted(entry.error());
      if (entry.error().empty()) {
        TRIDENT_ASSIGN_OR_RETURN(value, FromProto(entry.value()));
      }
      row(key, value);
      ++end.rows;
      if (!value.ok()) ++end.unreadable;
    }
    request.set_resume_token(page.resume_token());
    request.clear_at();
    if (scan.rows_max > 0) request.set_rows_max(scan.rows_max - end.rows);
  }
  return OfAwaited(scan.at, Outcome(pages->Finish()), options);
}

StatusOr<RemoteScanEnd> Client::Scan(const RemoteScan& scan, const OnRow& row) {
  v1::ScanRequest request;
  request.set_state(scan.state);
  request.set_rows_max(scan.rows_max);
  SetCut(scan.at, *request.mutable_at());
  if (!scan.prefix.empty()) {
    ToProto(scan.prefix, *request.mutable_prefix());
  } else {
    ToProto(scan.from, *request.mutable_range()->mutable_from());
    ToProto(scan.to, *request.mutable_range()->mutable_to());
  }
  RemoteScanEnd end;
  for (;;) {
    const std::string resumed_from = request.resume_token();
    TRIDENT_ASSIGN_OR_RETURN(const Status ended, connection_->ScanPart(scan, request, row, end));
    const bool enough = scan.rows_max > 0 && end.rows >= scan.rows_max;
    if (ended.ok() || enough) return end;
    // Without a new token it would end at the same place again.
    const bool cut_off = ended.code() == StatusCode::kCancelled;
    if (cut_off && request.resume_token() != resumed_from) continue;
    const bool got_further = resumed_from.empty() || request.resume_token() != resumed_from;
    if (got_further && end.rows == 0) return ended;
    if (got_further) {
      return Annotate(ended, Concat("what was printed is not all: the scan ended after ", end.rows,
                                    " rows at txid ", end.txid.value()));
    }
    return Annotate(
        ended, Concat("the scan was cut off after ", end.rows, " rows at txid ", end.txid.value(),
                      ", because nobody read on, and could not be resumed there (scan "
                      "anew, into a file, or in parts with --from and --limit)"));
  }
}

Status Client::Watch(const RemoteWatch& watch, const OnTxId& begun, const OnTxId& told,
                     const OnChange& change) {
  v1::WatchRequest request;
  request.set_state(watch.state);
  request.set_from(watch.from);
  if (watch.whole_key) {
    ToProto(watch.key, *request.mutable_key());
  } else if (!watch.key.empty()) {
    ToProto(watch.key, *request.mutable_prefix());
  }
  grpc::ClientContext context;
  auto events = connection_->query->Watch(&context, request);
  v1::WatchEvent event;
  if (events->Read(&event)) begun(TxId(event.txid()));
  while (events->Read(&event)) {
    for (const v1::Change& changed : event.changes()) {
      RemoteChange out{
          .txid = TxId(event.txid()), .key = {}, .value = std::nullopt, .error = changed.error()};
      TRIDENT_ASSIGN_OR_RETURN(out.key, FromProto(changed.key()));
      if (changed.has_value()) {
        TRIDENT_ASSIGN_OR_RETURN(out.value, FromProto(changed.value()));
      }
      if (!change(out)) return {};
    }
    if (!event.more()) told(TxId(event.txid()));
  }
  return connection_->Outcome(events->Finish());
}

StatusOr<DrpcAnswer> Client::Drpc(const std::string& function, const std::string& args) {
  v1::ExecuteRequest request;
  request.set_function(function);
  request.set_args(args);
  v1::ExecuteResponse response;
  TRIDENT_RETURN_IF_ERROR(
      connection_->Call(*connection_->drpc, &v1::Drpc::Stub::Execute, request, response));
  DrpcAnswer out;
  out.txid = TxId(response.txid());
  out.fields = std::make_shared<const std::vector<std::string>>(response.fields().begin(),
                                                                response.fields().end());
  for (const v1::Row& row : response.rows()) {
    std::vector<Datum>& values = out.rows.emplace_back();
    for (const v1::Value& value : row.values()) {
      TRIDENT_ASSIGN_OR_RETURN(Datum datum, FromProto(value));
      values.push_back(std::move(datum));
    }
  }
  return out;
}

StatusOr<std::vector<DrpcFunctionStatus>> Client::Functions() {
  v1::ListFunctionsResponse response;
  TRIDENT_RETURN_IF_ERROR(connection_->Call(*connection_->drpc, &v1::Drpc::Stub::ListFunctions,
                                            v1::ListFunctionsRequest(), response));
  std::vector<DrpcFunctionStatus> out;
  for (const v1::FunctionInfo& info : response.functions()) {
    out.push_back({.name = info.name(),
                   .waiting = static_cast<int64_t>(info.waiting()),
                   .answered = info.answered(),
                   .batches = 0,
                   .refused = info.refused(),
                   .expired = info.expired()});
  }
  return out;
}

StatusOr<TopologyView> Client::Batches() {
  v1::BatchesResponse response;
  TRIDENT_RETURN_IF_ERROR(connection_->Call(*connection_->admin, &v1::Admin::Stub::Batches,
                                            v1::BatchesRequest(), response));
  return FromProto(response);
}

StatusOr<std::vector<WorkerView>> Client::Workers() {
  v1::WorkersResponse response;
  TRIDENT_RETURN_IF_ERROR(connection_->Call(*connection_->admin, &v1::Admin::Stub::Workers,
                                            v1::WorkersRequest(), response));
  std::vector<WorkerView> workers;
  for (const v1::Worker& worker : response.workers()) workers.push_back(FromProto(worker));
  return workers;
}

StatusOr<std::string> Client::Explain(ExplainFormat format) {
  v1::ExplainRequest request;
  request.set_format(format == ExplainFormat::kDot ? v1::ExplainRequest::DOT
                                                   : v1::ExplainRequest::TEXT);
  v1::ExplainResponse response;
  TRIDENT_RETURN_IF_ERROR(
      connection_->Call(*connection_->admin, &v1::Admin::Stub::Explain, request, response));
  return response.plan();
}

StatusOr<std::string> Client::Metrics() {
  v1::MetricsResponse response;
  TRIDENT_RETURN_IF_ERROR(connection_->Call(*connection_->admin, &v1::Admin::Stub::Metrics,
                                            v1::MetricsRequest(), response));
  return response.text();
}

Status Client::Backup(const OnFiles& files, const OnBytes& bytes) {
  grpc::ClientContext context;
  auto parts = connection_->admin->Backup(&context, v1::BackupRequest());
  Status status;
  bool is_begun = false;
  for (v1::BackupPart part; status.ok() && parts->Read(&part); is_begun = true) {
    if (is_begun) {
      status = HashBytes(part.data()) == part.checksum()
                   ? bytes(part.data())
                   : DataLoss("the backup was changed on its way here");
      continue;
    }
    std::vector<BackupFile> listed;
    for (const v1::BackupPart::File& file : part.files()) {
      listed.push_back({.name = file.name(), .path = {}, .bytes = file.bytes()});
    }
    status = files(std::move(listed));
  }
  if (!status.ok()) {
    context.TryCancel();
    (void)parts->Finish();
    return status;
  }
  return connection_->Outcome(parts->Finish());
}

Status Client::Pause() {
  v1::PauseResponse response;
  return connection_->Call(*connection_->admin, &v1::Admin::Stub::Pause, v1::PauseRequest(),
                           response);
}

Status Client::Resume() {
  v1::ResumeResponse response;
  return connection_->Call(*connection_->admin, &v1::Admin::Stub::Resume, v1::ResumeRequest(),
                           response);
}

StatusOr<std::vector<LetterStanding>> Client::DoWithLetters(
    LetterAction action, const std::vector<LetterName>& letters) {
  using Standing = v1::DeadLettersResponse::Standing;
  v1::DeadLettersRequest request;
  request.set_action(action == LetterAction::kRetry  ? v1::DeadLettersRequest::RETRY
                     : action == LetterAction::kDrop ? v1::DeadLettersRequest::DROP
                                                     : v1::DeadLettersRequest::LOOK);
  for (const LetterName& letter : letters) {
    v1::DeadLetter& out = *request.add_letters();
    out.set_stream(letter.stream);
    out.set_txid(letter.txid);
    out.set_row(letter.row);
  }
  v1::DeadLettersResponse response;
  TRIDENT_RETURN_IF_ERROR(
      connection_->Call(*connection_->admin, &v1::Admin::Stub::DeadLetters, request, response));
  if (static_cast<size_t>(response.standings_size()) != letters.size()) {
    return DataLoss("the topology answered of ", response.standings_size(),
                    " dead letters, expected ", letters.size());
  }
  std::vector<LetterStanding> out;
  for (const Standing& standing : response.standings()) {
    const auto now = standing.now() == Standing::THERE       ? LetterStanding::Now::kThere
                     : standing.now() == Standing::UNDER_WAY ? LetterStanding::Now::kUnderWay
                     : standing.now() == Standing::GONE      ? LetterStanding::Now::kGone
                     : standing.now() == Standing::NO_ROOM   ? LetterStanding::Now::kNoRoom
                                                             : LetterStanding::Now::kRefused;
    out.push_back({now, standing.why()});
  }
  return out;
}

StatusOr<Client::Version> Client::GetVersion() {
  v1::VersionResponse response;
  TRIDENT_RETURN_IF_ERROR(connection_->Call(*connection_->admin, &v1::Admin::Stub::Version,
                                            v1::VersionRequest(), response));
  return Version{response.version(), response.topology()};
}

}  // namespace trident
