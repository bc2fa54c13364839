// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/server.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <utility>

#include "base/ports/channel_security.h"
#include "base/ports/grpc_end.h"
#include "base/ports/listen_address.h"
#include "base/ports/tls_files.h"
#include "coordinator/serve/admin_service.h"
#include "coordinator/serve/drpc_service.h"
#include "coordinator/serve/query_service.h"

namespace trident {
namespace {

// Nothing comes to gRPC's own log: what it would say of an address it cannot have, the error says
// in our words.
class SilentGrpc {
 public:
  SilentGrpc() {
    gpr_set_log_function([](gpr_log_func_args*) {});
  }
  ~SilentGrpc() { gpr_set_log_function(nullptr); }
  SilentGrpc(const SilentGrpc&) = delete;
  SilentGrpc& operator=(const SilentGrpc&) = delete;
};

// How long short calls may take to finish at Shutdown.
constexpr int64_t kGraceMs = 500;

StatusOr<std::shared_ptr<grpc::ServerCredentials>> Credentials(const ServerOptions& options,
                                                               const HostPort& address) {
  if (options.tls) {
    TRIDENT_ASSIGN_OR_RETURN(const TlsContent tls, ReadTlsFiles(*options.tls));
    return ServerSecurity(tls);
  }
  if (address.IsLoopback()) return ServerSecurity(std::nullopt);
  return InvalidArgument("refusing to listen on ", address.ToString(),
                         " without TLS: everyone who reaches this address could read all states. "
                         "Give a server certificate, its key and the CA of the clients, or listen "
                         "on a loopback address such as 127.0.0.1:",
                         address.port);
}

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(kRpcMessageBytesMax);
  builder.SetMaxSendMessageSize(kRpcAnswerBytesMax);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  // Two servers on one port would share its calls between them, and nobody would notice.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kRpcStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kRpcMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kRpcHandshakeMsMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kRpcIdleConnectionMsMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kRpcKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kRpcKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kRpcPingIntervalMsMin);
}

}  // namespace

class Server::Listener {
 public:
  Listener(const ServerOptions& options, const ServedParts& parts)
      : with_tls_(options.tls.has_value()) {
    if (parts.states != nullptr) {
      backend_.emplace(*parts.states, RealClock(), options.stream_stall_max);
      query_.emplace(*backend_);
    }
    if (parts.drpc != nullptr) drpc_.emplace(*parts.drpc, RealClock());
    if (parts.control != nullptr) {
      admin_.emplace(*parts.control, RealClock(), options.stream_stall_max);
    }
  }
  ~Listener() {
    Shutdown();
    if (with_tls_) AwaitGrpcAtExit();
  }

  // The port that was taken.
  StatusOr<uint16_t> Listen(const HostPort& address,
                            std::shared_ptr<grpc::ServerCredentials> credentials) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    SetLimits(builder);
    int port = 0;
    builder.AddListeningPort(address.ToListenOn(), std::move(credentials), &port);
    if (query_) builder.RegisterService(&*query_);
    if (drpc_) builder.RegisterService(&*drpc_);
    if (admin_) builder.RegisterService(&*admin_);
    {
      const SilentGrpc silent;
      server_ = builder.BuildAndStart();
    }
    if (server_ == nullptr || port <= 0) {
      return Unavailable("cannot listen on ", address.ToString(),
                         ": another process may have the port, or this machine not the address; "
                         "choose another one, or port 0 for any that is free");
    }
    return static_cast<uint16_t>(port);
  }

  void Shutdown() {
    if (server_ == nullptr) return;
    if (query_) query_->Stop();
    if (admin_) admin_->Stop();
    server_->Shutdown(gpr_time_from_millis(kGraceMs, GPR_TIMESPAN));
    server_->Wait();
    server_.reset();
  }

 private:
  // The services are used by the server, the backend by the query service.
  std::optional<QueryBackend> backend_;
  std::optional<QueryService> query_;
  std::optional<DrpcService> drpc_;
  std::optional<AdminService> admin_;
  std::unique_ptr<grpc::Server> server_;
  const bool with_tls_;
};

StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                const ServedParts& parts) {
  TRIDENT_ASSIGN_OR_RETURN(HostPort address, ParseHostPort(options.address));
  TRIDENT_ASSIGN_OR_RETURN(auto credentials, Credentials(options, address));
  auto listener = std::make_unique<Listener>(options, parts);
  TRIDENT_ASSIGN_OR_RETURN(address.port, listener->Listen(address, std::move(credentials)));
  return std::unique_ptr<Server>(new Server(std::move(listener), address.ToString()));
}

Server::Server(std::unique_ptr<Listener> listener, std::string address)
    : listener_(std::move(listener)), address_(std::move(address)) {}

Server::~Server() = default;

void Server::Shutdown() { listener_->Shutdown(); }

}  // namespace trident
