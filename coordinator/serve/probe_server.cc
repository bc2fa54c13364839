// SPDX-License-Identifier: Apache-2.0
#include "coordinator/serve/probe_server.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/ports/listen_address.h"

namespace trident {
namespace {

constexpr int kBacklog = 64;
constexpr size_t kWhyBytesMax = 200;
constexpr size_t kDrainBytesMax = 64 << 10;  // read and thrown away behind a request
constexpr Nanos kAcceptAgain = 100 * kMillisecond;

struct Answer {
  std::string status;
  std::string body;
};

bool IsMethod(std::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::string Readable(std::string why) {
  if (why.size() > kWhyBytesMax) why.resize(kWhyBytesMax);
  std::replace_if(
      why.begin(), why.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
  return why;
}

Answer AnswerOf(const Health& health) {
  if (health.ok) return {"200 OK", "ok"};
  return {"503 Service Unavailable", Readable(health.why)};
}

std::string ResponseTo(std::string_view head, const HealthChecks& checks) {
  const std::string_view line = head.substr(0, head.find_first_of("\r\n"));
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  Answer answer = {"400 Bad Request", "bad request"};
  bool is_head = false;
  if (first != std::string_view::npos && last > first && IsMethod(line.substr(0, first)) &&
      line.substr(last + 1, 7) == "HTTP/1.") {
    const std::string_view method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const bool is_live = target == "/livez";
    is_head = method == "HEAD";
    if (!is_live && target != "/readyz") {
      answer = {"404 Not Found", "not found"};
    } else if (!is_head && method != "GET") {
      answer = {"405 Method Not Allowed\r\nAllow: GET, HEAD", "method not allowed"};
    } else {
      answer = AnswerOf(is_live ? checks.live() : checks.ready());
    }
  }
  answer.body += '\n';
  return Concat("HTTP/1.1 ", answer.status,
                "\r\nContent-Type: text/plain\r\nContent-Length: ", answer.body.size(),
                "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
                is_head ? std::string() : answer.body);
}

// One connection: its head is read, its answer written, and what comes behind thrown away, since to
// close over unread bytes could take the answer back.
class Connection {
 public:
  Connection(int fd, Nanos deadline) : fd_(fd), deadline_(deadline) {}
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  Nanos deadline() const { return deadline_; }
  short Awaited() const { return static_cast<short>(out_.empty() ? POLLIN : POLLOUT); }

  // Goes on; false: it is over.
  bool Go(const HealthChecks& checks) { return out_.empty() ? Read(checks) : Write(); }

 private:
  bool Read(const HealthChecks& checks) {
    char bytes[1024];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    if (is_answered_) return (drained_ += static_cast<size_t>(got)) <= kDrainBytesMax;
    in_.append(bytes, static_cast<size_t>(got));
    const size_t end = std::min(in_.find("\r\n\r\n"), in_.find("\n\n"));
    if (std::min(end, in_.size()) > kProbeHeadBytesMax) {
      out_ =
          "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n"
          "Connection: close\r\n\r\n";
    } else if (end != std::string::npos) {
      out_ = ResponseTo(in_, checks);
    }
    return out_.empty() || Write();
  }
  bool Write() {
    const ssize_t sent = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    out_.erase(0, static_cast<size_t>(sent));
    if (!out_.empty()) return true;
    is_answered_ = true;
    return ::shutdown(fd_, SHUT_WR) == 0;
  }

  const int fd_;
  const Nanos deadline_;
  std::string in_;
  std::string out_;
  bool is_answered_ = false;
  size_t drained_ = 0;
};

class PollingProbeServer final : public ProbeServer {
 public:
  PollingProbeServer(Nanos request_max, HealthChecks checks)
      : request_max_(request_max), checks_(std::move(checks)) {}
  ~PollingProbeServer() override {
    if (thread_.joinable()) {
      ::eventfd_write(stop_, 1);
      thread_.join();
    }
    if (listener_ >= 0) ::close(listener_);
    if (stop_ >= 0) ::close(stop_);
  }

  Status Listen(const std::string& address);
  const std::string& address() const override { return address_; }

 private:
  void Run();
  void Accept(Nanos now);

  const Nanos request_max_;
  const HealthChecks checks_;
  std::string address_;
  int listener_ = -1;
  int stop_ = -1;
  std::vector<std::unique_ptr<Connection>> connections_;  // the oldest first; of the thread
  Nanos accept_at_ = 0;                                   // of the thread
  std::thread thread_;
};

Status PollingProbeServer::Listen(const std::string& address) {
  TRIDENT_ASSIGN_OR_RETURN(HostPort at, ParseHostPort(address));
  if (at.host == "localhost") at.host = "127.0.0.1";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(at.host.c_str(), std::to_string(at.port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        Concat("cannot listen on ", address, " for probes: ", ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  listener_ = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  if (listener_ < 0 || stop_ < 0 || ::bind(listener_, found->ai_addr, found->ai_addrlen) != 0 ||
      ::listen(listener_, kBacklog) != 0) {
    return absl::UnavailableError(
        Concat("cannot listen on ", address, " for probes: ", std::strerror(errno)));
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
  at.port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                              : reinterpret_cast<sockaddr_in&>(bound).sin_port);
  address_ = at.ToString();
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void PollingProbeServer::Accept(Nanos now) {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    // Without descriptors the listener would be ready for ever.
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) accept_at_ = now + kAcceptAgain;
    return;
  }
  if (connections_.size() >= kProbeConnectionsMax) connections_.erase(connections_.begin());
  connections_.push_back(std::make_unique<Connection>(fd, now + request_max_));
}

void PollingProbeServer::Run() {
  for (;;) {
    Nanos now = RealClock().MonotonicNanos();
    Nanos until = now + kSecond;
    if (accept_at_ > now) until = std::min(until, accept_at_);
    std::vector<pollfd> polled = {{stop_, POLLIN, 0},
                                  {accept_at_ > now ? -1 : listener_, POLLIN, 0}};
    for (const auto& connection : connections_) {
      polled.push_back({connection->fd(), connection->Awaited(), 0});
      until = std::min(until, connection->deadline());
    }
    const Nanos left = std::max<Nanos>(until - now, 0);
    ::poll(polled.data(), polled.size(), static_cast<int>(left / kMillisecond) + 1);
    if (polled[0].revents != 0) break;
    now = RealClock().MonotonicNanos();
    std::vector<std::unique_ptr<Connection>> open;
    for (size_t i = 0; i < connections_.size(); ++i) {
      const bool ready = polled[i + 2].revents != 0;
      if (now >= connections_[i]->deadline() || (ready && !connections_[i]->Go(checks_))) continue;
      open.push_back(std::move(connections_[i]));
    }
    connections_ = std::move(open);
    if (polled[1].revents != 0) Accept(now);
  }
  connections_.clear();
}

}  // namespace

StatusOr<std::unique_ptr<ProbeServer>> ProbeServer::Start(const std::string& address,
                                                          Nanos request_max, HealthChecks checks) {
  auto server = std::make_unique<PollingProbeServer>(request_max, std::move(checks));
  TRIDENT_RETURN_IF_ERROR(server->Listen(address));
  return std::unique_ptr<ProbeServer>(std::move(server));
}

}  // namespace trident
