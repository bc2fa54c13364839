// SPDX-License-Identifier: Apache-2.0
#include "trident/run/process_end.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

namespace trident {
namespace {

std::atomic<int> g_signal{0};
extern "C" void OnSignal(int signal) {
  if (g_signal.exchange(signal, std::memory_order_relaxed) != 0) ::_exit(kExitByForce);
}

}  // namespace

void CatchSignals() {
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
  std::signal(SIGPIPE, SIG_IGN);
}

bool WasSignalled() { return g_signal.load(std::memory_order_relaxed) != 0; }

void Say(const std::string& program, const std::string& line) {
  std::string readable;
  for (const char c : line) readable += c == '\0' ? std::string("\\0") : std::string(1, c);
  std::fprintf(stderr, "%s: %s\n", program.c_str(), readable.c_str());
}

int Refuse(const std::string& program, const Status& status) {
  Say(program, std::string(Message(status)));
  return status.code() == StatusCode::kResourceExhausted ? kExitFailed : kExitRefused;
}

}  // namespace trident
