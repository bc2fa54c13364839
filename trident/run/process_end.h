// SPDX-License-Identifier: Apache-2.0
//
// How a topology's process ends, and what it says on stderr: for the commands of a program.
#ifndef TRIDENT_TRIDENT_RUN_PROCESS_END_H_
#define TRIDENT_TRIDENT_RUN_PROCESS_END_H_

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace trident {

// Exit codes; trident/run/program.h says what each means.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitRefused = 2;
inline constexpr int kExitRowsAside = 3;
inline constexpr int kExitInterrupted = 4;
inline constexpr int kExitByForce = 5;

// A signal handler can wake nobody safely, so who waits looks so often.
inline constexpr Nanos kSignalLookEvery = 100 * kMillisecond;

// From now on the first SIGINT or SIGTERM is remembered, and a second one ends the process at once:
// the state survives any end. SIGPIPE is ignored: who reads our log may go away; that ends a line,
// not the process.
void CatchSignals();
bool WasSignalled();

// "PROGRAM: LINE". What is said may quote bytes of a file or a position.
void Say(const std::string& program, const std::string& line);
// Says why nothing was begun, and returns the exit code. A lack of room or threads is a failure all
// the same: who starts the process may start it again as it is.
int Refuse(const std::string& program, const Status& status);

// Ends what runs. `calls` tells which calls of the program's code stand now, after so long; if
// `ends_in_order` is false, they are looked for with patience: two looks must have seen a call.
// What has not ended within some seconds, or within `deadline` if that is less, is ended by force,
// with the process; `line` is what would have been said.
struct EndOfRun {
  std::string program;
  Nanos deadline = 0;
  bool ends_in_order = true;
  std::string line;
  std::function<std::vector<std::string>(Nanos longer_than)> calls;
  std::function<void()> end;
};
void EndOrForce(const EndOfRun& run);

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_PROCESS_END_H_
