// SPDX-License-Identifier: Apache-2.0
//
// A client for probes: it sends bytes to a port of this machine, and reads what comes.
#ifndef TRIDENT_TESTS_SUPPORT_HTTP_ASK_H_
#define TRIDENT_TESTS_SUPPORT_HTTP_ASK_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace trident {

// A connection to 127.0.0.1; closed with it.
class ProbeClient {
 public:
  // Of `address` only the port counts.
  explicit ProbeClient(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port =
        htons(static_cast<uint16_t>(std::atoi(address.substr(address.rfind(':') + 1).c_str())));
    const timeval patience{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    is_open_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~ProbeClient() { ::close(fd_); }
  ProbeClient(const ProbeClient&) = delete;
  ProbeClient& operator=(const ProbeClient&) = delete;

  void Send(const std::string& bytes) const {
    if (is_open_) (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // All that comes until the other end closes, or says nothing for long.
  std::string ReadToEnd() const {
    std::string all;
    char bytes[4096];
    for (ssize_t got = 0; is_open_ && (got = ::recv(fd_, bytes, sizeof bytes, 0)) > 0;) {
      all.append(bytes, static_cast<size_t>(got));
    }
    return all;
  }

 private:
  const int fd_;
  bool is_open_ = false;
};

// The whole answer to these bytes.
inline std::string AskBytes(const std::string& address, const std::string& bytes) {
  const ProbeClient client(address);
  client.Send(bytes);
  return client.ReadToEnd();
}
// The status and the line of a GET: "503 ends".
inline std::string AskPath(const std::string& address, const std::string& path) {
  const std::string all = AskBytes(address, "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
  const size_t body = all.find("\r\n\r\n");
  if (body == std::string::npos) return "no answer";
  return all.substr(9, 4) + all.substr(body + 4, all.size() - body - 5);
}

}  // namespace trident

#endif  // TRIDENT_TESTS_SUPPORT_HTTP_ASK_H_
