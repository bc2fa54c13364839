// SPDX-License-Identifier: Apache-2.0
//
// GrpcStreams: a port of this process, and streams of byte messages from and to other processes.
// One stream goes one way. It knows a shared token and nothing of what the messages say.
//
// All is done on one completion queue with one thread of its own. The threads of gRPC's callback
// interface fall asleep after a quiet second, and then a message may wait for a tenth of one.
#ifndef TRIDENT_ENGINE_LINKS_GRPC_STREAMS_H_
#define TRIDENT_ENGINE_LINKS_GRPC_STREAMS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/ports/listen_address.h"
#include "base/ports/tls_files.h"
#include "base/status.h"
#include "engine/data/column.h"
#include "engine/links/bundle_writer.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace trident {

// A stream of this process. Incoming and outgoing ones are numbered apart.
using StreamId = uint64_t;

// Hears what happens to streams. Called on their one thread, so no call may take long.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  // A message of an incoming stream; `keep` owns its bytes. Not ok: the stream ends with that.
  virtual Status OnMessage(StreamId incoming, std::string_view bytes, const BufferRef& keep) = 0;
  // No more messages come, ever. Also told of a stream that ended by what OnMessage returned.
  virtual void OnIncomingEnded(StreamId incoming, const Status& status) = 0;
  // The other end has taken the first message: it will take more.
  virtual void OnAccepted(StreamId outgoing) = 0;
  // The next message may be written.
  virtual void OnWritable(StreamId outgoing) = 0;
  // Whether the messages that were written arrived is not known. `status` is never ok.
  virtual void OnOutgoingEnded(StreamId outgoing, const Status& status) = 0;
};

class GrpcStreams {
 public:
  struct Options {
    HostPort address{"127.0.0.1", 0};  // where it listens; port 0: any that is free
    // All ends have it, or none. Without it messages travel in plain text, the token too.
    std::optional<TlsContent> tls = std::nullopt;
    // Both ends of a stream know it. A stream without it is refused before it is read.
    std::string token;
    // What else is served at the port, on threads of its own; it outlives the streams. Null:
    // nothing.
    grpc::Service* beside = nullptr;
  };
  // `events` outlives the streams. Unavailable: the port cannot be had.
  static StatusOr<std::unique_ptr<GrpcStreams>> Start(const Options& options, StreamEvents* events);
  ~GrpcStreams();  // Stop()

  // Ends all streams. `events` may still be called meanwhile, and may write, but is not called
  // later. One thread may call it.
  void Stop();

  uint16_t port() const;
  // Opens a stream to "host:port", over a connection of its own. `first` is its first message;
  // OnWritable tells when it is on its way, OnAccepted when it is taken. Never waits: what goes
  // wrong, OnOutgoingEnded tells.
  void Open(StreamId outgoing, const std::string& address, std::string first);
  // Writes one message; never waits. Nothing happens if the stream has ended.
  // REQUIRES: OnWritable was called since the last Write.
  void Write(StreamId outgoing, BundleBytes message);

 private:
  class Running;
  class Outgoing;
  class Incoming;
  explicit GrpcStreams(std::unique_ptr<Running> running);

  std::unique_ptr<Running> running_;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_LINKS_GRPC_STREAMS_H_
