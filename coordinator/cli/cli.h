// SPDX-License-Identifier: Apache-2.0
//
// The `trident` command: asks a running topology, looks into a state directory that is at rest, and
// begins a project.
//
// Exit codes: 0 done, 1 no such key, state, function or directory, 2 bad usage, 3 no topology can
// be reached, 4 refused or failed, 5 damaged data. Answers go to `out`, what is said about them to
// `err`.
#ifndef TRIDENT_COORDINATOR_CLI_CLI_H_
#define TRIDENT_COORDINATOR_CLI_CLI_H_

#include <ostream>
#include <string>
#include <vector>

namespace trident {

inline constexpr char kDefaultAddress[] = "127.0.0.1:7411";

// Runs one command; `args` are those behind the program's name. Returns the exit code.
int RunCli(const std::vector<std::string>& args, std::ostream& out, std::ostream& err);

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_CLI_H_
