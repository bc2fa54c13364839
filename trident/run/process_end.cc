// SPDX-License-Identifier: Apache-2.0
#include "trident/run/process_end.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/mutex.h"

namespace trident {
namespace {

// How long the end of a run may take, at most; its threads may be in calls that do not return.
constexpr Nanos kEndGrace = 10 * kSecond;
constexpr Nanos kBetweenLooks = 20 * kMillisecond;
// A call that has not returned for so long is worth a word.
constexpr Nanos kStands = kBetweenLooks / 2;

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

void EndOrForce(const EndOfRun& run) {
  Mutex mutex;
  CondVar finishing;
  bool finished = false;  // under mutex
  std::vector<std::string> calls = run.calls(kStands);
  if (calls.empty() && !run.ends_in_order) {
    {
      MutexLock lock(mutex);
      finishing.WaitFor(mutex, kBetweenLooks);
    }
    calls = run.calls(kStands);
  }
  const std::string why = calls.empty() ? "its threads did not end" : calls.front();
  const Nanos grace = std::min(kEndGrace, run.deadline);
  if (!calls.empty()) {
    Say(run.program, Concat("waits at most ", grace / kSecond, " s: ", calls.front()));
  }
  std::thread watch([&] {
    MutexLock lock(mutex);
    const Nanos deadline = RealClock().MonotonicNanos() + grace;
    while (!finished) {
      const Nanos left = deadline - RealClock().MonotonicNanos();
      if (left <= 0) {
        Say(run.program, Concat("ended by force: ", why, ". Before that: ", run.line));
        std::_Exit(kExitByForce);
      }
      finishing.WaitFor(mutex, left);
    }
  });
  run.end();
  {
    MutexLock lock(mutex);
    finished = true;
    finishing.NotifyAll();
  }
  watch.join();
}

}  // namespace trident
