// SPDX-License-Identifier: Apache-2.0
//
// The other ends of links that no sound worker is: hostile ones, silent ones, and networks that are
// cut.
#ifndef TRIDENT_TESTS_ENGINE_LINKS_STRANGE_PEERS_H_
#define TRIDENT_TESTS_ENGINE_LINKS_STRANGE_PEERS_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "engine/links/grpc_streams.h"

namespace trident {

// A worker whose program is damaged or hostile: it says what it likes.
class AnyPeer final : public StreamEvents {
 public:
  AnyPeer() : streams_(*GrpcStreams::Start({.token = std::string("a\0secret", 8)}, this)) {}
  ~AnyPeer() override { streams_.reset(); }

  void Open(const std::string& address, std::string first) {
    streams_->Open(++stream_, address, std::move(first));
  }
  // Writes when it may.
  void Say(std::string bytes) {
    MutexLock lock(mutex_);
    while (!may_write_ && ended_.ok()) changed_.Wait(mutex_);
    may_write_ = false;
    streams_->Write(stream_, {.head = std::move(bytes), .frames = {}});
  }
  Status AwaitEnd() {
    MutexLock lock(mutex_);
    while (ended_.ok()) changed_.Wait(mutex_);
    may_write_ = false;
    return std::exchange(ended_, absl::OkStatus());
  }

 private:
  Status OnMessage(StreamId, std::string_view, const BufferRef&) override {
    return absl::OkStatus();
  }
  void OnIncomingEnded(StreamId, const Status&) override {}
  void OnAccepted(StreamId) override {}
  void OnWritable(StreamId) override {
    MutexLock lock(mutex_);
    may_write_ = true;
    changed_.NotifyAll();
  }
  void OnOutgoingEnded(StreamId, const Status& status) override {
    MutexLock lock(mutex_);
    ended_ = status;
    changed_.NotifyAll();
  }

  Mutex mutex_;
  CondVar changed_;
  bool may_write_ = false;
  Status ended_;
  StreamId stream_ = 0;
  std::unique_ptr<GrpcStreams> streams_;
};

// Stands between two workers like a network: carries bytes until it is cut. Then nobody hears that
// a connection has ended.
class Network {
 public:
  explicit Network(uint16_t to)
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), to_(to) {
    sockaddr_in address = Loopback(0);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Carry(); });
  }
  ~Network() {
    Cut();
    close(listener_);
    close(left_);
    close(right_);
  }
  std::string address() const { return Concat("127.0.0.1:", port_); }
  void Cut() {
    cut_ = true;
    shutdown(listener_, SHUT_RDWR);  // nobody may have come
    if (thread_.joinable()) thread_.join();
  }

 private:
  static sockaddr_in Loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }
  void Carry() {
    left_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    right_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(to_);
    connect(right_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    while (!cut_) {
      pollfd both[] = {{left_, POLLIN, 0}, {right_, POLLIN, 0}};
      if (poll(both, 2, 10) <= 0) continue;
      if (both[0].revents != 0) Copy(left_, right_);
      if (both[1].revents != 0) Copy(right_, left_);
    }
  }
  static void Copy(int from, int to) {
    char bytes[65536];
    const ssize_t n = read(from, bytes, sizeof bytes);
    for (ssize_t at = 0; at < n;) {
      const ssize_t wrote = write(to, bytes + at, static_cast<size_t>(n - at));
      if (wrote <= 0) return;
      at += wrote;
    }
  }

  const int listener_;
  const uint16_t to_;
  uint16_t port_ = 0;
  int left_ = -1, right_ = -1;
  std::atomic<bool> cut_ = false;
  std::thread thread_;
};

// A worker that lives, takes links and never reads them.
class SilentPeer {
 public:
  SilentPeer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterAsyncGenericService(&service_);
    queue_ = builder.AddCompletionQueue();
    server_ = builder.BuildAndStart();
    service_.RequestCall(&context_, &call_, queue_.get(), queue_.get(), this);
    thread_ = std::thread([this] {
      void* tag = nullptr;
      bool ok = false;
      while (queue_->Next(&tag, &ok)) {
      }
    });
  }
  ~SilentPeer() {
    server_->Shutdown(gpr_now(GPR_CLOCK_REALTIME));
    queue_->Shutdown();
    thread_.join();
  }
  std::string address() const { return Concat("127.0.0.1:", port_); }

 private:
  int port_ = 0;
  grpc::AsyncGenericService service_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter call_{&context_};
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::thread thread_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_ENGINE_LINKS_STRANGE_PEERS_H_
